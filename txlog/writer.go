package txlog

import (
	"errors"
	"fmt"
	"io/fs"
	"runtime/debug"
	"time"

	bolt "go.etcd.io/bbolt"
)

type boltTx interface {
	ID() int
	Bucket(name []byte) *bolt.Bucket
	Commit() error
	Rollback() error
}

// write is the writer's goroutine: the only one that touches the file.
func (l *Log) write() {
	defer close(l.stopped)
	debug.SetPanicOnFault(true) // a file cut short under the memory map: fail-stop, not a dead process
	tick := time.NewTicker(l.options.ForgetDelay)
	defer tick.Stop()
	for {
		select {
		case r := <-l.queue:
			l.serve(l.await(l.gather(r)))
		case <-tick.C:
			l.serve(nil)
		case <-l.stop: // nothing enters the queue any more
			for len(l.queue) > 0 {
				l.serve(l.gather(<-l.queue))
			}
			for l.forgetsWaiting() > 0 && l.Failed() == nil {
				l.serve(nil)
			}
			return
		}
	}
}

// gather takes all that waits, up to a batch.
func (l *Log) gather(first *request) []*request {
	batch := make([]*request, 0, min(len(l.queue)+1, l.options.MaxBatch))
	for r := first; ; {
		if r.state.CompareAndSwap(waiting, taken) {
			batch = append(batch, r)
		}
		if len(batch) == l.options.MaxBatch {
			return batch
		}
		select {
		case r = <-l.queue:
		default:
			return batch
		}
	}
}

func (l *Log) forgetsWaiting() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.forget)
}

// change is what one bbolt transaction does to the file and to the index.
type change struct {
	put     map[string]*request // decisions by gtrid
	order   []string            // keys of put
	audits  []*request
	remove  []Decision
	waiters []*request
	sum     summary
}

// serve makes one batch durable and answers everyone in it.
func (l *Log) serve(batch []*request) {
	if err := l.Failed(); err != nil {
		for _, r := range batch {
			r.done <- fmt.Errorf("append to decision log: %w: it has stopped: %w", ErrNotDurable, err)
		}
		return
	}
	c := l.plan(batch)
	if len(c.order)+len(c.audits)+len(c.remove) == 0 {
		return
	}
	a := attempt{base: l.store.newest()}
	err := l.apply(c, &a)
	if err != nil {
		l.fail(c, &a, err)
		return
	}
	if l.options.Hook != nil && len(c.order) > 0 {
		l.options.Hook("decision-written")
	}
	l.publish(c)
	for _, r := range c.waiters {
		r.done <- nil
	}
}

// plan sorts a batch into a change, and answers at once what needs no write.
func (l *Log) plan(batch []*request) *change {
	l.mu.Lock()
	defer l.mu.Unlock()
	c := &change{put: make(map[string]*request, len(batch)), sum: l.sum}
	for _, r := range batch {
		if r.audit != nil {
			c.audits, c.waiters = append(c.audits, r), append(c.waiters, r)
			continue
		}
		gtrid := r.decision.GTRID
		have, known := l.decisions[gtrid]
		delete(l.forget, gtrid)
		if earlier, ok := c.put[gtrid]; ok { // twice in one batch: both wait for the first
			if earlier.decision.Verdict != r.decision.Verdict {
				r.done <- fmt.Errorf("append decision: %w", &ConflictError{GTRID: gtrid, Have: earlier.decision.Verdict})
				continue
			}
			c.waiters = append(c.waiters, r)
			continue
		}
		switch {
		case known && have.Verdict == Rollback && r.decision.Verdict == Commit:
			r.done <- fmt.Errorf("append decision: %w", &ConflictError{GTRID: gtrid, Have: have.Verdict})
			continue
		case known && have.Verdict == r.decision.Verdict:
			r.done <- nil // durable since long
			continue
		case !known && len(l.decisions)+len(c.order) >= l.options.MaxDecisions:
			r.done <- fmt.Errorf("append decision: %w", &LimitError{"MaxDecisions", "unfinished transactions in the log", l.options.MaxDecisions})
			continue
		default:
			c.order = append(c.order, gtrid)
			c.put[gtrid] = r
		}
		c.waiters = append(c.waiters, r)
	}
	for gtrid := range l.forget {
		if len(c.remove) == maxForget {
			break
		}
		c.remove = append(c.remove, l.decisions[gtrid])
	}
	return c
}

// apply runs the bbolt transaction. a tells the inquest how far it came.
func (l *Log) apply(c *change, a *attempt) (err error) {
	defer func() {
		if p := recover(); p != nil {
			a.panicked = true
			err = fmt.Errorf("write decision log %s: bbolt panicked: %v", l.options.Path, p)
		}
	}()
	begun, err := l.store.db.Begin(true)
	if err != nil {
		return l.writeError(err)
	}
	var tx boltTx = begun
	if err := l.fill(tx, c); err != nil {
		return l.writeError(joinRollback(err, tx))
	}
	a.txid = uint64(tx.ID())
	a.committing = true
	l.store.record.reset()
	if err := l.commit(tx); err != nil {
		return l.writeError(err)
	}
	return nil
}

// writeError names the log by its path: bbolt's file still has the name it had before the rename.
func (l *Log) writeError(err error) error {
	if path, ok := errors.AsType[*fs.PathError](err); ok {
		err = fmt.Errorf("%s: %w", path.Op, path.Err)
	}
	return fmt.Errorf("write decision log %s: %w", l.options.Path, err)
}

func joinRollback(err error, tx boltTx) error {
	if rerr := tx.Rollback(); rerr != nil {
		return fmt.Errorf("%w (and rolling back: %w)", err, rerr)
	}
	return err
}

func (l *Log) fill(tx boltTx, c *change) error {
	decisions, audit := tx.Bucket([]byte(bucketDecisions)), tx.Bucket([]byte(bucketAudit))
	for _, d := range c.remove {
		if err := decisions.Delete([]byte(d.GTRID)); err != nil {
			return err
		}
		c.sum.remove(bucketDecisions, d.GTRID, encodeDecision(d))
	}
	for _, gtrid := range c.order {
		if old, ok := l.durable(gtrid); ok {
			c.sum.remove(bucketDecisions, gtrid, encodeDecision(old))
		}
		value := c.put[gtrid].value
		if err := decisions.Put([]byte(gtrid), value); err != nil {
			return err
		}
		c.sum.add(bucketDecisions, gtrid, value)
	}
	for i, r := range c.audits {
		key := auditKey(l.audits() + i + 1)
		value := encodeAudit(key, *r.audit)
		if err := audit.Put([]byte(key), value); err != nil {
			return err
		}
		c.sum.add(bucketAudit, key, value)
	}
	return tx.Bucket([]byte(bucketSummary)).Put([]byte(summaryKey), c.sum.encode(tx.ID()))
}

func (l *Log) durable(gtrid string) (Decision, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	d, ok := l.decisions[gtrid]
	return d, ok
}

func (l *Log) audits() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.audit)
}

// publish shows the durable change to readers.
func (l *Log) publish(c *change) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.sum = c.sum
	for _, d := range c.remove {
		delete(l.decisions, d.GTRID)
		delete(l.forget, d.GTRID)
	}
	for _, gtrid := range c.order {
		l.decisions[gtrid] = c.put[gtrid].decision
	}
	for _, r := range c.audits {
		l.audit = append(l.audit, *r.audit)
	}
	l.stats.count(len(c.order), len(c.remove))
}
