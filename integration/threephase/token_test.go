package threephase

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"

	"lockstep/integration/cluster"
)

// outcome asks a proxy for a token's outcome and gtrid.
func (c *client) outcome(token string) (outcome, gtrid string) {
	c.t.Helper()
	rows := c.rows("SHOW LOCKSTEP OUTCOME ?", token)
	if len(rows) != 1 || rows[0][0] != token || rows[0][3] == "" {
		c.t.Fatalf("SHOW LOCKSTEP OUTCOME '%s' answers %v", token, rows)
	}
	return rows[0][1], rows[0][2]
}

// final asks until the answer is final.
func (c *client) final(token string, limit time.Duration) (outcome, gtrid string) {
	c.t.Helper()
	every(c.t, 20*time.Millisecond, limit, func() error {
		if outcome, gtrid = c.outcome(token); outcome == inDoubt {
			return fmt.Errorf("token %s is still in doubt: %v", token, c.rows("SHOW LOCKSTEP OUTCOME ?", token))
		}
		return nil
	})
	return outcome, gtrid
}

const (
	isCommitted = "COMMITTED"
	isAborted   = "ABORTED"
	inDoubt     = "IN DOUBT"
)

func (w *world) tokens(t *testing.T) {
	w.StartProxy()
	defer w.StopProxy()
	c, other := w.client(t, w.Proxy), w.client(t, w.p2)
	defer c.close()
	defer other.close()
	for _, mode := range []string{"2pc", "3pc"} {
		for n := 1; n <= 2; n++ { // one shard goes one-phase
			token := fmt.Sprintf("tx-%s-%d", mode, n)
			x := w.transfer(n, 0)
			x.mustOpen(c)
			c.must("SET lockstep_commit_mode = '"+mode+"'", "SET lockstep_token = '"+token+"'")
			gtrid := c.text("SELECT @@lockstep_gtrid")
			c.must("COMMIT")
			if got := c.text("SELECT @@lockstep_token"); got != "" {
				t.Errorf("%s: token after COMMIT: %q", token, got)
			}
			for _, at := range []*client{c, other} {
				if o, g := at.outcome(token); o != isCommitted || g != gtrid {
					t.Errorf("%s: %s %s, want COMMITTED %s", token, o, g, gtrid)
				}
			}
			// The token is used up: another transaction with it rolls back, and says why.
			y := w.transfer(n, 0)
			y.mustOpen(c)
			c.must("SET lockstep_token = '" + token + "'")
			if err := c.want(1062, "COMMIT"); !strings.Contains(err.Error(), "lockstep_token") {
				t.Errorf("%s used again: %v", token, err)
			}
			if w.happened(t, y) {
				t.Errorf("%s used again: committed", token)
			}
			w.rowsAreFree(t, w.p2, y)
		}
		// Asked for before it was used: aborted, and that is final.
		early := "early-" + mode
		if o, g := other.outcome(early); o != isAborted || g != "" {
			t.Errorf("never used: %s %s", o, g)
		}
		for n := 1; n <= 2; n++ {
			x := w.transfer(n, 1)
			x.mustOpen(c)
			c.must("SET lockstep_token = '" + early + "'")
			c.want(1062, "COMMIT")
			if o, _ := other.outcome(early); o != isAborted || w.happened(t, x) {
				t.Errorf("declared aborted, then %s (over %d shards)", o, n)
			}
		}
		// While its transaction is open, and while it waits for COMMIT, nobody can know of it.
		x := w.transfer(2, 2)
		c.must("SET lockstep_token = 'rolled-" + mode + "'")
		x.mustOpen(c)
		c.must("ROLLBACK")
		if got := c.text("SELECT @@lockstep_token"); got != "" {
			t.Errorf("token after ROLLBACK: %q", got)
		}
		if o, _ := other.outcome("rolled-" + mode); o != isAborted {
			t.Errorf("rolled back: %s", o)
		}
	}
	// A transaction that changed nothing leaves no trace, and its client is told so.
	c.must("SET lockstep_token = 'reader'", "BEGIN", "SELECT COUNT(*) FROM account", "COMMIT")
	if got := fmt.Sprint(c.rows("SHOW WARNINGS")); !strings.Contains(got, "changed nothing") {
		t.Errorf("after a transaction that only read: %s", got)
	}
	if o, _ := other.outcome("reader"); o != isAborted {
		t.Errorf("only read: %s", o)
	}
	c.want(1231, "SHOW LOCKSTEP OUTCOME ''")
	c.want(1231, "SHOW LOCKSTEP OUTCOME '"+strings.Repeat("x", 65)+"'")
	c.want(1064, "SHOW LOCKSTEP OUTCOME")
	c.want(1064, "SHOW LOCKSTEP OUTCOME x")
	// With a shard down nobody can rule a token out, and it says which.
	w.KillShard(1)
	if rows := other.rows("SHOW LOCKSTEP OUTCOME 'nobodys'"); rows[0][1] != inDoubt || !strings.Contains(rows[0][3], "s2") {
		t.Errorf("with a shard down: %v", rows)
	}
	if o, _ := other.outcome("tx-3pc-2"); o != isCommitted {
		t.Errorf("with a shard down: %s", o)
	}
	w.restartShard(1)
	if o, _ := other.final("nobodys", 10*time.Second); o != isAborted {
		t.Errorf("with the shard back: %s", o)
	}
}

