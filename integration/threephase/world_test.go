package threephase

import (
	"database/sql"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"

	"lockstep/coordinator"
	"lockstep/integration/cluster"
	"lockstep/localdb"
)

// quick are time limits that keep a test short.
const quick = `
precommit_timeout: 300ms
marker_retention: 1m
timeouts: {prepare: 1s, commit: 1s, resolve: 200ms}
`

const precommit = 300 * time.Millisecond

// settleLimit is what may pass until another proxy has settled everything.
const settleLimit = precommit + time.Second

// world is a cluster with two proxies, and rows on every shard.
type world struct {
	*cluster.Cluster
	t    *testing.T
	p2   *cluster.Proxy
	root []*sql.DB
	on   [][]int // accounts by shard
	home map[int]int
	next int // transfer
}

const accountsInAll = 48

// onEngines runs a test on each family of servers; with -short, or where the environment chooses one, on that alone.
func onEngines(t *testing.T, test func(t *testing.T, e localdb.Engine)) {
	engines := cluster.Engines
	if testing.Short() || os.Getenv(cluster.EngineVariable) != "" {
		engines = []localdb.Engine{cluster.Engine(t)}
	}
	for _, e := range engines {
		t.Run(string(e), func(t *testing.T) { test(t, e) })
	}
}

// newWorld starts the shards and p2, which makes the tables. p1 is left to the test.
func newWorld(t *testing.T, o cluster.Options) *world {
	t.Helper()
	o.ShardArgs = append([]string{"--innodb-lock-wait-timeout=5"}, o.ShardArgs...)
	if o.Config == "" {
		o.Config = quick
	}
	w := &world{Cluster: cluster.Start(t, o), t: t, home: map[int]int{}}
	w.p2 = w.AddProxy(cluster.ProxyOptions{})
	t.Cleanup(func() {
		if t.Failed() {
			for _, p := range w.Proxies() {
				t.Logf("the last words of proxy %s:\n%s", p.ID, lastLines(p.Output(), 40))
			}
		}
		for _, db := range w.root {
			db.Close()
		}
	})
	for i := range w.Shards {
		w.root = append(w.root, nil)
		w.openRoot(i)
	}
	w.p2.Start()
	db := w.p2.DB("")
	mustExec(t, db, "CREATE DATABASE bank",
		"CREATE TABLE bank.account (id INT PRIMARY KEY, balance BIGINT NOT NULL) ENGINE=InnoDB",
		"CREATE TABLE bank.ledger (account INT NOT NULL, transfer INT NOT NULL, amount BIGINT NOT NULL, PRIMARY KEY (account, transfer)) ENGINE=InnoDB")
	var list []string
	for id := 1; id <= accountsInAll; id++ {
		list = append(list, fmt.Sprintf("(%d,1000)", id))
	}
	mustExec(t, db, "INSERT INTO bank.account (id, balance) VALUES "+strings.Join(list, ","))
	w.on = make([][]int, len(w.Shards))
	for i := range w.Shards {
		for _, id := range ints(t, w.root[i], "SELECT id FROM bank.account ORDER BY id") {
			w.on[i] = append(w.on[i], id)
			w.home[id] = i
		}
		if len(w.on[i]) < 4 {
			t.Fatalf("shard %d has %d accounts: too few for these tests", i, len(w.on[i]))
		}
	}
	return w
}

func (w *world) openRoot(i int) {
	w.t.Helper()
	db, err := w.Shards[i].Root()
	if err != nil {
		w.t.Fatal(err)
	}
	if w.root[i] != nil {
		w.root[i].Close()
	}
	w.root[i] = db
}

func (w *world) restartShard(i int) {
	w.t.Helper()
	w.RestartShard(i)
	w.openRoot(i)
}

// transfer moves money between the first n shards, in one transaction with an entry for each side.
type transfer struct {
	id  int
	ids []int // accounts, one on each shard
}

// transfer over the first n shards, with the k-th account of each.
func (w *world) transfer(n, k int) *transfer {
	w.next++
	x := &transfer{id: w.next}
	for i := range n {
		x.ids = append(x.ids, w.on[i][k%len(w.on[i])])
	}
	return x
}

// statements of the transfer, without its end.
func (x *transfer) statements() []string {
	var list []string
	for i, id := range x.ids {
		amount := -1
		if i == 0 {
			amount = len(x.ids) - 1
		}
		list = append(list, fmt.Sprintf("UPDATE account SET balance = balance + (%d) WHERE id = %d", amount, id),
			fmt.Sprintf("INSERT INTO ledger (account, transfer, amount) VALUES (%d, %d, %d)", id, x.id, amount))
	}
	return list
}

// open begins the transfer and leaves it at its COMMIT.
func (x *transfer) open(c *client) error {
	for _, s := range append([]string{"BEGIN"}, x.statements()...) {
		if _, err := c.Exec(s); err != nil {
			return fmt.Errorf("%s: %w", s, err)
		}
	}
	return nil
}

func (x *transfer) mustOpen(c *client) {
	c.t.Helper()
	if err := x.open(c); err != nil {
		c.t.Fatal(err)
	}
}

