package changes

import (
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"lockstep/integration/cluster"
	"lockstep/integration/wireclient"
)

// again says whether a statement failed for reasons that a client is meant to try anew after.
func again(r wireclient.Result) bool {
	e := r.Err
	if e == nil {
		e = r.RowErr
	}
	return e != nil && (e.Code == 1213 || e.Code == 1205 || e.Code == 1402)
}

// Two sessions move rows from shard to shard and change them by ORDER BY and LIMIT, while a third counts them with locks: at
// no moment is a row there twice or not at all, and no change is lost.
func TestMovesWhileOthersCount(t *testing.T) {
	c := cluster.Start(t, cluster.Options{Shards: 3, ShardArgs: []string{"--innodb-flush-log-at-trx-commit=0", "--innodb-lock-wait-timeout=1"}})
	c.StartProxy()
	dial(t, c.Listen, "", 0).must("CREATE DATABASE d")
	first := dial(t, c.Listen, "d", 0)
	first.must("CREATE TABLE a (id INT PRIMARY KEY, v INT NOT NULL)")
	const rows = 40
	for i := range rows {
		first.must(fmt.Sprintf("INSERT INTO a VALUES (%d, 100)", i))
	}
	stop := time.Now().Add(5 * time.Second)
	var wg sync.WaitGroup
	var mu sync.Mutex
	moves, added, counts := 0, 0, 0
	for seed := range uint64(2) {
		s := dial(t, c.Listen, "d", 0)
		wg.Go(func() {
			r := rand.New(rand.NewPCG(seed, 7))
			for time.Now().Before(stop) {
				sql := fmt.Sprintf("UPDATE a SET id = %d WHERE id = %d", r.IntN(200), r.IntN(200))
				plus := 0
				if r.IntN(3) == 0 {
					sql, plus = "UPDATE a SET v = v + 1 ORDER BY v, id LIMIT 2", 2
				}
				res := s.do(false, sql)
				switch {
				case again(res) || res.Err != nil && res.Err.Code == 1062:
				case res.Err != nil:
					t.Errorf("%s: %v", sql, res.Err)
					return
				default:
					mu.Lock()
					moves += int(res.OK.Affected)
					added += plus
					mu.Unlock()
				}
			}
		})
	}
	s := dial(t, c.Listen, "d", 0)
	wg.Go(func() {
		for time.Now().Before(stop) {
			s.must("BEGIN")
			r := s.do(false, "SELECT COUNT(*), COUNT(DISTINCT id) FROM a LOCK IN SHARE MODE")
			s.must("ROLLBACK")
			if again(r) {
				continue
			}
			if got, want := fmt.Sprint(lines(r)), fmt.Sprintf("[%d|%d]", rows, rows); got != want {
				t.Errorf("%s rows (%v, %v), want %s", got, r.Err, r.RowErr, want)
				return
			}
			mu.Lock()
			counts++
			mu.Unlock()
		}
	})
	wg.Wait()
	if got, want := fmt.Sprint(first.rows("SELECT COUNT(*), SUM(v) FROM a")), fmt.Sprintf("[%d|%d]", rows, 100*rows+added); got != want {
		t.Errorf("at the end there are %s rows and their sum, want %s", got, want)
	}
	t.Logf("%d rows changed, %d counts", moves, counts)
	if moves == 0 || counts == 0 {
		t.Error("nothing was done at the same time")
	}
}

// What a query inside a change reads is what is there now, as on one server, whatever the transaction has read before.
func TestQueriesInsideChangesReadTheNewest(t *testing.T) {
	p := newPair(t, cluster.Engine(t), 0)
	p.fillAll()
	for _, sql := range []string{
		"UPDATE customer SET n = (SELECT MAX(total) FROM orders WHERE id < 104)",
		"DELETE FROM customer WHERE id IN (SELECT total FROM orders) ORDER BY id LIMIT 3",
		"UPDATE customer SET n = 9 WHERE EXISTS (SELECT 1 FROM orders WHERE customer_id = customer.id AND total = 7) ORDER BY id LIMIT 3",
		"UPDATE orders o JOIN item i ON i.order_id = o.id SET i.n = o.total WHERE o.id = 102",
	} {
		for _, c := range []*client{p.plain, p.proxy} {
			other := dial(t, c.address, "d", 0)
			c.must("BEGIN")
			c.must("SELECT * FROM orders")
			c.must("SELECT * FROM customer")
			other.must("UPDATE orders SET total = 7 WHERE id = 102")
			c.must(sql)
		}
		p.same(sql, defs[:3])
		p.both("ROLLBACK")
		p.both("UPDATE orders SET total = 15 WHERE id = 102")
	}
}
