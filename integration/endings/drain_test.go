package endings

import (
	"errors"
	"io"
	"strings"
	"syscall"
	"testing"
	"time"

	gomysql "github.com/go-mysql-org/go-mysql/client"

	"lockstep/integration/cluster"
)

// drain: on SIGTERM the connections of idle clients are closed without a word, as a server does, new clients hear 1053, and those in a
// transaction may end it.
func drain(t *testing.T, w *world) {
	idle, inside, late := dial(t, w.Listen, "d"), dial(t, w.Listen, "d"), dial(t, w.Listen, "d")
	inside.must("BEGIN")
	inside.must("UPDATE a SET v = 77")
	running := late.begin("SELECT COUNT(*) FROM a WHERE SLEEP(0.3) = 7")
	w.shardsRun(t, "SLEEP(0.3)", 1)
	ended := w.ProxyEnded()
	if err := w.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := idle.conn.SetDeadline(time.Now().Add(3 * time.Second)); err != nil {
		t.Fatal(err)
	}
	if n, err := idle.conn.Read(make([]byte, 1)); n != 0 || !errors.Is(err, io.EOF) {
		t.Errorf("the idle client hears %d bytes, %v", n, err)
	}
	_, err := gomysql.Connect(w.Listen, cluster.User, cluster.Password, "d")
	if err == nil || !strings.Contains(err.Error(), "1053") {
		t.Errorf("a new client hears %v", err)
	}
	if got := within(t, 5*time.Second, running); got != "0" {
		t.Errorf("the running statement hears %q", got)
	}
	if got := inside.ask("SELECT SUM(v) FROM a"); got != "462" {
		t.Errorf("inside its transaction a client hears %q", got)
	}
	inside.must("COMMIT")
	select {
	case <-ended:
	case <-time.After(5 * time.Second):
		t.Fatal("the proxy does not end once its last transaction has")
	}
}
