package txlog

import "math/bits"

// Stats are counters since Open, for metrics.
type Stats struct {
	Appends   uint64     // decisions made durable
	Syncs     uint64     // bbolt transactions; each is two fdatasync calls, more when the file grows
	Forgets   uint64     // records removed
	Rejected  uint64     // refused because the queue was full
	Batches   uint64     // bbolt transactions with at least one decision
	Largest   uint64     // most decisions in one of them
	BatchSize [16]uint64 // Batches by size: [0] holds 1, [1] 2-3, [2] 4-7, … the last all above

	Queue      int // waiting now
	Forgetting int // removals waiting now
	Decisions  int // unfinished transactions in the log now
	Failed     bool
}

func (s *Stats) count(appended, removed int) {
	s.Syncs++
	s.Appends += uint64(appended)
	s.Forgets += uint64(removed)
	if appended > 0 {
		s.Batches++
		s.Largest = max(s.Largest, uint64(appended))
		s.BatchSize[min(bits.Len(uint(appended))-1, len(s.BatchSize)-1)]++
	}
}

// Stats returns a snapshot.
func (l *Log) Stats() Stats {
	l.mu.Lock()
	defer l.mu.Unlock()
	s := l.stats
	s.Queue = len(l.queue)
	s.Forgetting = len(l.forget)
	s.Decisions = len(l.decisions)
	s.Failed = l.failed != nil
	return s
}