// entries counts the transfer's entries that are committed.
func (w *world) entries(t *testing.T, x *transfer) int {
	t.Helper()
	n := 0
	for _, id := range x.ids {
		n += len(ints(t, w.root[w.home[id]], "SELECT account FROM bank.ledger WHERE account = ? AND transfer = ?", id, x.id))
	}
	return n
}

// happened says whether the transfer is committed; its shards must agree.
func (w *world) happened(t *testing.T, x *transfer) bool {
	t.Helper()
	n := w.entries(t, x)
	if n != 0 && n != len(x.ids) {
		t.Errorf("transfer %d is half there: %d of %d entries", x.id, n, len(x.ids))
	}
	return n > 0
}

// mustAgree holds what the client heard against the data.
func (w *world) mustAgree(t *testing.T, x *transfer, answer error) bool {
	t.Helper()
	committed := w.happened(t, x)
	switch code := codeOf(answer); {
	case answer == nil && !committed:
		t.Errorf("transfer %d: the client saw OK, and it is rolled back", x.id)
	case code > 0 && code != codeInDoubt && committed:
		t.Errorf("transfer %d: the client saw %v, and it is committed", x.id, answer)
	}
	return committed
}

// check that all entries and balances fit: nothing is lost, nothing is half there.
func (w *world) check(t *testing.T) {
	t.Helper()
	sides := map[int]int{}
	total, wanted := 0, 0
	for i := range w.Shards {
		rows, err := w.root[i].Query("SELECT a.id, a.balance, 1000 + COALESCE((SELECT SUM(amount) FROM bank.ledger l WHERE l.account = a.id), 0) FROM bank.account a")
		if err != nil {
			t.Fatal(err)
		}
		for rows.Next() {
			var id, balance, entered int
			if err := rows.Scan(&id, &balance, &entered); err != nil {
				t.Fatal(err)
			}
			total += balance
			wanted += 1000
			if balance != entered {
				t.Errorf("account %d has %d, its entries say %d", id, balance, entered)
			}
		}
		if err := errors.Join(rows.Err(), rows.Close()); err != nil {
			t.Fatal(err)
		}
		for _, id := range ints(t, w.root[i], "SELECT transfer FROM bank.ledger WHERE amount <> 0") {
			sides[id]++
		}
	}
	if total != wanted {
		t.Errorf("all accounts have %d, want %d", total, wanted)
	}
	for id, n := range sides {
		if n < 2 {
			t.Errorf("transfer %d has one entry only", id)
		}
	}
}

// prepared are our branches that are prepared, as "shard: gtrid".
func (w *world) prepared() ([]string, error) {
	var list []string
	for i := range w.Shards {
		branches, err := cluster.Branches(w.root[i])
		if err != nil {
			return nil, fmt.Errorf("shard %s: %w", w.Shards[i].Name, err)
		}
		for _, b := range branches {
			if b.FormatID == coordinator.FormatID {
				list = append(list, w.Shards[i].Name+": "+b.GTRID)
			}
		}
	}
	slices.Sort(list)
	return list, nil
}

// settled waits until nothing of ours is prepared in two looks, and says when the first of the two was.
func (w *world) settled(t *testing.T, limit time.Duration) time.Time {
	t.Helper()
	var clean time.Time
	looks := 0
	every(t, 10*time.Millisecond, limit, func() error {
		began := time.Now()
		list, err := w.prepared()
		if err != nil || len(list) > 0 {
			looks = 0
			return fmt.Errorf("still prepared: %v (error %w)", list, err)
		}
		if looks++; looks == 1 {
			clean = began
			return errors.New("looked once")
		}
		return nil
	})
	return clean
}

// rowsAreFree changes the transfer's rows: nothing holds their locks any more.
func (w *world) rowsAreFree(t *testing.T, p *cluster.Proxy, x *transfer) {
	t.Helper()
	c := w.client(t, p, "readTimeout=8s")
	defer c.close()
	c.must("SET lockstep_commit_mode = '3pc'", "BEGIN")
	for _, id := range x.ids {
		c.must(fmt.Sprintf("UPDATE account SET balance = balance WHERE id = %d", id))
		c.must(fmt.Sprintf("INSERT INTO ledger (account, transfer, amount) VALUES (%d, %d, 0) ON DUPLICATE KEY UPDATE amount = amount", id, 1_000_000+x.id))
	}
	c.must("COMMIT")
}

func lastLines(s string, n int) string {
	lines := strings.Split(strings.TrimSpace(s), "\n")
	return strings.Join(lines[max(0, len(lines)-n):], "\n")
}

// every waits for a condition that says what is missing.
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

const (
	codeInDoubt    = 1401
	codeRolledBack = 1402
)

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

func mustExec(t *testing.T, db interface {
	Exec(query string, args ...any) (sql.Result, error)
}, statements ...string) {
	t.Helper()
	for _, s := range statements {
		if _, err := db.Exec(s); err != nil {
			t.Fatalf("%s: %v", s, err)
		}
	}
}

func ints(t *testing.T, db *sql.DB, query string, args ...any) []int {
	t.Helper()
	rows, err := db.Query(query, args...)
	if err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	defer rows.Close()
	var list []int
	for rows.Next() {
		var n int
		if err := rows.Scan(&n); err != nil {
			t.Fatalf("%s: %v", query, err)
		}
		list = append(list, n)
	}
	if err := rows.Err(); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	return list
}
