package differential

import (
	"slices"
	"strings"
	"time"
)

// shrinkTime bounds the search for a smaller case.
const shrinkTime = 20 * time.Second

// shrink makes a failing case small: the last of the steps fails, the ones before made the state. fails runs a case
// from nothing.
func shrink(steps []*step, fails func([]*step) bool) []*step {
	deadline := time.Now().Add(shrinkTime)
	try := func(s []*step) bool { return time.Now().Before(deadline) && fails(s) }
	if !try(steps) {
		return nil
	}
	last := steps[len(steps)-1]
	before := steps[:len(steps)-1]
	for size := max(len(before)/2, 1); ; size /= 2 {
		for from := 0; from < len(before); {
			less := append(slices.Clone(before[:from]), before[min(from+size, len(before)):]...)
			if try(append(slices.Clone(less), last)) {
				before = less
				continue
			}
			from += size
		}
		if size <= 1 {
			break
		}
	}
	steps = append(slices.Clone(before), last)
	for range 3 {
		changed := false
		for i := len(steps) - 1; i >= 0; i-- {
			if steps[i].binary {
				steps[i].binary = false
				if !try(steps) {
					steps[i].binary = true
				}
			}
			if steps[i].tree.reduce(func() bool { return try(steps) }) {
				changed = true
			}
		}
		if !changed {
			break
		}
	}
	return steps
}

func script(steps []*step) string {
	var b strings.Builder
	for _, s := range steps {
		b.WriteString("  " + s.String() + "\n")
	}
	return b.String()
}
