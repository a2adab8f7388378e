package commit

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"lockstep/coordinator"
	"lockstep/integration/cluster"
)

// Settings of a session that are changed before a transaction, inside it, or both, hold on all its branches and after
// it, also where a shard restarts in its commit and the session gets new server connections.
func TestSettings(t *testing.T) {
	w := newWorld(t, cluster.Options{Shards: 3, Config: "timeouts:\n  commit: 1s\n  resolve: 200ms\n"})
	w.StartProxy()
	a := w.makeAccounts(24, 1000)
	w.DB(database).SetMaxIdleConns(0)
	c := w.client(t)
	c.must("CREATE TABLE noted (id INT PRIMARY KEY, at TIMESTAMP NOT NULL, half DECIMAL(5,2), who VARCHAR(20))")
	c.close()
	w.StopProxy()
	for n, k := range []struct {
		name           string
		before, inside bool
	}{{"none", false, false}, {"before BEGIN", true, false}, {"inside", false, true}, {"before BEGIN and inside", true, true}} {
		t.Run(k.name, func(t *testing.T) {
			pause := cluster.NewPause(t, string(coordinator.StepDecisionDurable))
			w.StartProxy(pause.Env()...)
			defer w.StopProxy()
			c := w.client(t)
			defer c.close()
			mode, zone, who := "STRICT_TRANS_TABLES", "+00:00", "nobody"
			c.must("SET sql_mode = 'STRICT_TRANS_TABLES', time_zone = '+00:00', @who = 'nobody'")
			change := func(toMode, toZone, toWho string) {
				mode, zone, who = toMode, toZone, toWho
				c.must(fmt.Sprintf("SET sql_mode = '%s', time_zone = '%s', @who = '%s'", mode, zone, who))
			}
			if k.before {
				change("STRICT_TRANS_TABLES,PIPES_AS_CONCAT", "+02:00", "before")
			}
			c.must("BEGIN")
			// A branch that is there when settings change, and two that open later.
			c.must(fmt.Sprintf("INSERT INTO noted VALUES (%d, '2020-06-01 12:00:00', 1.5, @who)", a.on[0][n]))
			first := [2]string{zone, who}
			if k.inside {
				change("STRICT_TRANS_TABLES,ANSI_QUOTES", "-05:00", "inside")
			}
			for _, shard := range []int{1, 2} {
				c.must(fmt.Sprintf("INSERT INTO noted VALUES (%d, '2020-06-01 12:00:00', 1.5, @who)", a.on[shard][n]))
			}
			done := c.start("COMMIT")
			if err := pause.Wait(10 * time.Second); err != nil {
				t.Fatal(err)
			}
			w.KillShard(1)
			if err := pause.Go(); err != nil {
				t.Fatal(err)
			}
			if err := answer(t, done, 10*time.Second); err != nil {
				t.Errorf("COMMIT that was decided: %v", err)
			}
			w.RestartShard(1)
			w.settledIn(t, w.all(), 5*time.Second)
			for shard := range w.Shards {
				want := [2]string{zone, who}
				if shard == 0 {
					want = first
				}
				var unix int64
				var wrote string
				if err := w.shard(shard).QueryRow("SELECT UNIX_TIMESTAMP(at), who FROM "+database+".noted WHERE id = ?", a.on[shard][n]).Scan(&unix, &wrote); err != nil {
					t.Errorf("shard %d: %v", shard, err)
					continue
				}
				local, err := time.Parse("2006-01-02 15:04:05-07:00", "2020-06-01 12:00:00"+want[0])
				if err != nil {
					t.Fatal(err)
				}
				if wrote != want[1] || unix != local.Unix() {
					t.Errorf("shard %d has %q at %d, want %q at %d (time zone %s)", shard, wrote, unix, want[1], local.Unix(), want[0])
				}
			}
			eventually(t, settleLimit, func() error { // the same session, on new connections too
				for shard := range w.Shards {
					var have [3]string
					err := c.QueryRow(fmt.Sprintf("SELECT @@sql_mode, @@time_zone, @who FROM noted WHERE id = %d", a.on[shard][n])).Scan(&have[0], &have[1], &have[2])
					if err != nil {
						return err
					}
					if !strings.Contains(have[0], mode[strings.LastIndex(mode, ",")+1:]) || have[1] != zone || have[2] != who {
						t.Fatalf("after the commit the session has %q on shard %d, want %q", have, shard, [3]string{mode, zone, who})
					}
				}
				return nil
			})
		})
	}
}

// The proxy's own settings: another commit mode and other limits for sessions that begin later, by its file.
func TestSettingsOfTheProxy(t *testing.T) {
	w := newWorld(t, cluster.Options{})
	w.StartProxy()
	a := w.makeAccounts(24, 1000)
	for _, k := range []struct {
		config string
		phases string // of the metric; empty: refused
	}{{"", "2pc"}, {"commit_mode: 3pc\n", "3pc"}, {"commit_mode: single\n", ""}, {"commit_mode: 2pc\n", "2pc"}} {
		w.StopProxy()
		w.WriteConfig(k.config)
		w.StartProxy()
		c := w.client(t)
		if k.phases == "" {
			before := a.balance(t, a.on[0][0])
			c.must("BEGIN", add(a.on[0][0], 1))
			c.want(1235, add(a.on[1][0], 1))
			c.must("COMMIT", add(a.on[0][0], -1)) // what was refused has not begun, the rest stands
			a.expect(t, "one shard", a.on[0][0], before)
			c.must("SET lockstep_commit_mode = '2pc'") // a session may choose for itself
			k.phases = "2pc"
		}
		at := a.attempt(t, c, 2)
		c.must("COMMIT")
		at.check(t, true)
		if n := w.metric(t, `lockstep_commits_total{phases="`+k.phases+`"}`); n != 1 {
			t.Errorf("%q: %v commits by way of %s, want 1", k.config, n, k.phases)
		}
		c.close()
	}
}
