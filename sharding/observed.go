package sharding

import (
	"sync/atomic"
	"time"
)

// Observed is what the proxy has learned of a statement's runs: whether it is cheap enough to share a server connection with
// others. It is taken to be cheap until it shows otherwise, and tried again from time to time. Planning does not look at it. Safe for concurrent use;
// a lost update does no harm.
type Observed struct {
	mean    atomic.Int64 // of the time in ns from the answer before on the same connection
	dear    atomic.Bool  // it must not share, until
	until   atomic.Int64 // this moment (Unix time in ns), when one run may try
	trying  atomic.Bool  // the one run is under way
	strikes atomic.Int32 // how often it was found to be dear, of late
	last    atomic.Int64 // when that was
}

const (
	cheapTime  = time.Millisecond
	cheapSize  = 4 << 10       // bytes of an answer
	longestRun = 4 * cheapTime // no single run counts for more
	firstPause = time.Second
	maxStrikes = 8           // a pause of some minutes
	forgotten  = time.Minute // after a pause and so long without a strike, it starts afresh
)

// Cheap says whether the statement may share a connection now.
func (o *Observed) Cheap() bool {
	if !o.dear.Load() {
		return true
	}
	now, until := time.Now().UnixNano(), o.until.Load()
	if now < until || !o.until.CompareAndSwap(until, now+int64(firstPause)) {
		return false
	}
	o.trying.Store(true)
	return true
}

// RanShared notes a run on a connection that others used too: the time since the answer before it, and the answer's bytes. What
// counts is the mean, because a busy machine makes single runs of anything slow.
func (o *Observed) RanShared(took time.Duration, size int) {
	m := o.mean.Load()
	if o.dear.Load() {
		if !o.trying.Swap(false) {
			return // it was sent before the statement was found to be dear, and says nothing new
		}
		m = 0 // what it was says nothing any more
	}
	m += (int64(min(took, longestRun)) - m) / 16
	o.mean.Store(m)
	if m >= int64(cheapTime) || size > cheapSize {
		o.HeldUp()
	} else if o.dear.Load() {
		o.dear.Store(false)
	}
}

// HeldUp notes a run for which others had to wait too long, or that cannot be shared.
func (o *Observed) HeldUp() {
	now, n := time.Now().UnixNano(), min(o.strikes.Load(), maxStrikes)
	if now-max(o.last.Load(), o.until.Load()) > int64(forgotten) {
		n = 0
	}
	o.strikes.Store(n + 1)
	o.last.Store(now)
	o.until.Store(now + int64(firstPause)<<n)
	o.mean.Store(0)
	o.dear.Store(true)
}
