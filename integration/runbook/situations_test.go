package runbook

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"lockstep/coordinator"
	"lockstep/integration/cluster"
)

// situations by the names that the runbook gives them.
var situations = map[string]func(p *place){
	"rows-are-locked":         rowsAreLocked,
	"proxy-lost":              proxyLost,
	"disk-lost-2pc":           diskLostTwoPhase,
	"disk-lost-3pc":           diskLostThreePhase,
	"disk-lost-3pc-waits":     diskLostThreePhaseWaits,
	"disk-lost-3pc-and-shard": diskLostThreePhaseWaits,
	"shard-lost":              shardLost,
	"shard-restored":          shardRestored,
	"log-damaged":             logDamaged,
	"log-disk-full":           logDiskFull,
	"strangers":               strangers,
	"hidden-branch":           hiddenBranch,
	"replica-promoted":        replicaPromoted,
	"proxy-frozen":            proxyFrozen,
	"session-holds-branch":    sessionHoldsBranch,
	"shard-read-only":         shardReadOnly,
}

// A transaction in doubt that nobody settles, because its epoch is not known; another client waits for a row of it.
func rowsAreLocked(p *place) {
	p.start(cluster.Options{})
	p.dieAt(p.Proxy, "all-prepared")
	p.DeleteLog()
	p.StartProxy()
	a, _ := p.pair()
	waiter := p.DB("bank")
	waited := make(chan error, 1)
	go func() {
		_, err := waiter.Exec(fmt.Sprintf("UPDATE account SET balance = balance + 0 WHERE id = %d", a))
		waited <- err
	}()
	shard := p.ShardDB(0, "")
	p.eventually("nobody waits", func() bool {
		time.Sleep(150 * time.Millisecond) // the table is cached as long as it is read
		var n int
		if err := shard.QueryRow("SELECT COUNT(*) FROM information_schema.innodb_trx WHERE trx_state = 'LOCK WAIT'").Scan(&n); err != nil {
			p.t.Fatal(err)
		}
		return n == 1
	})
	p.events["the-waiter-goes-on"] = func() {
		if err := <-waited; err != nil {
			p.t.Error(err)
		}
	}
	p.events["a-client-leaves-a-transaction-open"] = func() {
		conn := p.transfer(p.Proxy)
		p.t.Cleanup(func() { _ = conn.Close() })
		if err := conn.QueryRowContext(context.Background(), "SELECT @@lockstep_gtrid").Scan(ptr(p.variables, "OPEN")); err != nil {
			p.t.Fatal(err)
		}
	}
}

// ptr scans into a variable of the runbook.
func ptr(m map[string]string, key string) *variable { return &variable{m, key} }

type variable struct {
	m   map[string]string
	key string
}

func (v *variable) Scan(src any) error {
	v.m[v.key] = fmt.Sprintf("%s", src)
	return nil
}

// The proxy died with its decision durable.
func proxyLost(p *place) {
	p.start(cluster.Options{})
	p.dieAt(p.Proxy, "decision-durable")
}

// The proxy died, with its disk, when one of two branches was committed (here by hand, so that it is that one).
func diskLostTwoPhase(p *place) {
	p.start(cluster.Options{BinLog: true})
	p.dieAt(p.Proxy, "decision-durable")
	p.DeleteLog()
	time.Sleep(150 * time.Millisecond) // the server has let go of it
	p.do(p.ShardDB(0, ""), fmt.Sprintf("XA COMMIT '%s','s1',%d", p.variables["GTRID"], coordinator.FormatID))
	files, err := filepath.Glob(p.Shards[0].Dir + "/binlog.[0-9][0-9][0-9][0-9][0-9][0-9]")
	if err != nil || len(files) == 0 {
		p.t.Fatalf("no binary logs: %v", err)
	}
	for i, s := range p.Shards {
		p.variables[fmt.Sprintf("BINLOG%d", i+1)] = filepath.Join(s.Dir, "binlog.0*")
	}
}

// A three-phase proxy died with its disk; another one serves the same shards.
func diskLostThreePhase(p *place) {
	p.start(cluster.Options{Config: "commit_mode: 3pc\nprecommit_timeout: 1s\n"})
	other := p.AddProxy(cluster.ProxyOptions{})
	p.dieAt(p.Proxy, "all-prepared")
	p.DeleteLog()
	p.events["the-other-proxy-is-asked"] = func() {
		other.Start()
		p.look(other)
	}
}

