package session

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"

	"lockstep/integration/cluster"
)

// A session that waits for a shard which says nothing can be ended all the same, and its
// locks on the other shards go with it.
func TestKillOfSilentShard(t *testing.T) {
	f := startFaulty(t, "timeouts:\n  resolve: 200ms\n")
	other := connect(t, f.Cluster, "d")
	for _, tc := range []struct {
		name   string
		before []string
		run    string
	}{
		{"autocommit", nil, "SELECT id FROM a WHERE id = $2"},
		{"scattered", nil, "SELECT COUNT(id) FROM a"},
		{"transaction", []string{"BEGIN", "UPDATE a SET v = v + 1"}, "SELECT id FROM a WHERE id = $2"},
		{"savepoint", []string{"BEGIN", "UPDATE a SET v = v + 1"}, "SAVEPOINT id"},
		{"prepare", []string{"BEGIN", "UPDATE a SET v = v + 1 WHERE id = $2"}, "SELECT id FROM a WHERE id = $2 AND v > ?"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			other.t = t
			s := connect(t, f.Cluster, "d")
			id := s.rows("SELECT CONNECTION_ID()")[0]
			for _, q := range tc.before {
				drain(t, s, f.on(q))
			}
			rule := f.faults[1].Arm(cluster.Rule{On: "id", Stall: true})
			defer rule.Release()
			done := make(chan error, 1)
			go func() {
				if tc.name == "prepare" {
					_, err := s.conn.PrepareContext(context.Background(), f.on(tc.run))
					done <- err
					return
				}
				done <- ask(s, f.on(tc.run))
			}()
			select {
			case <-rule.Met():
			case err := <-done:
				t.Fatalf("not held: %v", err)
			}
			began := time.Now()
			other.exec("KILL " + id)
			select {
			case err := <-done:
				if err == nil {
					t.Error("the killed statement succeeded")
				}
			case <-time.After(3 * time.Second):
				t.Fatal("the killed session still waits")
			}
			if took := time.Since(began); took > time.Second {
				t.Errorf("the kill took %v", took)
			}
			f.settled(t)
			other.affected(int64(f.rows), "UPDATE a SET v = v + 1")
		})
	}
}

// KILL QUERY ends a statement of the session that it names and never one of a session that has
// got the connection since.
func TestKillQueryHitsNobodyElse(t *testing.T) {
	c := start(t, cluster.Options{Shards: 2, Pool: "max_connections: 3"})
	connect(t, c, "").exec("CREATE DATABASE d")
	connect(t, c, "d").exec("CREATE TABLE a (id INT PRIMARY KEY, v INT)")
	connect(t, c, "d").exec("INSERT INTO a VALUES (1, 1), (2, 2), (3, 3), (4, 4)")
	victim, innocent, killer := connect(t, c, "d"), connect(t, c, "d"), connect(t, c, "d")
	id := victim.rows("SELECT CONNECTION_ID()")[0]
	ctx, cancel := context.WithTimeout(context.Background(), 4*time.Second)
	defer cancel()
	var hits, spared atomic.Int64
	var wait sync.WaitGroup
	wait.Go(func() {
		for i := 0; ctx.Err() == nil; i++ {
			err := ask(victim, fmt.Sprintf("SELECT SLEEP(0.000%d), v FROM a", i%10))
			var me *mysql.MySQLError
			switch {
			case err == nil:
				spared.Add(1)
			case errors.As(err, &me) && me.Number == 1317:
				hits.Add(1)
			default:
				t.Errorf("the victim hears %v", err)
				return
			}
		}
	})
	wait.Go(func() {
		for ctx.Err() == nil {
			for _, q := range []string{"SELECT SLEEP(0.0005), v FROM a WHERE id = 1", "SELECT SUM(v) FROM a", "UPDATE a SET v = v WHERE id < 3", "SELECT v FROM a WHERE id = 3"} {
				if err := ask(innocent, q); err != nil {
					t.Errorf("the innocent hears %v", err)
					return
				}
			}
		}
	})
	wait.Go(func() {
		for ctx.Err() == nil {
			killer.exec("KILL QUERY " + id)
		}
	})
	wait.Wait()
	if hits.Load() == 0 || spared.Load() == 0 {
		t.Errorf("%d statements were ended and %d were not: the test shows nothing", hits.Load(), spared.Load())
	}
}

// A session that is killed between two commands, at any moment, is gone at once.
func TestKillBetweenCommands(t *testing.T) {
	c := start(t, cluster.Options{Shards: 1})
	killer := connect(t, c, "")
	for i := range 100 {
		s := connect(t, c, "")
		id := s.rows("SELECT CONNECTION_ID()")[0]
		go func() {
			_ = ask(s, "SELECT 1") // hears of the kill or not
		}()
		time.Sleep(time.Duration(i%20) * 20 * time.Microsecond)
		killer.exec("KILL " + id)
		deadline := time.Now().Add(3 * time.Second)
		for {
			gone := true
			for _, row := range killer.rows("SHOW PROCESSLIST") {
				gone = gone && len(row) > len(id) && row[:len(id)+1] != id+","
			}
			if gone {
				break
			}
			if time.Now().After(deadline) {
				t.Fatalf("session %s is still there after its kill", id)
			}
			time.Sleep(time.Millisecond)
		}
	}
}
