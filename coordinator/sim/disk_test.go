package sim

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"sync/atomic"

	"lockstep/coordinator"
	"lockstep/txlog"
)

// disk is what is under a proxy's decision log. A change is written first, and is
// durable after the sync; of what was only written a crash of the machine may leave all or nothing (the log writes
// its meta page last, and a torn one does not count), a crash of the process everything.
type disk struct {
	decisions map[string]txlog.Decision // durable
	written   []txlog.Decision          // not synced; the next start tells
	epochs    []string
	full      bool // until an operator makes room
}

// logIndex is what a process knows of its log: what txlog.Log keeps in memory.
type logIndex struct {
	decisions map[string]txlog.Decision
	unknown   map[string]bool
	forget    map[string]bool
	failed    bool
	writing   []*request // written, not synced
	expected  atomic.Int64
}

// open reads the disk at the start of a process.
func (d *disk) open(l *life) {
	w := l.w
	for _, x := range d.written {
		kept := w.rng.IntN(2) == 0
		w.tell(l.name, "decision of %s was only written; it is there: %v", short(x.GTRID), kept)
		w.saw(faultUnsynced, w.phaseOf(w.byGTRID[x.GTRID]))
		if kept {
			d.decisions[x.GTRID] = x
			w.decided(x.GTRID)
		}
	}
	d.written, d.full = nil, false
	d.epochs = append(d.epochs, l.epoch)
}

// crashed says what of a dead process's writes is certain.
func (d *disk) crashed(l *life) {
	for _, r := range l.log.writing {
		d.written = append(d.written, r.entry)
	}
}

// lose the disk, and get an empty one.
func (p *proxy) loseDisk() {
	p.w.tell(p.name, "has lost its disk")
	p.disk = disk{decisions: map[string]txlog.Decision{}}
	p.w.files.lost(p)
	for _, t := range p.w.txs {
		if t.proxy == p {
			t.logLost = true
		}
	}
}

func (x *logIndex) open(l *life) {
	x.decisions, x.unknown, x.forget = map[string]txlog.Decision{}, map[string]bool{}, map[string]bool{}
	for g, d := range l.p.disk.decisions {
		x.decisions[g] = d
	}
}

// lifeLog is the log of one life over the simulated disk.
type lifeLog struct{ l *life }

func (g lifeLog) Append(ctx context.Context, d txlog.Decision) error {
	r := g.l.call(ctx, &request{verb: verbAppend, gtrid: d.GTRID, entry: d})
	if r.lost { // the process died, or ctx ended before the writer took it
		return fmt.Errorf("%w: %w", txlog.ErrNotDurable, errLost)
	}
	return r.err
}

// Expect and its two ends are counted: what is announced comes or is taken back.
func (g lifeLog) Expect()   { g.l.log.expected.Add(1) }
func (g lifeLog) Unexpect() { g.l.log.expected.Add(-1) }

func (g lifeLog) AppendExpected(ctx context.Context, d txlog.Decision) error {
	g.l.log.expected.Add(-1)
	return g.Append(ctx, d)
}

func (g lifeLog) Forget(gtrid string) {
	g.l.w.mu.Lock()
	defer g.l.w.mu.Unlock()
	if _, ok := g.l.log.decisions[gtrid]; ok && !g.l.log.failed && !g.l.dead {
		g.l.log.forget[gtrid] = true
		if g.l.w.trace != nil {
			g.l.w.notes = append(g.l.w.notes, g.l.name+" forgets "+short(gtrid))
		}
	}
}

func (g lifeLog) Lookup(gtrid string) (txlog.Decision, bool, error) {
	g.l.w.mu.Lock()
	defer g.l.w.mu.Unlock()
	if g.l.log.unknown[gtrid] {
		return txlog.Decision{}, false, txlog.ErrUnknown
	}
	d, ok := g.l.log.decisions[gtrid]
	return d, ok, nil
}

func (g lifeLog) Epochs() ([]string, error) { return slices.Clone(g.l.p.disk.epochs), nil }

func (g lifeLog) Decisions(yield func(txlog.Decision) bool) error {
	g.l.w.mu.Lock()
	all := make([]txlog.Decision, 0, len(g.l.log.decisions))
	for _, d := range g.l.log.decisions {
		all = append(all, d)
	}
	g.l.w.mu.Unlock()
	slices.SortFunc(all, func(a, b txlog.Decision) int { return cmp.Compare(a.GTRID, b.GTRID) })
	for _, d := range all {
		if !yield(d) {
			break
		}
	}
	return nil
}

// queue of a life's log: what the writer would take next.
func (l *life) queue() (out []*request) {
	for _, r := range l.w.requests {
		if r.life == l && r.verb == verbAppend && r.state == sent {
			out = append(out, r)
		}
	}
	return out
}

// write is the writer's first half: the batch is in the file.
func (l *life) write() {
	w := l.w
	for _, r := range l.queue() {
		switch {
		case l.log.failed:
			w.finish(r, result{err: fmt.Errorf("%w: it has stopped", txlog.ErrNotDurable)})
		case w.chance(w.luck.queueFull):
			w.saw(faultQueueFull, w.phaseOf(w.byGTRID[r.gtrid]))
			w.finish(r, result{err: txlog.ErrQueueFull})
		default:
			r.state = waiting
			l.log.writing = append(l.log.writing, r)
		}
	}
	if len(l.log.writing) == 0 {
		return
	}
	full := l.p.disk.full && !w.calm
	if full || w.chance(w.luck.writeError) {
		why := "write error"
		f := faultWriteError
		if full {
			why, f = "disk full", faultDiskFull
		}
		l.fail(f, result{err: fmt.Errorf("%w: %s", txlog.ErrNotDurable, why)})
	}
}

// sync is its second half, and tells those who wait.
func (l *life) sync() {
	w := l.w
	if w.chance(w.luck.syncError) {
		for _, r := range l.log.writing {
			l.log.unknown[r.gtrid] = true
			l.p.disk.written = append(l.p.disk.written, r.entry)
		}
		l.fail(faultSyncError, result{err: fmt.Errorf("%w: sync failed", txlog.ErrUnknown)})
		return
	}
	batch := l.log.writing
	l.log.writing = nil
	for _, r := range batch {
		l.p.disk.decisions[r.gtrid], l.log.decisions[r.gtrid] = r.entry, r.entry
		w.decided(r.gtrid)
		w.tell(l.name, "decision of %s is durable", short(r.gtrid))
	}
	l.remove()
	for _, r := range batch {
		w.finish(r, result{})
	}
}

func (l *life) fail(f fault, res result) {
	l.log.failed = true
	batch := l.log.writing
	l.log.writing = nil
	for _, r := range batch {
		l.w.saw(f, l.w.phaseOf(l.w.byGTRID[r.gtrid]))
		l.w.finish(r, res)
	}
}

// remove what is to be forgotten.
func (l *life) remove() {
	if l.log.failed {
		return
	}
	for _, t := range l.w.txs {
		if l.log.forget[t.gtrid] {
			l.w.forgotten(t, l.log.decisions[t.gtrid].Verdict)
			delete(l.log.decisions, t.gtrid)
			delete(l.p.disk.decisions, t.gtrid)
			delete(l.log.forget, t.gtrid)
		}
	}
}

func (l *life) openLog() coordinator.Log {
	if l.w.files != nil {
		return l.w.files.open(l)
	}
	return lifeLog{l}
}

func (l *life) closeLog() {
	if l.file != nil {
		l.w.files.crashed(l)
	}
}
