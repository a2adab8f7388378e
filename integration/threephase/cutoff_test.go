package threephase

import (
	"fmt"
	"testing"
	"time"

	"lockstep/integration/cluster"
)

// A proxy loses one shard in each phase: the request or its answer is lost, with the connection or in silence.
func TestCutOffFromOneShard(t *testing.T) {
	w := newWorld(t, cluster.Options{})
	front := w.Front(1)
	w.StartProxy()
	kinds := []struct {
		name string
		rule cluster.Rule
	}{
		{"answer lost", cluster.Rule{Answer: 0}},
		{"request stuck", cluster.Rule{Answer: -1, Stall: true}},
		{"request lost", cluster.Rule{Answer: -1}},
		{"answer stuck", cluster.Rule{Answer: 0, Stall: true}},
	}
	if !thorough() {
		kinds = kinds[:2]
	}
	for _, phase := range []string{"XA PREPARE", "XA COMMIT"} {
		for i, kind := range kinds {
			t.Run(fmt.Sprintf("%s/%s", phase, kind.name), func(t *testing.T) {
				c := w.mode3(t, w.Proxy)
				defer c.close()
				x := w.transfer(2, i)
				x.mustOpen(c)
				kind.rule.On = phase
				rule := front.Arm(kind.rule)
				begin := time.Now()
				err := answer(t, c.start("COMMIT"), 15*time.Second)
				took := time.Since(begin)
				select {
				case <-rule.Met():
				default:
					t.Fatal("no connection met the rule")
				}
				if kind.rule.Stall {
					// The server's side of the branch is ended by whoever settles, not by this connection's end.
					w.settled(t, 2*settleLimit)
					rule.Release()
				}
				w.settled(t, 3*settleLimit)
				got := w.mustAgree(t, x, err)
				if phase == "XA COMMIT" && (err != nil || !got) {
					t.Errorf("all were prepared; the client saw %v, committed: %v", err, got)
				}
				if voted := kind.rule.Answer >= 0; phase == "XA PREPARE" && (err == nil) != voted || phase == "XA PREPARE" && got != voted {
					t.Errorf("the shard has voted: %v; the client saw %v, committed: %v", voted, err, got)
				}
				t.Logf("the client saw %v after %v, committed: %v", err, took.Round(time.Millisecond), got)
				w.waitUp(t)
				w.rowsAreFree(t, w.p2, x)
			})
		}
	}
	// Cut off for good from one shard: what needs it fails, the rest goes on, and nothing of it stays behind.
	front.Refuse()
	c := w.mode3(t, w.Proxy)
	one := w.transfer(1, 0)
	one.mustOpen(c)
	c.must("COMMIT")
	x := w.transfer(2, 1)
	if err := x.open(c); err == nil {
		t.Error("a statement on a shard that cannot be reached succeeded")
	}
	if _, err := c.Exec("ROLLBACK"); err != nil {
		t.Error(err)
	}
	front.Heal(true)
	w.waitUp(t)
	w.rowsAreFree(t, w.Proxy, x)
	w.check(t)
}
