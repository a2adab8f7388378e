package txlog

import (
	"context"
	"sync/atomic"
	"time"
)

// Expected decisions. Syncs are the log's whole cost, and a batch that waits a little for
// decisions that are known to be on their way saves some. Who is about to append says so: with
// nobody expected, as with a single client, a batch never waits.

// expectation counts the decisions on their way.
type expectation struct {
	n       atomic.Int64
	changed chan struct{} // holds one: the count went down
}

// Expect announces a decision that will come soon. Each is followed by one AppendExpected or one Unexpect.
func (l *Log) Expect() { l.expected.n.Add(1) }

// AppendExpected is Append of a decision that was announced.
func (l *Log) AppendExpected(ctx context.Context, d Decision) error {
	return l.append(ctx, d, l.Unexpect)
}

// Unexpect takes an announcement back.
func (l *Log) Unexpect() {
	l.expected.n.Add(-1)
	select {
	case l.expected.changed <- struct{}{}:
	default:
	}
}

// await adds to a batch what arrives in the time that waiting is worth: as long as
// others are expected, they come one soon after the other, and GatherDelay is not over.
func (l *Log) await(batch []*request) []*request {
	if l.expected.n.Load() <= 0 || l.options.GatherDelay < 0 {
		return batch
	}
	over := time.NewTimer(l.options.GatherDelay)
	defer over.Stop()
	gap := time.NewTimer(l.options.GatherDelay / 3)
	defer gap.Stop()
	for len(batch) < l.options.MaxBatch && (l.expected.n.Load() > 0 || len(l.queue) > 0) {
		select {
		case r := <-l.queue:
			if r.state.CompareAndSwap(waiting, taken) {
				batch = append(batch, r)
			}
			gap.Reset(l.options.GatherDelay / 3)
		case <-l.expected.changed:
		case <-gap.C:
			return batch
		case <-over.C:
			return batch
		case <-l.stop:
			return batch
		}
	}
	return batch
}
