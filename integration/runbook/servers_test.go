package runbook

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"lockstep/backend"
	"lockstep/coordinator"
	"lockstep/integration/cluster"
	"lockstep/localdb"
)

// A prepared branch of a decided transaction that XA RECOVER does not list any more. It is made anew by hand, on a
// session that is then reset, which no MariaDB should be asked for, and told to commit.
func hiddenBranch(p *place) {
	p.start(cluster.Options{})
	p.dieAt(p.Proxy, "decision-durable")
	s := backend.NewShard(backend.Options{Name: "s1", Address: p.Shards[0].Address(), User: cluster.User, Password: cluster.Password})
	defer s.Close()
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	x := backend.XID{FormatID: coordinator.FormatID, GTRID: p.variables["GTRID"], BQUAL: "s1"}
	if err := s.FreeXIDs(ctx, []backend.XID{x}); err != nil {
		p.t.Fatal(err)
	}
	if err := s.SettleXID(ctx, x, false); err != nil {
		p.t.Fatal(err)
	}
	c, err := s.Acquire(ctx, nil, true)
	if err != nil {
		p.t.Fatal(err)
	}
	a, _ := p.pair()
	for _, sql := range []string{"XA START " + x.SQL(), fmt.Sprintf("UPDATE bank.account SET balance = balance - 10 WHERE id = %d", a), "XA END " + x.SQL(), "XA PREPARE " + x.SQL()} {
		if _, err := c.Exec(ctx, sql); err != nil {
			p.t.Fatalf("%s: %v", sql, err)
		}
	}
	if err := c.Reset(ctx); err != nil {
		p.t.Fatal(err)
	}
	if _, err := c.Exec(ctx, "XA COMMIT "+x.SQL()); err != nil {
		p.t.Fatal(err)
	}
	c.Discard()
	p.StartProxy()
	p.events["s1-is-restarted"] = func() {
		p.StopProxy() // its successor has never seen the branch
		p.StartProxy()
		p.stopShard(0)
		p.RestartShard(0)
	}
}

// The primary of a shard died with a decided branch; its replica has it too.
func replicaPromoted(p *place) {
	p.start(cluster.Options{BinLog: true})
	dir := filepath.Join(p.Dir, "replica")
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	replica, err := localdb.Start(ctx, localdb.Options{Name: "s1r", Dir: dir, BinLog: true, ServerID: 11, ExtraArgs: []string{"--read-only=ON"}})
	if err != nil {
		p.t.Fatal(err)
	}
	p.t.Cleanup(func() {
		if err := replica.Kill(); err != nil {
			p.t.Error(err)
		}
	})
	primary := p.Shards[0]
	err = replica.Exec(ctx, fmt.Sprintf("CHANGE MASTER TO MASTER_HOST='127.0.0.1', MASTER_PORT=%d, MASTER_USER='%s', MASTER_PASSWORD='%s', MASTER_USE_GTID=slave_pos",
		primary.Port, cluster.User, cluster.Password), "START SLAVE")
	if err != nil {
		p.t.Fatal(err)
	}
	p.dieAt(p.Proxy, "decision-durable")
	root, err := replica.Root()
	if err != nil {
		p.t.Fatal(err)
	}
	defer root.Close()
	p.eventually("the replica has no branch", func() bool {
		list, err := cluster.Branches(root)
		return err == nil && len(list) == 1
	})
	p.KillShard(0)
	p.variables["S1R"] = options(replica.Address())
	p.events["the-configuration-names-the-replica"] = func() {
		text, err := os.ReadFile(p.ConfigPath())
		if err != nil {
			p.t.Fatal(err)
		}
		changed := strings.ReplaceAll(string(text), primary.Address(), replica.Address())
		if err := os.WriteFile(p.ConfigPath(), []byte(changed), 0o600); err != nil {
			p.t.Fatal(err)
		}
	}
}