// The same, and a participant cannot be reached, of which nobody knows that it is prepared.
func diskLostThreePhaseWaits(p *place) {
	p.start(cluster.Options{Config: "commit_mode: 3pc\nprecommit_timeout: 1s\n"})
	other := p.AddProxy(cluster.ProxyOptions{})
	p.dieAt(p.Proxy, "all-prepared")
	p.DeleteLog()
	p.KillShard(1)
	other.Start()
	p.look(other)
	time.Sleep(1500 * time.Millisecond) // past precommit_timeout it has tried
}

// A shard is gone for good when a transaction was decided that it takes part in.
func shardLost(p *place) {
	p.start(cluster.Options{})
	pause := cluster.NewPause(p.t, "decision-durable")
	p.StopProxy()
	p.StartProxy(pause.Env()...)
	conn := p.transfer(p.Proxy)
	answer := make(chan error, 1)
	go func() {
		_, err := conn.ExecContext(context.Background(), "COMMIT")
		answer <- err
	}()
	if err := pause.Wait(10 * time.Second); err != nil {
		p.t.Fatal(err)
	}
	p.name()
	p.KillShard(1)
	if err := pause.Go(); err != nil {
		p.t.Fatal(err)
	}
	if err := <-answer; err != nil {
		p.t.Fatalf("the decision is durable, and the client got: %v", err)
	}
	if err := conn.Close(); err != nil {
		p.t.Fatal(err)
	}
}

// A shard comes back as it was before a transaction that is committed on the other shard.
func shardRestored(p *place) {
	p.start(cluster.Options{Config: "commit_mode: 3pc\n"})
	p.StopProxy()
	p.stopShard(1)
	backup := filepath.Join(p.Dir, "backup")
	p.copyData(filepath.Join(p.Shards[1].Dir, "data"), backup)
	p.RestartShard(1)
	p.StartProxy()
	conn := p.transfer(p.Proxy)
	if err := conn.QueryRowContext(context.Background(), "SELECT @@lockstep_gtrid").Scan(ptr(p.variables, "GTRID")); err != nil {
		p.t.Fatal(err)
	}
	if _, err := conn.ExecContext(context.Background(), "COMMIT"); err != nil {
		p.t.Fatal(err)
	}
	p.events["s2-comes-back-as-it-was-in-the-backup"] = func() {
		p.KillShard(1)
		if err := os.RemoveAll(filepath.Join(p.Shards[1].Dir, "data")); err != nil {
			p.t.Fatal(err)
		}
		p.copyData(backup, filepath.Join(p.Shards[1].Dir, "data"))
		p.RestartShard(1)
		p.reached()
	}
}

func (p *place) stopShard(i int) {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	if err := p.Shards[i].Stop(ctx); err != nil {
		p.t.Fatal(err)
	}
}

func (p *place) copyData(from, to string) {
	p.t.Helper()
	if err := os.CopyFS(to, os.DirFS(from)); err != nil {
		p.t.Fatal(err)
	}
}

// A bit has turned in the log of a proxy that died with its decision durable.
func logDamaged(p *place) {
	p.start(cluster.Options{})
	p.dieAt(p.Proxy, "decision-durable")
	b, err := os.ReadFile(p.LogPath())
	if err != nil {
		p.t.Fatal(err)
	}
	b[40] ^= 1
	if err := os.WriteFile(p.LogPath(), b, 0o600); err != nil {
		p.t.Fatal(err)
	}
	p.events["the-proxy-refuses-to-start"] = func() {
		if err := p.TryProxy(); err == nil {
			p.t.Fatal("the proxy starts with a damaged log")
		}
		p.KillProxy()
		p.files["/var/log/lockstep.log"] = p.OutputPath()
	}
}

