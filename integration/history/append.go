package history

import (
	"fmt"
	"slices"
)

// CheckAppend holds list-append transactions to what package doc says. Without
// a final state the longest list that was read stands for it, which leaves lost
// appends unseen.
func CheckAppend(h *History) *Report {
	c := appendCheck{h: h, r: newReport(), writer: map[element]place{}, order: map[int][]int64{}, happened: map[int64]bool{}}
	for _, op := range h.Ops {
		if op.Kind == Append {
			c.ops = append(c.ops, op)
			c.claim(op)
		}
	}
	c.orders()
	for _, op := range c.ops {
		c.whole(op)
		c.itself(op)
		for i := range op.Mops {
			c.read(op, i)
		}
	}
	c.r.Checked["list-append transactions"] = len(c.ops)
	c.cycles()
	return c.r
}

type appendCheck struct {
	h        *History
	r        *Report
	ops      []*Op
	writer   map[element]place
	order    map[int][]int64 // by key: the values in the order of their appends
	happened map[int64]bool  // operations that are committed, as far as anybody knows
}

// element is a value of a list.
type element struct {
	key   int
	value int64
}

// place is a step of an operation.
type place struct {
	op *Op
	at int
}

func (c *appendCheck) claim(op *Op) {
	for i, m := range op.Mops {
		if m.Action != Add {
			continue
		}
		e := element{m.Key, m.Value}
		if other, twice := c.writer[e]; twice {
			c.r.broken("bad history", "operations %d and %d both append %d to list %d", other.op.N, op.N, e.value, e.key)
		}
		c.writer[e] = place{op, i}
	}
}

// orders takes the order of each list from the final state.
func (c *appendCheck) orders() {
	if len(c.h.Final) == 0 {
		for _, op := range c.ops {
			for _, m := range op.Mops {
				if op.Outcome == OK && m.Action != Add && m.Done && len(m.List) > len(c.order[m.Key]) {
					c.order[m.Key] = m.List
				}
			}
		}
	}
	for _, s := range c.h.Final {
		for key, list := range s.Lists {
			if home, known := c.h.Meta.Lists[key]; !known || home != s.Shard {
				c.r.broken("wrong shard", "list %d is on shard %d and should be on %d", key, s.Shard, home)
			}
			c.order[key] = list
		}
	}
	for key, list := range c.order {
		seen := map[int64]bool{}
		for _, v := range list {
			if seen[v] {
				c.r.broken("duplicate", "list %d has %d twice: %v", key, v, list)
			}
			seen[v] = true
			if w, known := c.writer[element{key, v}]; known {
				c.happened[w.op.N] = true
			} else {
				c.r.broken("value from nobody", "list %d has %d, which nobody appended", key, v)
			}
		}
	}
	for _, op := range c.ops {
		if op.Outcome == OK {
			c.happened[op.N] = true
		}
	}
}

func (c *appendCheck) has(key int, value int64) bool { return slices.Contains(c.order[key], value) }

// whole holds an operation to all its appends or none.
func (c *appendCheck) whole(op *Op) {
	if len(c.h.Final) == 0 {
		return
	}
	there, missing := 0, []Mop(nil)
	for _, m := range op.Mops {
		switch {
		case m.Action != Add:
		case c.has(m.Key, m.Value):
			there++
		default:
			missing = append(missing, m)
		}
	}
	switch {
	case op.Outcome == OK && len(missing) > 0:
		c.r.broken("lost append", "%s: acknowledged, and missing are %v", name(op), missing)
	case op.Outcome == Failed && there > 0:
		c.r.broken("failed append is there", "%s: %s", name(op), op.Error)
	case there > 0 && len(missing) > 0:
		c.r.broken("half a transaction", "%s: %d appends are there, missing are %v", name(op), there, missing)
	case there > 0 && op.Answer == Aborted, len(missing) > 0 && op.Answer == Committed:
		c.r.broken("wrong outcome look-up", "%s: the answer was %s, %d appends are there, missing are %v", name(op), op.Answer, there, missing)
	}
}

