package commit

import (
	"database/sql"
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"

	"lockstep/coordinator"
	"lockstep/integration/cluster"
	"lockstep/proxy/admin"
	"lockstep/txlog"
)

// world is a cluster as these tests look at it: through the proxy, and at each shard as root.
type world struct {
	*cluster.Cluster
	t *testing.T

	mu   sync.Mutex
	root []*sql.DB
}

const database = "bank"

// shortLockWaits keeps a test from waiting for locks of prepared branches longer than it has to.
const shortLockWaits = "--innodb-lock-wait-timeout=5"

func newWorld(t *testing.T, o cluster.Options) *world {
	t.Helper()
	o.ShardArgs = append([]string{shortLockWaits}, o.ShardArgs...)
	w := &world{Cluster: cluster.Start(t, o), t: t}
	w.root = make([]*sql.DB, len(w.Shards))
	for i := range w.Shards {
		w.openRoot(i)
	}
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("the proxy's last words:\n%s", lastLines(w.ProxyOutput(), 40))
		}
		for _, db := range w.root {
			db.Close()
		}
	})
	return w
}

func lastLines(s string, n int) string {
	lines := strings.Split(strings.TrimSpace(s), "\n")
	return strings.Join(lines[max(0, len(lines)-n):], "\n")
}

func (w *world) openRoot(i int) {
	w.t.Helper()
	db, err := w.Shards[i].Root()
	if err != nil {
		w.t.Fatal(err)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.root[i] != nil {
		w.root[i].Close()
	}
	w.root[i] = db
}

// shard is a pool of root's connections to one shard.
func (w *world) shard(i int) *sql.DB {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.root[i]
}

func (w *world) RestartShard(i int) {
	w.t.Helper()
	w.Cluster.RestartShard(i)
	w.openRoot(i)
}

func (w *world) all() []int {
	list := make([]int, len(w.Shards))
	for i := range list {
		list[i] = i
	}
	return list
}

// ours are the prepared branches of this cluster's format on some shards, but for those of one epoch.
func (w *world) ours(shards []int, butEpoch string) ([]string, error) {
	var list []string
	for _, i := range shards {
		branches, err := cluster.Branches(w.shard(i))
		if err != nil {
			return nil, fmt.Errorf("shard %s: %w", w.Shards[i].Name, err)
		}
		for _, b := range branches {
			id, err := coordinator.ParseGTRID(b.GTRID)
			if b.FormatID != coordinator.FormatID || err == nil && butEpoch != "" && id.Epoch == butEpoch {
				continue
			}
			list = append(list, w.Shards[i].Name+": "+b.GTRID)
		}
	}
	return list, nil
}

// settled waits until no branch of ours, but for those of one epoch, has been prepared
// on these shards in two looks, and says when the first of the two was.
func (w *world) settled(shards []int, butEpoch string, limit time.Duration) (time.Time, error) {
	deadline := time.Now().Add(limit)
	var clean time.Time
	for looks := 0; ; {
		began := time.Now()
		list, err := w.ours(shards, butEpoch)
		switch {
		case err == nil && len(list) == 0:
			if looks++; looks == 1 {
				clean = began
			}
			if looks == 2 {
				return clean, nil
			}
		case time.Now().After(deadline):
			return clean, fmt.Errorf("after %v still prepared: %v (error %w)", limit, list, err)
		default:
			looks = 0
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// mustSettle fails the test where branches stay prepared.
func (w *world) mustSettle(shards []int, limit time.Duration) {
	w.t.Helper()
	if _, err := w.settled(shards, "", limit); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) status() (admin.Status, error) {
	var s admin.Status
	err := w.Get("/api/v1/status", &s)
	return s, err
}

func (w *world) mustStatus() admin.Status {
	w.t.Helper()
	s, err := w.status()
	if err != nil {
		w.t.Fatal(err)
	}
	return s
}

// listed are the in-doubt transactions as the proxy shows them, by gtrid.
func (w *world) listed() map[string]admin.Transaction {
	w.t.Helper()
	var answer admin.TransactionList
	if err := w.Get("/api/v1/transactions", &answer); err != nil {
		w.t.Fatal(err)
	}
	list := map[string]admin.Transaction{}
	for _, t := range answer.Transactions {
		list[t.GTRID] = t
	}
	return list
}

// logIsEmptyAfterStop stops the proxy and looks for decisions that it did not forget.
func (w *world) logIsEmptyAfterStop(t *testing.T) {
	t.Helper()
	w.StopProxy()
	if left := w.decisions(); len(left) > 0 {
		t.Errorf("decisions left in the log: %+v", left)
	}
}

// decisions reads the log of a proxy that does not run.
func (w *world) decisions() []txlog.Decision {
	w.t.Helper()
	l, err := txlog.OpenReadOnly(w.LogPath())
	if err != nil {
		w.t.Fatal(err)
	}
	defer l.Close()
	var list []txlog.Decision
	if err := l.Decisions(func(d txlog.Decision) bool { list = append(list, d); return true }); err != nil {
		w.t.Fatal(err)
	}
	return list
}

// editConfig changes the proxy's file, for its next start.
func (w *world) editConfig(change func(string) string) {
	w.t.Helper()
	text, err := os.ReadFile(w.ConfigPath())
	if err != nil {
		w.t.Fatal(err)
	}
	if err := os.WriteFile(w.ConfigPath(), []byte(change(string(text))), 0o600); err != nil {
		w.t.Fatal(err)
	}
}

func freePort(t *testing.T) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}

// eventually waits for a condition that says what is missing.
func eventually(t *testing.T, limit time.Duration, check func() error) {
	t.Helper()
	every(t, 10*time.Millisecond, limit, check)
}

// trxPause lies between looks at information_schema.innodb_trx: its rows are
// not renewed while anybody has read them in the last 100 ms.
const trxPause = 150 * time.Millisecond

func every(t *testing.T, pause, limit time.Duration, check func() error) {
	t.Helper()
	deadline := time.Now().Add(limit)
	for {
		err := check()
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("after %v: %v", limit, err)
		}
		time.Sleep(pause)
	}
}

// codeOf is the error number that a client saw: 0 for none, -1 for a broken connection.
func codeOf(err error) int {
	var me *mysql.MySQLError
	switch {
	case err == nil:
		return 0
	case errors.As(err, &me):
		return int(me.Number)
	}
	return -1
}

func stateOf(err error) string {
	var me *mysql.MySQLError
	if !errors.As(err, &me) {
		return ""
	}
	return string(me.SQLState[:])
}

// execer is a pool, a connection or a transaction.
type execer interface {
	Exec(query string, args ...any) (sql.Result, error)
}

func mustExec(t *testing.T, db execer, statements ...string) {
	t.Helper()
	for _, s := range statements {
		if _, err := db.Exec(s); err != nil {
			t.Fatalf("%s: %v", s, err)
		}
	}
}

func queryInt(t *testing.T, db interface {
	QueryRow(query string, args ...any) *sql.Row
}, query string, args ...any) int64 {
	t.Helper()
	var n int64
	if err := db.QueryRow(query, args...).Scan(&n); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	return n
}
