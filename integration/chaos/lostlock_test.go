package chaos

import (
	"context"
	"database/sql"
	"fmt"
	"testing"
	"time"

	"lockstep/integration/cluster"
)

// A transaction that locked a row on a shard which has lost the lock since cannot commit what it concluded
// from the row, also where it only read there and its proxy has not heard of the loss: two transactions
// could each overwrite what the other has read (G2).
func TestLostLock(t *testing.T) {
	w := newWorld(t, configuration{engine: "mariadb", mode: "2pc", proxies: 2})
	group := w.makeTables()
	of := func(shard int) int {
		for _, id := range group.groups[0] {
			if group.home[id] == shard {
				return id
			}
		}
		t.Fatalf("no account is on shard %d", shard+1)
		return 0
	}
	first, second := w.client(w.Proxies()[0]), w.client(w.Proxies()[1])
	for _, c := range []struct {
		name, before, lock string
		writes             int
	}{
		{"one branch wrote", "DO 0", " FOR UPDATE", 1},
		{"two branches wrote, 2pc", "DO 0", " LOCK IN SHARE MODE", 2},
		{"two branches wrote, 3pc", "SET lockstep_commit_mode = '3pc'", " FOR UPDATE", 2},
		{"serializable", "SET TRANSACTION ISOLATION LEVEL SERIALIZABLE", "", 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			must := func(conn *sql.Conn, statement string) {
				t.Helper()
				if _, err := conn.ExecContext(t.Context(), statement); err != nil {
					t.Fatalf("%s: %v", statement, err)
				}
			}
			var balance int
			if err := eventually(settleLimit, func() error { // the first proxy has to hear that the link is healed
				must(first, "ROLLBACK")
				must(first, c.before)
				must(first, "BEGIN")
				return first.QueryRowContext(t.Context(), fmt.Sprintf("SELECT balance FROM account WHERE id = %d%s", of(0), c.lock)).Scan(&balance)
			}); err != nil {
				t.Fatal(err)
			}
			link := w.links[0][0]
			link.Silence(cluster.Requests)
			link.Silence(cluster.Answers)
			defer link.Heal(false)
			w.closeRoot(0)
			w.KillShard(0)
			w.RestartShard(0)
			w.openRoot(0)
			if err := eventually(settleLimit, func() error { // the second proxy has to hear that the shard is back
				_, err := second.ExecContext(t.Context(), fmt.Sprintf("UPDATE account SET balance = balance + 1 WHERE id = %d", of(0)))
				return err
			}); err != nil {
				t.Fatal(err)
			}
			for shard := 1; shard <= c.writes; shard++ {
				must(first, fmt.Sprintf("UPDATE account SET balance = %d WHERE id = %d", balance, of(shard)))
			}
			_, err := first.ExecContext(t.Context(), "COMMIT")
			if codeOf(err) != 1402 {
				t.Errorf("COMMIT of a transaction whose lock another has had since: %v, want error 1402", err)
			}
			link.Heal(false)
			if err := w.nothingLeft(); err != nil {
				t.Error(err)
			}
		})
	}
}

// client is a connection through a proxy, which may have to hear first of tables that another one made.
func (w *world) client(p *cluster.Proxy) *sql.Conn {
	w.t.Helper()
	db := p.DB(database, "interpolateParams=true", "readTimeout="+statementLimit.String())
	var conn *sql.Conn
	if err := eventually(settleLimit, func() (err error) {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		conn, err = db.Conn(ctx)
		return err
	}); err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { conn.Close() })
	return conn
}
