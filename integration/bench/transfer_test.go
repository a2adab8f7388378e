package bench

import (
	"context"
	"database/sql"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// accounts are ids of account rows by the shard that holds them.
type accounts [2][]int

// transfers runs clients that each repeat one transfer for the time d, and returns transfers per second and their number.
func transfers(t *testing.T, clients int, d time.Duration, open func() (transfer func(rng *rand.Rand) error, done func())) (perSecond, count float64) {
	t.Helper()
	var n atomic.Int64
	var wait sync.WaitGroup
	errs := make(chan error, clients)
	begin := time.Now()
	for c := range clients {
		wait.Go(func() {
			transfer, done := open()
			defer done()
			rng := rand.New(rand.NewPCG(uint64(c), 1))
			for time.Since(begin) < d {
				if err := transfer(rng); err != nil {
					errs <- err
					return
				}
				n.Add(1)
			}
		})
	}
	wait.Wait()
	took := time.Since(begin)
	select {
	case err := <-errs:
		t.Fatal(err)
	default:
	}
	return float64(n.Load()) / took.Seconds(), float64(n.Load())
}

func execAll(ctx context.Context, c *sql.Conn, statements ...string) error {
	for _, s := range statements {
		if _, err := c.ExecContext(ctx, s); err != nil {
			return fmt.Errorf("%s: %w", s, err)
		}
	}
	return nil
}

// pick returns an account on each shard.
func (a *accounts) pick(rng *rand.Rand) (from, to int) {
	return a[0][rng.IntN(len(a[0]))], a[1][rng.IntN(len(a[1]))]
}

// throughProxy is a transfer as an application writes it.
func throughProxy(t *testing.T, db *sql.DB, a *accounts, mode string) func() (func(*rand.Rand) error, func()) {
	ctx := context.Background()
	return func() (func(*rand.Rand) error, func()) {
		c, err := db.Conn(ctx)
		if err != nil {
			t.Error(err)
			return func(*rand.Rand) error { return err }, func() {}
		}
		if err := execAll(ctx, c, "SET lockstep_commit_mode = '"+mode+"'"); err != nil {
			t.Error(err)
		}
		return func(rng *rand.Rand) error {
			from, to := a.pick(rng)
			return execAll(ctx, c, "BEGIN",
				fmt.Sprintf("UPDATE account SET balance = balance - 1 WHERE id = %d", from),
				fmt.Sprintf("UPDATE account SET balance = balance + 1 WHERE id = %d", to),
				"COMMIT")
		}, func() { c.Close() }
	}
}

var clientXID atomic.Int64

// drivenByClient is the same transfer by a client that has a connection to each
// server and drives XA itself: each phase on both servers at once, without a log.
func drivenByClient(t *testing.T, dbs [2]*sql.DB, a *accounts) func() (func(*rand.Rand) error, func()) {
	ctx := context.Background()
	return func() (func(*rand.Rand) error, func()) {
		var cs [2]*sql.Conn
		for i := range cs {
			c, err := dbs[i].Conn(ctx)
			if err != nil {
				t.Error(err)
				return func(*rand.Rand) error { return err }, func() {}
			}
			cs[i] = c
		}
		both := func(f func(i int) error) error {
			var other error
			var wait sync.WaitGroup
			wait.Go(func() { other = f(1) })
			err := f(0)
			wait.Wait()
			if err == nil {
				err = other
			}
			return err
		}
		return func(rng *rand.Rand) error {
				from, to := a.pick(rng)
				xid := clientXID.Add(1)
				name := func(i int) string { return fmt.Sprintf("'bench.%d','%d'", xid, i) }
				if err := execAll(ctx, cs[0], "XA START "+name(0), fmt.Sprintf("UPDATE account SET balance = balance - 1 WHERE id = %d", from)); err != nil {
					return err
				}
				if err := execAll(ctx, cs[1], "XA START "+name(1), fmt.Sprintf("UPDATE account SET balance = balance + 1 WHERE id = %d", to)); err != nil {
					return err
				}
				if err := both(func(i int) error { return execAll(ctx, cs[i], "XA END "+name(i), "XA PREPARE "+name(i)) }); err != nil {
					return err
				}
				return both(func(i int) error { return execAll(ctx, cs[i], "XA COMMIT "+name(i)) })
			}, func() {
				cs[0].Close()
				cs[1].Close()
			}
	}
}
