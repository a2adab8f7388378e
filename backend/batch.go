package backend

import (
	"context"
	"sync"
)

// batch lets many callers share runs of something expensive. Each gets the result of a
// run that began after it asked, never of one that was under way.
type batch[T any] struct {
	mu      sync.Mutex
	running bool
	next    *batchRun[T]
}

type batchRun[T any] struct {
	done   chan struct{}
	result T
	err    error
}

// do waits for a run, or for ctx. run must end soon after the shard is closed.
func (b *batch[T]) do(ctx context.Context, run func() (T, error)) (T, error) {
	b.mu.Lock()
	if b.next == nil {
		b.next = &batchRun[T]{done: make(chan struct{})}
	}
	r := b.next
	if !b.running {
		b.running = true
		go b.loop(run)
	}
	b.mu.Unlock()
	select {
	case <-r.done:
		return r.result, r.err
	case <-ctx.Done():
		var zero T
		return zero, context.Cause(ctx)
	}
}

func (b *batch[T]) loop(run func() (T, error)) {
	for {
		b.mu.Lock()
		r := b.next
		b.next = nil
		b.running = r != nil
		b.mu.Unlock()
		if r == nil {
			return
		}
		r.result, r.err = run()
		close(r.done)
	}
}
