package chaos

import (
	"fmt"
	"testing"
)

// A transaction on one shard is committed once its client has seen OK, also where the shard dies right
// after it: MariaDB with a binary log brings such a branch back prepared.
func TestOnePhaseSurvives(t *testing.T) {
	w := newWorld(t, configuration{engine: "mariadb", mode: "2pc", proxies: 1, binlog: true})
	home := w.makeTables().home
	account := 0
	for id, shard := range home {
		if shard == 0 {
			account = id
		}
	}
	p := w.Proxies()[0]
	balance := int64(initialBalance)
	for _, c := range []struct {
		name      string
		token     string
		killProxy bool
		noMarkers bool // the table of markers cannot be used
	}{
		{name: "the shard dies"},
		{name: "both die", killProxy: true},
		{name: "with a token", token: "SET lockstep_token = 'one'"},
		{name: "without the table of markers", noMarkers: true},
	} {
		t.Run(c.name, func(t *testing.T) {
			if c.noMarkers {
				for _, statement := range []string{"DROP TABLE lockstep.branch", "CREATE TABLE lockstep.branch (nothing INT)"} {
					if _, err := w.root(0).Exec(statement); err != nil {
						t.Fatal(err)
					}
				}
				p.Kill()
				p.Start()
			}
			if err := p.WaitReady(settleLimit); err != nil {
				t.Fatal(err)
			}
			conn := w.client(p)
			statements := []string{"BEGIN", fmt.Sprintf("UPDATE account SET balance = balance + 1 WHERE id = %d", account), "COMMIT"}
			if c.token != "" {
				statements = append([]string{c.token}, statements...)
			}
			for _, statement := range statements {
				if _, err := conn.ExecContext(t.Context(), statement); err != nil {
					t.Fatalf("%s: %v", statement, err)
				}
			}
			w.KillShard(0)
			if c.killProxy {
				p.Kill()
			}
			w.closeRoot(0)
			w.RestartShard(0)
			w.openRoot(0)
			if c.killProxy {
				p.Start()
			}
			if err := w.nothingLeft(); err != nil {
				t.Error(err)
			}
			balance++
			if got := w.state(0).Balances[account]; got != balance {
				t.Errorf("account %d has %d after an acknowledged commit and a crash, want %d", account, got, balance)
				balance = got
			}
			if c.token != "" {
				if a, err := lookUp(p, "one"); a != "committed" {
					t.Errorf("the outcome of its token is %q (error %v), want committed", a, err)
				}
			}
		})
	}
}
