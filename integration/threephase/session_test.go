package threephase

import (
	"fmt"
	"strings"
	"testing"

	"lockstep/integration/cluster"
	"lockstep/localdb"
)

func TestSession(t *testing.T) { onEngines(t, session) }

func session(t *testing.T, e localdb.Engine) {
	w := newWorld(t, cluster.Options{Engine: e})
	t.Run("variables", w.variables)
	t.Run("commit and rollback", w.commitAndRollback)
	t.Run("errors", w.errors)
	t.Run("tokens", w.tokens)
	t.Run("tokens of autocommit statements", w.autocommitTokens)
	w.settled(t, settleLimit)
	w.check(t)
}

func (w *world) variables(t *testing.T) {
	c := w.client(t, w.p2)
	defer c.close()
	for query, want := range map[string]string{
		"SELECT @@lockstep_commit_mode": "2pc", "SELECT @@lockstep_gtrid": "", "SELECT @@lockstep_token": "",
	} {
		if got := c.text(query); got != want {
			t.Errorf("%s at first: %q, want %q", query, got, want)
		}
	}
	for _, form := range []string{"SET lockstep_commit_mode = '3pc'", "SET SESSION lockstep_commit_mode = 'single'", "SET @@lockstep_commit_mode = '2PC'",
		"SET @@session.lockstep_commit_mode = '3pc'", "SET @mode = 'single'", "SET LOCAL lockstep_commit_mode = @mode", "SET lockstep_commit_mode = DEFAULT"} {
		c.must(form)
	}
	if _, err := c.Exec("SET lockstep_commit_mode = ?", "3pc"); err != nil {
		t.Errorf("as a prepared statement: %v", err)
	}
	c.must("SET lockstep_token = 'a-token'")
	if got := fmt.Sprint(c.rows("SHOW VARIABLES LIKE 'lockstep%'")); got != "[[lockstep_commit_mode 3pc] [lockstep_gtrid ] [lockstep_pipelining ON] [lockstep_scratch ON] [lockstep_token a-token]]" {
		t.Errorf("SHOW VARIABLES: %s", got)
	}
	if got := fmt.Sprint(c.rows("SHOW SESSION VARIABLES WHERE Variable_name = 'lockstep_token' OR Variable_name = 'autocommit'")); !strings.Contains(got, "[lockstep_token a-token]") || !strings.Contains(got, "[autocommit ") {
		t.Errorf("SHOW VARIABLES WHERE: %s", got)
	}
	if got := fmt.Sprint(c.rows("SHOW VARIABLES LIKE 'loc\\_%'")); strings.Contains(got, "lockstep") {
		t.Errorf("SHOW VARIABLES LIKE 'loc\\_%%': %s", got)
	}
	if got := c.rows("SHOW VARIABLES"); len(got) < 100 || !strings.Contains(fmt.Sprint(got), "lockstep_commit_mode 3pc") {
		t.Errorf("SHOW VARIABLES has %d rows, or not the proxy's own", len(got))
	}
	if got := c.rows("SHOW GLOBAL VARIABLES LIKE 'port'"); len(got) != 1 {
		t.Errorf("SHOW GLOBAL VARIABLES: %v", got)
	}
	c.want(1238, "SET lockstep_gtrid = 'x'")
	c.want(1228, "SET GLOBAL lockstep_commit_mode = '2pc'")
	c.want(1231, "SET lockstep_commit_mode = '4pc'")
	c.want(1193, "SET lockstep_mode = '3pc'")
	c.want(1231, "SET lockstep_token = '"+strings.Repeat("x", 65)+"'")
	c.want(1231, "SET lockstep_token = 'two words'")
	c.want(1231, "SET lockstep_token = 'é'")
	if got := c.text("SELECT @@lockstep_token"); got != "a-token" {
		t.Errorf("token after refused ones: %q", got)
	}
	c.must("SET lockstep_token = ''")
	if got := c.text("SELECT @@lockstep_token"); got != "" {
		t.Errorf("token that was taken back: %q", got)
	}
	for _, token := range []string{strings.Repeat("x", 64), `it's`, `back\slash`, "123"} {
		if _, err := c.Exec("SET lockstep_token = ?", token); err != nil || c.text("SELECT @@lockstep_token") != token {
			t.Errorf("token %q became %q (%v)", token, c.text("SELECT @@lockstep_token"), err)
		}
	}
}

