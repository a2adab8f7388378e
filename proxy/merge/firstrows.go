package merge

import (
	"bytes"
	"cmp"
	"container/heap"
	"slices"
)

// firstRows gives the first rows in order, as many as a LIMIT lets through, and never holds more.
type firstRows struct {
	from    source
	columns int
	keys    *keyCodec
	budget  *budget
	keep    int

	rows      lastFirst
	at        int
	collected bool
}

// numberedRow is a held row with its place among all rows, which decides between equal keys.
type numberedRow struct {
	heldRow
	number int
}

func (r *numberedRow) compare(o *numberedRow) int {
	if c := bytes.Compare(r.key, o.key); c != 0 {
		return c
	}
	return cmp.Compare(r.number, o.number)
}

// lastFirst is a heap whose root is the row that comes last.
type lastFirst []numberedRow

func (h lastFirst) Len() int           { return len(h) }
func (h lastFirst) Less(i, j int) bool { return h[i].compare(&h[j]) > 0 }
func (h lastFirst) Swap(i, j int)      { h[i], h[j] = h[j], h[i] }

// Push is not used: rows are put in place.
func (h *lastFirst) Push(x any) { *h = append(*h, x.(numberedRow)) } //nolint:forcetypeassert // heap.Interface

// Pop is not used either.
func (h *lastFirst) Pop() any {
	last := (*h)[len(*h)-1]
	*h = (*h)[:len(*h)-1]
	return last
}

func (s *firstRows) next() (row, bool, error) {
	if !s.collected {
		s.collected = true
		if err := s.collect(); err != nil {
			return row{}, false, err
		}
	}
	if s.at >= len(s.rows) {
		return row{}, false, nil
	}
	s.at++
	return row{payload: s.rows[s.at-1].payload}, true, nil
}

func (s *firstRows) collect() error {
	reader := keyedReader{from: s.from, columns: s.columns, keys: s.keys}
	for n := 0; ; n++ {
		r, ok, err := reader.next()
		if err != nil {
			return err
		}
		if !ok {
			break
		}
		if s.keep == 0 {
			continue // groups are read all the same: the shards have computed them
		}
		if err := s.take(r, n); err != nil {
			return err
		}
	}
	slices.SortFunc(s.rows, func(a, b numberedRow) int { return a.compare(&b) })
	return nil
}

// take keeps a row, in the place of the last one that is held where there is no other.
func (s *firstRows) take(r heldRow, number int) error {
	if len(s.rows) < s.keep {
		if err := s.budget.hold(len(s.rows)+1, heldRowSize+len(r.key)+len(r.payload)); err != nil {
			return err
		}
		s.rows = append(s.rows, numberedRow{heldRow{bytes.Clone(r.key), bytes.Clone(r.payload)}, number})
		if len(s.rows) == s.keep {
			heap.Init(&s.rows)
		}
		return nil
	}
	last := &s.rows[0]
	if bytes.Compare(r.key, last.key) >= 0 {
		return nil
	}
	before := cap(last.key) + cap(last.payload)
	last.key, last.payload, last.number = append(last.key[:0], r.key...), append(last.payload[:0], r.payload...), number
	grown := cap(last.key) + cap(last.payload) - before
	heap.Fix(&s.rows, 0)
	return s.budget.hold(len(s.rows), grown)
}
