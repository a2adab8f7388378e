package sim

import (
	"context"
	"fmt"
	"strings"

	"lockstep/coordinator"
	"lockstep/txlog"
)

// client of a proxy: it makes one transaction, and may look up what became of it.
type client struct {
	w     *world
	name  string
	index int
	mode  string
	token string
	// its proxy sends verbs in two halves
	pipelined bool
	shards    []*server
	rows      []int // by shard

	started bool
	life    *life // of the proxy that it is connected to; nil: not connected
	leave   context.CancelFunc
	t       *transaction
	ended   bool
	outcome coordinator.Outcome
	told    bool // what it was told is known to the scheduler
	spent   bool // a look-up of its token answered ABORTED before it began
}

func newClient(w *world, index int) *client {
	c := &client{w: w, index: index, name: fmt.Sprint("client ", index+1)}
	switch n := w.rng.IntN(10); {
	case n == 0:
		c.mode = onePhase
	case n < 6:
		c.mode = coordinator.ModeThreePhase
	default:
		c.mode = coordinator.ModeTwoPhase
	}
	if w.rng.IntN(3) == 0 || c.mode == onePhase {
		c.token = fmt.Sprint("token-", index+1)
	}
	if c.token != "" && w.rng.IntN(6) == 0 { // the same as another's, which may be tried again with it
		c.token = fmt.Sprint("token-", 1+w.rng.IntN(index+1))
	}
	c.pipelined = w.rng.IntN(2) == 0
	n := 2 + w.rng.IntN(len(w.servers)-1)
	if c.mode == onePhase {
		n = 1
	}
	for _, i := range w.rng.Perm(len(w.servers))[:n] {
		c.shards = append(c.shards, w.servers[i])
		c.rows = append(c.rows, w.rng.IntN(keys))
	}
	return c
}

// start the client's transaction on a proxy.
func (c *client) start(l *life) {
	c.started, c.life = true, l
	ctx, leave := context.WithCancel(as(context.Background(), c.name))
	c.leave = leave
	tx := l.coord.Begin()
	t := &transaction{gtrid: tx.GTRID(), token: c.token, bit: 1 << c.index, mode: c.mode, proxy: l.p, life: l, client: c}
	c.w.tell(c.name, "begins %s at %s", t.name(), l.name)
	if c.w.byGTRID[t.gtrid] != nil {
		c.w.violation("the transaction id %s is given out twice", t.gtrid)
	}
	if c.spent {
		t.must, t.why = txlog.Rollback, "a look-up of its token answered ABORTED before it began"
	}
	c.t = t
	c.w.txs = append(c.w.txs, t)
	c.w.byGTRID[t.gtrid] = t
	c.w.later(func() { go c.run(ctx, tx) })
}

// run is the part of the proxy that serves the client.
func (c *client) run(ctx context.Context, tx *coordinator.Transaction) {
	defer c.leave()
	var members []*member
	var ps []coordinator.Participant
	giveUp := func() {
		for _, m := range members {
			m.Rollback(context.WithoutCancel(ctx))
		}
		tx.Release()
		c.outcome = coordinator.Outcome{Verdict: coordinator.RolledBack}
		c.ended = true
	}
	for i, s := range c.shards {
		res := c.life0().call(ctx, &request{verb: verbOpen, to: s, gtrid: tx.GTRID(), key: c.rows[i]})
		if res.sess == nil {
			giveUp()
			return
		}
		m := &member{l: c.life0(), s: s, gtrid: tx.GTRID(), sess: res.sess}
		members = append(members, m)
		if c.pipelined {
			ps = append(ps, pipelined{m})
		} else {
			ps = append(ps, m)
		}
		if res.reply.Result != coordinator.Done {
			giveUp()
			return
		}
	}
	c.t.shards, c.t.members, c.t.committing = c.shards, members, true
	if c.mode == onePhase {
		c.runOnePhase(ctx, tx, members[0])
		return
	}
	out := tx.Commit(ctx, ps, coordinator.CommitOptions{Mode: c.mode, Token: c.token})
	for _, m := range members {
		m.sess.closed.Store(true)
	}
	c.outcome, c.ended = out, true
}

// runOnePhase leaves a marker for the token; the shard alone decides.
func (c *client) runOnePhase(ctx context.Context, tx *coordinator.Transaction, m *member) {
	mark := coordinator.Marker{GTRID: m.gtrid, State: coordinator.MarkerToken, Participants: []string{m.s.name}, Coordinator: c.t.proxy.name, Token: c.token}
	v := m.onePhase(ctx, mark)
	tx.Release()
	c.outcome, c.ended = coordinator.Outcome{Verdict: v}, true
}

// life0 is the life that serves it, also when that is dead.
func (c *client) life0() *life { return c.t.life }

// broken: its connection is gone, and it hears nothing any more.
func (c *client) broken() {
	c.w.tell(c.name, "has lost its connection")
	c.life, c.told, c.t.over = nil, true, true
}

// hear the answers to COMMIT that have come.
func (w *world) hear() {
	for _, c := range w.clients {
		if !c.ended || c.told {
			continue
		}
		c.told, c.t.over = true, true
		c.life = nil
		out := c.outcome
		if out.Err != nil && strings.Contains(out.Err.Error(), "commit protocol broken") {
			w.violation("%s: %v", c.t.name(), out.Err)
		}
		switch out.Verdict {
		case coordinator.Committed:
			w.seen.committed++
			w.promise(c.t, txlog.Commit, "told COMMITTED")
		case coordinator.RolledBack:
			w.seen.rolledBack++
			w.promise(c.t, txlog.Rollback, "told ROLLED BACK")
		case coordinator.InDoubt:
			w.seen.inDoubt++
			w.tell(c.name, "%s: told IN DOUBT", c.t.name())
		default:
			w.violation("%s: told %q", c.t.name(), out.Verdict)
		}
	}
}