func (w *world) commitAndRollback(t *testing.T) {
	c, other := w.mode3(t, w.p2), w.client(t, w.p2)
	defer c.close()
	defer other.close()
	x := w.transfer(2, 0)
	c.must("BEGIN")
	gtrid := c.text("SELECT @@lockstep_gtrid")
	if !strings.HasPrefix(gtrid, "test.p2.") {
		t.Errorf("gtrid before the first branch: %q", gtrid)
	}
	c.must(x.statements()...)
	if got := c.text("SELECT @@lockstep_gtrid"); got != gtrid {
		t.Errorf("gtrid became %q, was %q", got, gtrid)
	}
	c.must("COMMIT")
	// Another session of the application sees it at once.
	if got := other.text("SELECT COUNT(*) FROM ledger WHERE transfer = ?", x.id); got != "2" {
		t.Errorf("another session sees %s entries right after COMMIT", got)
	}
	if got := c.text("SELECT @@lockstep_gtrid"); got != gtrid {
		t.Errorf("gtrid after COMMIT: %q, want %q", got, gtrid)
	}
	if got := w.markers(t, gtrid); fmt.Sprint(got) != "[1 1]" { // voted
		t.Errorf("markers of %s: %v", gtrid, got)
	}
	y := w.transfer(2, 0)
	y.mustOpen(c)
	c.must("ROLLBACK")
	if w.happened(t, y) {
		t.Error("rolled back, and there")
	}
	// Where at most one branch wrote, it goes one-phase and leaves nothing.
	z := w.transfer(1, 1)
	z.mustOpen(c)
	c.must("SELECT COUNT(*) FROM account")
	gtrid = c.text("SELECT @@lockstep_gtrid")
	c.must("COMMIT")
	if got := w.markers(t, gtrid); len(got) != 0 {
		t.Errorf("markers of a transaction that wrote on one shard: %v", got)
	}
	// The mode is that of the moment of COMMIT.
	v := w.transfer(2, 2)
	v.mustOpen(c)
	c.must("SET lockstep_commit_mode = '2pc'")
	gtrid = c.text("SELECT @@lockstep_gtrid")
	c.must("COMMIT")
	if got := w.markers(t, gtrid); len(got) != 0 || !w.happened(t, v) {
		t.Errorf("markers of a two-phase transaction: %v", got)
	}
	// A statement that changes several shards is a transaction too.
	c.must("SET lockstep_commit_mode = '3pc'", "UPDATE account SET balance = balance")
	gtrid = c.text("SELECT @@lockstep_gtrid")
	if got := w.markers(t, gtrid); len(got) != 2 {
		t.Errorf("markers of a statement over two shards: %v", got)
	}
	if got := c.text("SELECT COUNT(*) FROM account"); got != fmt.Sprint(accountsInAll) {
		t.Errorf("%s accounts", got)
	}
}

// markers are the states of a transaction's committed rows.
func (w *world) markers(t *testing.T, gtrid string) []int {
	t.Helper()
	var list []int
	for i := range w.Shards {
		list = append(list, ints(t, w.root[i], "SELECT state+0 FROM lockstep.branch WHERE gtrid = ?", gtrid)...)
	}
	return list
}

func (w *world) errors(t *testing.T) {
	c := w.mode3(t, w.p2)
	defer c.close()
	// Somebody fenced the transaction off at one shard: it must roll back everywhere.
	x := w.transfer(2, 3)
	x.mustOpen(c)
	gtrid := c.text("SELECT @@lockstep_gtrid")
	mustExec(t, w.root[1], fmt.Sprintf("INSERT INTO lockstep.branch (gtrid, shard, state, participants, coordinator, connection_id, created) VALUES ('%s', 's2', 'aborted', '', 'p9', 0, UTC_TIMESTAMP(6))", gtrid))
	err := c.want(codeRolledBack, "COMMIT")
	if !strings.Contains(err.Error(), gtrid) {
		t.Errorf("the error does not name the transaction: %v", err)
	}
	if w.happened(t, x) {
		t.Error("fenced off, and committed")
	}
	// The shard's own error where the vote meets one.
	x = w.transfer(2, 3)
	x.mustOpen(c)
	mustExec(t, w.root[1], "RENAME TABLE lockstep.branch TO lockstep.hidden")
	err = c.want(1146, "COMMIT")
	mustExec(t, w.root[1], "RENAME TABLE lockstep.hidden TO lockstep.branch")
	if !strings.Contains(err.Error(), "lockstep.branch") || w.happened(t, x) {
		t.Errorf("without the table: %v", err)
	}
	// A branch whose session was ended says so.
	x = w.transfer(2, 3)
	x.mustOpen(c)
	gtrid = c.text("SELECT @@lockstep_gtrid")
	w.endBranch(t, 1)
	_, err = c.Exec("COMMIT")
	if codeOf(err) != codeRolledBack || !strings.Contains(err.Error(), gtrid) || w.happened(t, x) {
		t.Errorf("with a branch gone: %v", err)
	}
	w.rowsAreFree(t, w.p2, x)
	// After a deadlock the client has to say ROLLBACK first, in this mode as in the others.
	x = w.transfer(2, 3)
	x.mustOpen(c)
	c.must("COMMIT")
}

// endBranch ends the sessions of a shard that have a transaction open.
func (w *world) endBranch(t *testing.T, shard int) {
	t.Helper()
	ids := ints(t, w.root[shard], "SELECT trx_mysql_thread_id FROM information_schema.innodb_trx WHERE trx_mysql_thread_id > 0")
	if len(ids) == 0 {
		t.Fatal("no transaction is open on the shard")
	}
	for _, id := range ids {
		mustExec(t, w.root[shard], fmt.Sprintf("KILL CONNECTION %d", id))
	}
}
