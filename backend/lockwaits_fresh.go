package backend

import (
	"context"
	"math/rand/v2"
	"time"
)

// freshWaits reads the lock waits as they are at a moment during the call. All who ask at once share one reading:
// MariaDB renews what it shows only when nobody has read it for 100 ms, so that several who each
// looked again and again would keep each other from ever seeing anything new.
func (s *Shard) freshWaits(ctx context.Context) (LockWaits, error) {
	return s.waits.do(ctx, func() (w LockWaits, err error) {
		ctx, cancel := context.WithTimeout(s.ctx, holdWait)
		defer cancel()
		c, err := s.dial(ctx, false) // the run outlives the caller that began it, and its connection
		if err != nil {
			return w, err
		}
		defer func() { _ = c.wire.Close() }() // nothing is open on it
		for {
			if c.flavor == MySQL {
				w, err = c.dataLockWaits(ctx, markerWaitsLimit)
			} else {
				w, err = c.innodbLockWaits(ctx, markerWaitsLimit)
			}
			if err != nil || w.Fresh {
				return w, err
			}
			if err := sleep(ctx, trxCacheIdle+10*time.Millisecond+rand.N(50*time.Millisecond)); err != nil {
				return w, err
			}
		}
	})
}
