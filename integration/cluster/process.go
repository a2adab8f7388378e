package cluster

import (
	"bytes"
	"database/sql"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
)

// process is a running proxy.
type process struct {
	cmd    *exec.Cmd
	output *tail
	ended  chan struct{}
	err    error // of Wait, valid once ended is closed
}

var binary struct {
	once sync.Once
	path string
	err  error
}

// Binary builds bin/lockstep once per test process, with failpoints.
func Binary(t testing.TB) string {
	t.Helper()
	binary.once.Do(func() {
		dir, err := os.MkdirTemp("", "lockstep-bin-")
		if err != nil {
			binary.err = err
			return
		}
		binary.path = filepath.Join(dir, "lockstep")
		args := []string{"build", "-tags", "failpoint", "-o", binary.path}
		if raceEnabled {
			args = append(args, "-race")
		}
		out, err := exec.Command("go", append(args, "lockstep/cmd/lockstep")...).CombinedOutput()
		if err != nil {
			binary.err = fmt.Errorf("build the proxy: %w\n%s", err, out)
		}
	})
	if binary.err != nil {
		t.Fatal(binary.err)
	}
	return binary.path
}

// RemoveBinary is for TestMain, after the tests.
func RemoveBinary() {
	if binary.path != "" {
		_ = os.RemoveAll(filepath.Dir(binary.path)) // left-overs in the temporary folder harm nobody
	}
}

// Prepared lists the prepared branches of a shard, as XA RECOVER's data column.
func (c *Cluster) Prepared(shard int) ([]string, error) {
	db, err := sql.Open("mysql", dsn(c.Shards[shard].Address(), "", nil))
	if err != nil {
		return nil, err
	}
	defer db.Close()
	rows, err := db.Query("XA RECOVER")
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var list []string
	for rows.Next() {
		var format, g, b int64
		var data string
		if err := rows.Scan(&format, &g, &b, &data); err != nil {
			return nil, err
		}
		list = append(list, data)
	}
	return list, rows.Err()
}

// Run runs a command of the binary ("txn", "list", …) and returns what it printed and its exit code.
func (c *Cluster) Run(args ...string) (stdout, stderr string, code int) {
	c.t.Helper()
	cmd := exec.Command(Binary(c.t), args...)
	var o, e bytes.Buffer
	cmd.Stdout, cmd.Stderr = &o, &e
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		c.t.Fatalf("run lockstep %v: %v", args, err)
	}
	return o.String(), e.String(), cmd.ProcessState.ExitCode()
}

// given are the addresses that freeAddress has given: the kernel may give a port again as soon as it is closed.
var given sync.Map

func freeAddress(t testing.TB) string {
	t.Helper()
	for {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		address := l.Addr().String()
		l.Close()
		if _, twice := given.LoadOrStore(address, true); !twice {
			return address
		}
	}
}

// tail keeps the end of what is written to it.
type tail struct {
	mu    sync.Mutex
	buf   []byte
	limit int
}

func (t *tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.buf = append(t.buf, p...)
	if over := len(t.buf) - t.limit; over > 0 {
		t.buf = append(t.buf[:0], t.buf[over:]...)
	}
	return len(p), nil
}

func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return string(t.buf)
}
