package runbook

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
	"time"

	"lockstep/coordinator"
	"lockstep/integration/cluster"
	"lockstep/localdb"
)

const accounts = 32

// start makes a cluster with a bank, whose first proxy runs.
func (p *place) start(o cluster.Options) {
	p.t.Helper()
	o.ShardArgs = append([]string{"--innodb-lock-wait-timeout=20"}, o.ShardArgs...)
	o.Config = "timeouts: {dial: 1s}\n" + o.Config
	o.Engine = localdb.MariaDB // whose words the runbook quotes
	p.Cluster = cluster.Start(p.t, o)
	p.StartProxy()
	db := p.DB("")
	var rows []string
	for id := range accounts {
		rows = append(rows, fmt.Sprintf("(%d,1000)", id+1))
	}
	p.do(db, "CREATE DATABASE bank", "CREATE TABLE bank.account (id INT PRIMARY KEY, balance INT NOT NULL)",
		"INSERT INTO bank.account VALUES "+strings.Join(rows, ","))
	p.look(p.Proxy)
}

// look makes the runbook's names those of this cluster and of one of its proxies.
func (p *place) look(x *cluster.Proxy) {
	p.files["/etc/lockstep/lockstep.yaml"] = x.ConfigPath()
	p.files["/var/lib/lockstep/decisions.db"] = x.LogPath()
	p.variables["LOCKSTEP_ADMIN"] = x.Admin
	p.variables["PROXY"] = options(x.Listen)
	for i, s := range p.Shards {
		p.variables[fmt.Sprintf("S%d", i+1)] = options(s.Address())
		p.files[fmt.Sprintf("/var/lib/mysql-s%d/", i+1)] = s.Dir + "/data/"
	}
}

// options of the mariadb client that reach an address.
func options(address string) string {
	host, port, _ := strings.Cut(address, ":")
	return fmt.Sprintf("-h%s -P%s -u%s -p%s", host, port, cluster.User, cluster.Password)
}

func (p *place) do(db *sql.DB, statements ...string) {
	p.t.Helper()
	for _, s := range statements {
		if _, err := db.Exec(s); err != nil {
			p.t.Fatalf("%s: %v", s, err)
		}
	}
}

// pair is one account on each of the first two shards.
func (p *place) pair() (a, b int) {
	p.t.Helper()
	for i, id := range []*int{&a, &b} {
		if err := p.ShardDB(i, "bank").QueryRow("SELECT MIN(id) FROM account").Scan(id); err != nil {
			p.t.Fatal(err)
		}
	}
	return a, b
}

// transfer begins a transaction over both shards and returns it before its COMMIT.
func (p *place) transfer(x *cluster.Proxy, before ...string) *sql.Conn {
	p.t.Helper()
	ctx := context.Background()
	conn, err := x.DB("bank").Conn(ctx)
	if err != nil {
		p.t.Fatal(err)
	}
	a, b := p.pair()
	for _, s := range append(before, "BEGIN", fmt.Sprintf("UPDATE account SET balance = balance - 10 WHERE id = %d", a),
		fmt.Sprintf("UPDATE account SET balance = balance + 10 WHERE id = %d", b)) {
		if _, err := conn.ExecContext(ctx, s); err != nil {
			p.t.Fatalf("%s: %v", s, err)
		}
	}
	return conn
}

// dieAt lets a proxy die when a transfer reaches a step of its commit, and names the transaction to the runbook.
func (p *place) dieAt(x *cluster.Proxy, step string, before ...string) {
	p.t.Helper()
	x.Stop()
	x.Start("LOCKSTEP_FAILPOINT=" + step)
	conn := p.transfer(x, before...)
	_, err := conn.ExecContext(context.Background(), "COMMIT")
	_ = conn.Close() // its proxy is gone
	if err == nil {
		p.t.Fatalf("no death at %s", step)
	}
	select {
	case <-x.Ended():
	case <-time.After(10 * time.Second):
		p.t.Fatalf("the proxy does not die at %s", step)
	}
	x.Kill()
	p.name()
}

// name finds the prepared transaction and names it to the runbook.
func (p *place) name() {
	p.t.Helper()
	for i, s := range p.Shards {
		if !s.Running() {
			continue
		}
		list, err := cluster.Branches(p.ShardDB(i, ""))
		if err != nil {
			p.t.Fatal(err)
		}
		for _, b := range list {
			if b.FormatID == coordinator.FormatID {
				p.variables["GTRID"] = b.GTRID
				return
			}
		}
	}
	p.t.Fatal("nothing is prepared")
}

// settled waits until nothing of ours is prepared on the shards that run.
func (p *place) settled() {
	p.t.Helper()
	p.eventually("branches are still prepared", func() bool {
		for i, s := range p.Shards {
			if !s.Running() {
				continue
			}
			list, err := cluster.Branches(p.ShardDB(i, ""))
			if err != nil {
				p.t.Fatal(err)
			}
			for _, b := range list {
				if b.FormatID == coordinator.FormatID {
					return false
				}
			}
		}
		return true
	})
	if p.allRun() {
		p.reached()
	}
}

func (p *place) allRun() bool {
	for _, s := range p.Shards {
		if !s.Running() {
			return false
		}
	}
	return true
}

// reached waits until the proxy of the runbook can ask every shard again, and has nothing of its own to settle.
func (p *place) reached() {
	p.t.Helper()
	p.eventually("the proxy has not reached all shards", func() bool {
		list, _, code := p.Run("txn", "list", "--admin", p.variables["LOCKSTEP_ADMIN"])
		return code == 0 && !strings.Contains(list, " ours")
	})
}

func (p *place) eventually(what string, done func() bool) {
	p.t.Helper()
	for deadline := time.Now().Add(20 * time.Second); !done(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			p.t.Fatalf("after 20s %s\nthe proxy's last words:\n%s", what, lastLines(p.ProxyOutput(), 15))
		}
	}
}

// whole checks that the transfer took effect as a whole: committed or not at all.
func (p *place) whole(committed bool) func() {
	return func() {
		p.t.Helper()
		a, b := p.pair()
		for i, id := range []int{a, b} {
			want := 1000
			if committed {
				want = []int{990, 1010}[i]
			}
			var have int
			if err := p.ShardDB(i, "bank").QueryRow("SELECT balance FROM account WHERE id = ?", id).Scan(&have); err != nil || have != want {
				p.t.Errorf("account %d on shard %s has %d (%v), expected %d", id, p.Shards[i].Name, have, err, want)
			}
		}
	}
}

// common is what may happen in any situation.
func (p *place) common(name string) func() {
	return map[string]func(){
		"proxy-starts":      func() { p.StartProxy() },
		"proxy-stops":       func() { p.StopProxy() },
		"all-is-settled":    p.settled,
		"it-is-committed":   p.whole(true),
		"it-is-rolled-back": p.whole(false),
		"s1-starts":         func() { p.RestartShard(0) },
		"s2-starts":         func() { p.RestartShard(1) },
	}[name]
}