// itself holds the reads of one transaction to each other and to its own appends.
func (c *appendCheck) itself(op *Op) {
	expect := map[int][]int64{}
	own := map[int][]int64{} // appended before anything was read
	for _, m := range op.Mops {
		if !m.Done || m.Action == Plain {
			continue
		}
		known, read := expect[m.Key]
		if m.Action == Add {
			if read {
				expect[m.Key] = append(slices.Clone(known), m.Value)
			} else {
				own[m.Key] = append(own[m.Key], m.Value)
			}
			continue
		}
		mine := own[m.Key]
		if read && !slices.Equal(known, m.List) || !read && (len(m.List) < len(mine) || !slices.Equal(mine, m.List[len(m.List)-len(mine):])) {
			c.r.broken("internal", "%s read list %d as %v, after it had %v and appended %v", name(op), m.Key, m.List, known, mine)
		}
		expect[m.Key] = m.List
	}
}

// read holds one read to the order of its list.
func (c *appendCheck) read(op *Op, at int) {
	m := op.Mops[at]
	if m.Action == Add || !m.Done {
		return
	}
	c.r.Checked["list reads"]++
	list := m.List
	for i, v := range list {
		w, known := c.writer[element{m.Key, v}]
		switch {
		case !known:
			c.r.broken("value from nobody", "%s read %d in list %d, which nobody appended", name(op), v, m.Key)
			return
		case w.op == op:
		case w.op.Outcome == Failed || w.op.Answer == Aborted:
			c.r.broken("G1a", "%s read %d in list %d of %s, which is rolled back", name(op), v, m.Key, name(w.op))
			return
		case !c.has(m.Key, v) && w.op.Outcome == Unknown && len(c.h.Final) > 0:
			if !c.vanished(op, m.Key, list[i:]) {
				c.r.broken("lost append", "%s read %v in list %d, of which %d of %s is gone and others are there", name(op), list, m.Key, v, name(w.op))
				return
			}
			c.r.Checked["vanished reads"]++
			list = list[:i]
		}
		if len(list) == i {
			break
		}
	}
	list = c.foreign(op, m.Key, list)
	if n := len(list); n > len(c.order[m.Key]) || !slices.Equal(list, c.order[m.Key][:n]) {
		c.r.broken("incompatible order", "%s read list %d as %v, which does not begin %v", name(op), m.Key, m.List, c.order[m.Key])
		return
	}
	c.intermediate(op, m.Key, list)
}

// vanished says whether all of a read's rest was taken back, and nothing of it promised to anybody.
func (c *appendCheck) vanished(op *Op, key int, rest []int64) bool {
	return !slices.ContainsFunc(rest, func(v int64) bool {
		w, known := c.writer[element{key, v}]
		return !known || c.has(key, v) || w.op != op && w.op.Outcome != Unknown
	})
}

// foreign cuts the reader's own appends off, where it is not committed: they are in no order then.
func (c *appendCheck) foreign(op *Op, key int, list []int64) []int64 {
	if c.happened[op.N] {
		return list
	}
	i := slices.IndexFunc(list, func(v int64) bool { return c.writer[element{key, v}].op == op })
	if i < 0 {
		return list
	}
	return list[:i]
}

// intermediate looks for a read between two appends of one other transaction.
func (c *appendCheck) intermediate(op *Op, key int, list []int64) {
	if len(list) == 0 {
		return
	}
	w := c.writer[element{key, list[len(list)-1]}]
	if w.op == op {
		return
	}
	for _, m := range w.op.Mops[w.at+1:] {
		if m.Action == Add && m.Key == key && m.Done {
			c.r.broken("G1b", "%s read list %d as %v, without %d that %s appended later", name(op), key, list, m.Value, name(w.op))
			return
		}
	}
}

func name(op *Op) string {
	s := fmt.Sprintf("operation %d (client %d, %s", op.N, op.Client, op.Outcome)
	if op.GTRID != "" {
		s += ", " + op.GTRID
	}
	return s + ")"
}