func (w *world) autocommitTokens(t *testing.T) {
	w.StartProxy()
	defer w.StopProxy()
	c, other := w.client(t, w.Proxy), w.client(t, w.p2)
	defer c.close()
	defer other.close()
	entry := func(k int) string {
		w.next++
		return fmt.Sprintf("INSERT INTO ledger (account, transfer, amount) VALUES (%d, %d, 0)", w.on[0][k], 2_000_000+w.next)
	}
	none := fmt.Sprintf("UPDATE account SET balance = 1 WHERE id = %d AND balance < 0", w.on[0][0])
	statements := map[string]string{"one": entry(0), "all": "UPDATE account SET balance = balance + 0", "none": none}
	for name, statement := range statements {
		token := "auto-" + name
		c.must("SET lockstep_token = '"+token+"'", "SELECT COUNT(*) FROM account") // a read does not use it up
		if got := c.text("SELECT @@lockstep_token"); got != token {
			t.Errorf("%s: token after a SELECT: %q", token, got)
		}
		c.must(statement)
		gtrid := c.text("SELECT @@lockstep_gtrid")
		if o, g := other.outcome(token); o != isCommitted || g != gtrid {
			t.Errorf("%s: %s %s, want COMMITTED %s", token, o, g, gtrid)
		}
		c.must(statement0(statement, entry(1))) // and the next one has none
		c.must("SET lockstep_token = '" + token + "'")
		c.want(1062, entry(1))
	}
	// As a prepared statement, with its counts.
	c.must("SET lockstep_token = 'prepared'")
	res, err := c.Exec("UPDATE account SET balance = balance + ? WHERE id = ?", 0, w.on[0][0])
	if err != nil {
		t.Fatal(err)
	}
	if _, err := res.RowsAffected(); err != nil {
		t.Error(err)
	}
	if o, _ := other.outcome("prepared"); o != isCommitted {
		t.Errorf("prepared statement: %s", o)
	}
	// What fails leaves nothing, and uses the token up.
	duplicate := entry(2)
	c.must(duplicate, "SET lockstep_token = 'fails'")
	c.want(1062, duplicate)
	if got := c.text("SELECT @@lockstep_token"); got != "" {
		t.Errorf("token after a statement that failed: %q", got)
	}
	if o, _ := other.outcome("fails"); o != isAborted {
		t.Errorf("failed: %s", o)
	}
	c.must("CREATE PROCEDURE nothing() SELECT 1", "SET lockstep_token = 'called'")
	c.want(1235, "CALL nothing()")
}

// statement0 is the statement itself where it can be repeated, otherwise another one.
func statement0(statement, other string) string {
	if strings.HasPrefix(statement, "INSERT") {
		return other
	}
	return statement
}

