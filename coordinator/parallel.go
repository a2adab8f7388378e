package coordinator

import "sync"

// inParallel does something with each item, with at most so many at once, and returns when all are done.
func inParallel[T any](most int, items []T, do func(T)) {
	next := make(chan T)
	var wg sync.WaitGroup
	for range min(len(items), most) {
		wg.Go(func() {
			for item := range next {
				do(item)
			}
		})
	}
	for _, item := range items {
		next <- item
	}
	close(next)
	wg.Wait()
}