// Writing the log fails. A limit on file sizes stands for the full disk.
func logDiskFull(p *place) {
	p.start(cluster.Options{})
	limit := unix.Rlimit{Cur: 8192, Max: unix.RLIM_INFINITY}
	if err := unix.Prlimit(p.ProxyPid(), unix.RLIMIT_FSIZE, &limit, nil); err != nil {
		p.t.Fatal(err)
	}
	p.eventually("the log has not failed", func() bool {
		conn := p.transfer(p.Proxy)
		defer conn.Close()
		_, err := conn.ExecContext(context.Background(), "COMMIT")
		return err != nil
	})
	p.files["/var/log/lockstep.log"] = p.OutputPath()
}

// Prepared branches of two other programs.
func strangers(p *place) {
	p.start(cluster.Options{})
	p.prepare(0, "'orders-4711','b1',1", 1, true)
	p.prepare(0, "X'00FF10',X'01',1096044365", 2, true)
}

// prepare makes a branch by hand that changes the n-th account of a shard. Its session stays open, or is ended. It
// answers the session's id.
func (p *place) prepare(shard int, xid string, n int, end bool) (connection int) {
	p.t.Helper()
	ctx := context.Background()
	db := p.ShardDB(shard, "bank")
	conn, err := db.Conn(ctx)
	if err != nil {
		p.t.Fatal(err)
	}
	if err := conn.QueryRowContext(ctx, "SELECT CONNECTION_ID()").Scan(&connection); err != nil {
		p.t.Fatal(err)
	}
	var id int // not one that a transfer uses
	if err := conn.QueryRowContext(ctx, "SELECT id FROM account ORDER BY id DESC LIMIT ?,1", n).Scan(&id); err != nil {
		p.t.Fatal(err)
	}
	for _, s := range []string{"XA START " + xid, fmt.Sprintf("UPDATE account SET balance = balance + 1 WHERE id = %d", id),
		"XA END " + xid, "XA PREPARE " + xid} {
		if _, err := conn.ExecContext(ctx, s); err != nil {
			p.t.Fatalf("%s: %v", s, err)
		}
	}
	if !end {
		p.t.Cleanup(func() { _ = conn.Close() }) // ended by then, or by this
		return connection
	}
	_ = conn.Close() // back to its pool, where it is ended:
	p.do(p.ShardDB(shard, ""), fmt.Sprintf("KILL CONNECTION %d", connection))
	p.eventually("the session is not gone", func() bool {
		var n int
		if err := p.ShardDB(shard, "").QueryRow("SELECT COUNT(*) FROM information_schema.processlist WHERE id = ?", connection).Scan(&n); err != nil {
			p.t.Fatal(err)
		}
		return n == 0
	})
	time.Sleep(150 * time.Millisecond)
	return connection
}

// Both proxies live; the first one is stopped in the middle of a commit.
func proxyFrozen(p *place) {
	p.start(cluster.Options{})
	other := p.AddProxy(cluster.ProxyOptions{})
	other.Start()
	pause := cluster.NewPause(p.t, "decision-durable")
	p.StopProxy()
	p.StartProxy(pause.Env()...)
	conn := p.transfer(p.Proxy)
	go func() { _, _ = conn.ExecContext(context.Background(), "COMMIT") }() // its proxy is killed
	if err := pause.Wait(10 * time.Second); err != nil {
		p.t.Fatal(err)
	}
	if err := p.Signal(syscall.SIGSTOP); err != nil {
		p.t.Fatal(err)
	}
	p.name()
	p.look(other)
	p.variables["PID"] = strconv.Itoa(p.ProxyPid())
	p.events["the-frozen-proxy-is-started-again"] = func() {
		p.KillProxy()
		p.StartProxy()
	}
}

// A session of another program keeps a prepared branch open, and with it recovery of that shard.
func sessionHoldsBranch(p *place) {
	p.start(cluster.Options{})
	p.dieAt(p.Proxy, "decision-durable")
	p.variables["CONNECTION"] = strconv.Itoa(p.prepare(0, "'orders-4711','b1',1", 1, false))
	p.StartProxy()
	p.files["/var/log/lockstep.log"] = p.OutputPath()
}

// A shard takes no writes.
func shardReadOnly(p *place) {
	p.start(cluster.Options{})
	p.dieAt(p.Proxy, "decision-durable")
	p.do(p.ShardDB(0, ""), "SET GLOBAL read_only = ON")
	p.StartProxy()
}
