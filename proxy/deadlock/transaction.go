package deadlock

import (
	"sync"
	"sync/atomic"
	"time"
)

// Runner is the session that a transaction belongs to. Both methods may be called by any goroutine.
type Runner interface {
	// Running is the number of the statement that is under way on shards; false: none is.
	Running() (statement uint64, ok bool)
	// EndStatement has the shards end the statement of that number and returns once they have been
	// told; false: it is over already, and nothing was done. The session calls Victim when it has rolled back.
	EndStatement(statement uint64) bool
}

// Transaction is one that is open on several shards. A nil *Transaction takes all calls and does nothing.
type Transaction struct {
	d      *Detector
	gtrid  string
	began  int64 // microseconds since 1970
	runner Runner
	slot   int // in Detector.open, under its lock

	mu          sync.Mutex
	connections []place
	version     int // of connections

	ending atomic.Pointer[ending] // what was begun against it last

	// Of the detector's goroutine alone.
	statement uint64
	known     int // version of connections as of since
	since     time.Time
}

// place is a branch's connection.
type place struct {
	shard      string
	connection Connection
}

// ending is a victim's end under way.
type ending struct {
	statement uint64
	at        time.Time
	cycle     string
	formed    time.Time // when the last member of the cycle began to wait
	counted   atomic.Bool
}

// Watch has the detector look at a transaction from its second branch on. Done ends it.
func (d *Detector) Watch(gtrid string, began time.Time, r Runner) *Transaction {
	if d == nil {
		return nil
	}
	t := &Transaction{d: d, gtrid: gtrid, began: began.UnixMicro(), runner: r}
	d.mu.Lock()
	first := len(d.open) == 0
	t.slot = len(d.open)
	d.open = append(d.open, t)
	d.mu.Unlock()
	if first {
		select {
		case d.wake <- struct{}{}:
		default:
		}
	}
	return t
}

// Add says that the transaction has a branch on this connection, which is its own until Remove or Done.
func (t *Transaction) Add(shard string, connection uint32) {
	if t == nil {
		return
	}
	server, ok := t.d.byShard[shard]
	if !ok {
		return
	}
	t.mu.Lock()
	t.connections = append(t.connections, place{shard, Connection{server, connection}})
	t.version++
	t.mu.Unlock()
}

// Remove says that the branch on the shard is gone. Call it before the connection is anybody else's.
func (t *Transaction) Remove(shard string) {
	if t == nil {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	for i, p := range t.connections {
		if p.shard == shard {
			t.connections = append(t.connections[:i:i], t.connections[i+1:]...)
			t.version++
			return
		}
	}
}

// Done says that the transaction is ending. Call it before its connections are anybody else's.
func (t *Transaction) Done() {
	if t == nil {
		return
	}
	t.mu.Lock()
	t.connections = nil
	t.version++
	t.mu.Unlock()
	d := t.d
	d.mu.Lock()
	last := len(d.open) - 1
	d.open[t.slot] = d.open[last]
	d.open[t.slot].slot = t.slot
	d.open[last] = nil
	d.open = d.open[:last]
	d.mu.Unlock()
	t.spared(0)
}

// Victim says that the statement that EndStatement was called for has failed for it, and that the
// transaction is being rolled back.
func (t *Transaction) Victim() {
	if t == nil {
		return
	}
	if e := t.ending.Load(); e != nil && e.counted.CompareAndSwap(false, true) {
		t.d.broken(t, e)
	}
}

// spared counts an end that came too late, once another statement than the one meant is under way.
func (t *Transaction) spared(statement uint64) {
	if e := t.ending.Load(); e != nil && e.statement != statement && e.counted.CompareAndSwap(false, true) {
		t.d.stats.late.Add(1)
		t.d.o.Logger.Info("deadlock victim had its lock before it could be ended", "gtrid", t.gtrid, "cycle", e.cycle)
	}
}
