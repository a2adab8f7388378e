package deadlock

import (
	"context"
	"time"
)

// mark is a victim that another proxy was asked for.
type mark struct {
	statement uint64
	at        time.Time
}

// end ends the statement of one of our own, in the background: a shard may be slow.
func (d *Detector) end(t *Transaction, c *Cycle) {
	select {
	case d.places <- struct{}{}:
	default:
		return // as many as allowed are under way; the next reading shows it again
	}
	e := &ending{statement: c.Victim.Statement, at: time.Now(), cycle: c.String(), formed: c.Since}
	t.ending.Store(e)
	d.ends.Go(func() {
		defer func() { <-d.places }()
		if !t.runner.EndStatement(e.statement) {
			t.spared(0)
		}
	})
}

// broken counts a victim that is being rolled back.
func (d *Detector) broken(t *Transaction, e *ending) {
	took := time.Since(e.formed)
	d.stats.victims.Add(1)
	d.o.Broken(took)
	d.o.Logger.Info("deadlock over several shards broken: its youngest transaction is rolled back", "gtrid", t.gtrid, "cycle", e.cycle, "after", took)
	d.history.add(Deadlock{Time: time.Now(), Victim: t.gtrid, Cycle: e.cycle, Took: took})
}

// mark asks the proxy of a victim to end it, on every server where that one looks.
func (d *Detector) mark(ctx context.Context, c *Cycle) {
	f := d.foreign[c.Victim.GTRID]
	if f == nil {
		return
	}
	d.marked[c.Victim.GTRID] = mark{c.Victim.Statement, time.Now()}
	d.stats.asked.Add(1)
	d.o.Logger.Info("deadlock over several shards: another proxy is asked to roll back its youngest transaction", "gtrid", c.Victim.GTRID, "cycle", c.String())
	d.each(f.on, func(s *server) {
		ctx, cancel := context.WithTimeout(ctx, d.o.Timeout)
		defer cancel()
		if err := s.Source.MarkVictim(ctx, c.Victim.GTRID, c.Victim.Statement); err != nil {
			d.boardFailed(ctx, s, err)
		}
	})
}

// obey ends those of our own that another proxy has found to be victims.
func (d *Detector) obey(scope []*server, own []waiting) {
	for _, s := range scope {
		for i := range s.board.rows {
			r := &s.board.rows[i]
			if r.Victim == 0 || r.Victim != r.Wait || r.Coordinator != d.o.Coordinator {
				continue
			}
			w := find(own, r.GTRID)
			if w == nil || w.member.Statement != r.Victim {
				continue
			}
			if e := w.t.ending.Load(); e != nil && e.statement == r.Victim && time.Since(e.at) < victimPatience {
				continue
			}
			m := w.member
			d.end(w.t, &Cycle{Victim: &m, Since: m.Since, Nodes: []string{m.GTRID, "found by another proxy"}})
		}
	}
}
