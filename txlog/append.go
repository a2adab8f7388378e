package txlog

import (
	"context"
	"fmt"
	"slices"
	"sync/atomic"
)

// request waits in the queue for the writer: a decision or an audit entry.
type request struct {
	decision Decision
	value    []byte // encoded decision
	audit    *AuditEntry
	state    atomic.Int32 // waiting, taken or withdrawn
	done     chan error   // holds one
}

const (
	waiting int32 = iota
	taken
	withdrawn
)

// Append makes a decision durable: it returns nil only after the sync.
//
// errors.Is(err, ErrNotDurable): the decision is certainly not in the log and
// never will be (roll back). errors.Is(err, ErrUnknown): it may be (leave in
// doubt). After a write or sync error of the file the log has failed for good and every
// later Append answers ErrNotDurable at once. ErrQueueFull: not taken (roll
// back), the log goes on; so too with *LimitError, and when ctx ends
// before the writer takes the decision, both of which match ErrNotDurable.
// *ConflictError: an operator forced the other verdict.
//
// To append the same verdict again is no error. A Rollback takes the place of a Commit: only
// an operator's forced verdict does that.
func (l *Log) Append(ctx context.Context, d Decision) error {
	return l.append(ctx, d, func() {})
}

// append calls queued once the decision is in the queue, or will not be.
func (l *Log) append(ctx context.Context, d Decision, queued func()) error {
	value, err := l.validate(d)
	if err != nil {
		queued()
		return err
	}
	d.Participants = slices.Clone(d.Participants)
	d.Time = d.Time.UTC()
	r := &request{decision: d, value: value, done: make(chan error, 1)}
	err = l.enqueue(r)
	queued()
	if err != nil {
		return err
	}
	select {
	case err := <-r.done:
		return err
	case <-ctx.Done():
		if r.state.CompareAndSwap(waiting, withdrawn) {
			return fmt.Errorf("append decision: %w: %w", ErrNotDurable, context.Cause(ctx))
		}
		return <-r.done // it is being written: the answer comes with the sync
	}
}

// Audit records a forced verdict; it returns nil only after the sync.
func (l *Log) Audit(entry AuditEntry) error {
	if l.store == nil {
		return fmt.Errorf("append audit entry: %w", ErrReadOnly)
	}
	if n := len(entry.GTRID) + len(entry.Who) + len(entry.Reason) + 32; n > l.recordLimit() {
		return fmt.Errorf("append audit entry: %w", &LimitError{"MaxRecord", "bytes of an audit entry", l.recordLimit()})
	}
	entry.Time = entry.Time.UTC()
	r := &request{audit: &entry, done: make(chan error, 1)}
	if err := l.enqueue(r); err != nil {
		return err
	}
	return <-r.done
}

// Forget removes the record of a finished transaction, some time later, in a batch.
// A crash before that brings the record back; that is harmless, whoever finds the
// transaction finished forgets it again.
func (l *Log) Forget(gtrid string) {
	if l.store == nil {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if _, ok := l.decisions[gtrid]; ok && l.failed == nil { // so this is never more than there are records
		l.forget[gtrid] = struct{}{}
	}
}

func (l *Log) validate(d Decision) ([]byte, error) {
	if l.store == nil {
		return nil, fmt.Errorf("append decision: %w: %w", ErrNotDurable, ErrReadOnly)
	}
	if d.GTRID == "" || d.Verdict != Commit && d.Verdict != Rollback {
		return nil, fmt.Errorf("append decision: %w: it names no transaction or no verdict", ErrNotDurable)
	}
	size := len(d.GTRID) + len(d.Mode) + len(d.Token) + 32
	for _, p := range d.Participants {
		size += 2 + len(p)
	}
	for _, c := range []struct {
		have  int
		limit LimitError
	}{
		{len(d.GTRID), LimitError{"gtrid", "bytes of a transaction id", gtridLimit}},
		{len(d.Token), LimitError{"TokenLimit", "bytes of a client token", TokenLimit}},
		{len(d.Participants), LimitError{"MaxParticipants", "participants of a transaction", l.options.MaxParticipants}},
		{size, LimitError{"MaxRecord", "bytes of a decision", l.recordLimit()}},
	} {
		if c.have > c.limit.Limit {
			return nil, fmt.Errorf("append decision: %w", &c.limit)
		}
	}
	return encodeDecision(d), nil
}

// recordLimit also keeps every string within its 16-bit length.
func (l *Log) recordLimit() int { return min(l.options.MaxRecord, 60_000) }

// enqueue never waits.
func (l *Log) enqueue(r *request) error {
	l.entry.RLock()
	defer l.entry.RUnlock()
	if l.closed {
		return fmt.Errorf("append to decision log: %w: %w", ErrNotDurable, ErrClosed)
	}
	if err := l.Failed(); err != nil {
		return fmt.Errorf("append to decision log: %w: it has stopped: %w", ErrNotDurable, err)
	}
	select {
	case l.queue <- r:
		return nil
	default:
		l.mu.Lock()
		l.stats.Rejected++
		l.mu.Unlock()
		return fmt.Errorf("append to decision log: %w: %d wait already", ErrQueueFull, cap(l.queue))
	}
}