// Clients lose their connection at random moments of COMMIT and ask the other proxy, at once: what it answers
// fits the data, and never changes.
func TestTokenAfterBrokenConnection(t *testing.T) {
	const clients = 4
	w := newWorld(t, cluster.Options{})
	w.StartProxy()
	each := rounds(t, envTokenRounds, 120) / clients
	var mu sync.Mutex
	type told struct {
		x       *transfer
		token   string
		outcome string
	}
	var all []told
	counts := map[string]int{}
	take := func(n, k int) *transfer {
		mu.Lock()
		defer mu.Unlock()
		return w.transfer(n, k)
	}
	var wait sync.WaitGroup
	for k := range clients {
		wait.Go(func() {
			rnd := rand.New(rand.NewPCG(uint64(time.Now().UnixNano()), uint64(k)))
			ask := [2]*client{w.client(t, w.Proxy), w.client(t, w.p2)}
			for i := range each {
				mode, n := []string{"2pc", "3pc"}[i%2], 1+rnd.IntN(2)
				x := take(n, k)
				token := fmt.Sprintf("cut-%d-%d", k, x.id)
				c := w.client(t, w.Proxy)
				if err := x.open(c); err != nil {
					t.Errorf("open transfer %d: %v", x.id, err)
					return
				}
				c.must("SET lockstep_commit_mode = '"+mode+"'", "SET lockstep_token = '"+token+"'")
				// In half of the rounds the question does not wait for the cut: it meets the commit.
				var outcome string
				asked := make(chan struct{})
				early := rnd.IntN(2) == 0
				look := func() {
					defer close(asked)
					for outcome == "" || outcome == inDoubt {
						outcome, _ = ask[rand.IntN(2)].outcome(token) // rnd is the other goroutine's
						mu.Lock()
						counts[outcome]++
						mu.Unlock()
					}
				}
				if early {
					go look()
					time.Sleep(time.Duration(rnd.IntN(3000)) * time.Microsecond)
				}
				ctx, cancel := context.WithTimeout(t.Context(), time.Duration(rnd.IntN(6000))*time.Microsecond)
				_, err := c.conn.ExecContext(ctx, "COMMIT")
				cancel()
				c.close()
				if !early {
					look()
				}
				<-asked
				if err == nil && outcome != isCommitted {
					t.Errorf("transfer %d: the client saw OK, the look-up says %s", x.id, outcome)
				}
				if code := codeOf(err); code > 0 && code != codeInDoubt && outcome != isAborted {
					t.Errorf("transfer %d: the client saw %v, the look-up says %s", x.id, err, outcome)
				}
				mu.Lock()
				all = append(all, told{x, token, outcome})
				mu.Unlock()
			}
		})
	}
	wait.Wait()
	w.settled(t, settleLimit)
	c := w.client(t, w.p2)
	for _, a := range all {
		if got := w.happened(t, a.x); got != (a.outcome == isCommitted) {
			t.Errorf("transfer %d was %s, and it is there: %v", a.x.id, a.outcome, got)
		}
		if again, _ := c.outcome(a.token); again != a.outcome {
			t.Errorf("transfer %d was %s, and is %s now", a.x.id, a.outcome, again)
		}
	}
	w.check(t)
	t.Logf("answers: %v", counts)
	if counts[isCommitted] == 0 || counts[isAborted] == 0 {
		t.Errorf("the moments were not mixed: %v", counts)
	}
}

// A proxy is killed in COMMIT; the other one answers by what it leaves.
func TestTokenAfterProxyDied(t *testing.T) {
	w := newWorld(t, cluster.Options{})
	for i, step := range []string{"before-prepare", "all-prepared", "decision-durable", "committed:1"} {
		for _, mode := range []string{"2pc", "3pc"} {
			if mode == "3pc" && step == "decision-durable" {
				continue
			}
			t.Run(mode+" "+step, func(t *testing.T) {
				w.StartProxy("LOCKSTEP_FAILPOINT=" + step)
				defer w.StopProxy()
				c, other := w.client(t, w.Proxy), w.client(t, w.p2)
				defer c.close()
				defer other.close()
				x := w.transfer(2, i)
				token := mode + step
				x.mustOpen(c)
				c.must("SET lockstep_commit_mode = '"+mode+"'", "SET lockstep_token = '"+token+"'")
				if _, err := c.Exec("COMMIT"); codeOf(err) != -1 {
					t.Errorf("COMMIT of a proxy that died: %v", err)
				}
				<-w.ProxyEnded()
				first, _ := other.outcome(token)
				waits := mode == "2pc" && (step == "all-prepared" || step == "decision-durable")
				if waits {
					time.Sleep(settleLimit)
					if first, _ = other.outcome(token); first != inDoubt {
						t.Errorf("only the log of the dead proxy knows, and the other one says %s", first)
					}
					w.StartProxy() // reads its log
				}
				outcome, _ := other.final(token, 10*time.Second)
				if first != inDoubt && first != outcome {
					t.Errorf("the answer was %s and became %s", first, outcome)
				}
				want := isCommitted
				if i < 1 || mode == "2pc" && step == "all-prepared" {
					want = isAborted
				}
				if outcome != want {
					t.Errorf("outcome %s, want %s", outcome, want)
				}
				if mode == "2pc" && !waits && outcome == isCommitted {
					w.StartProxy() // the rest is decided by its log
				}
				w.settled(t, 10*time.Second)
				if w.happened(t, x) != (outcome == isCommitted) {
					t.Error(errors.New("the data say otherwise"))
				}
			})
		}
	}
	w.check(t)
}
