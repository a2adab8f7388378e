package merge

import (
	"bytes"

	"lockstep/protocol"
	"lockstep/sharding"
)

// grouping merges the rows of one group into one. Rows that come sorted by the
// group's keys need one group at a time; otherwise all groups are held, under the
// limits, and come out in the order of their first rows.
type grouping struct {
	from     source
	columns  int
	keys     *keyCodec
	one      bool // no keys: exactly one group, even of no rows
	adjacent bool
	budget   *budget
	parts    []part
	averages []average
	others   []int // columns that take any row's value

	fields  []protocol.Field
	key     []byte
	scratch []byte
	out     []protocol.Field
	made    []byte

	// all groups
	memory   arena
	groups   []*group
	index    map[string]int
	gathered bool
	at       int

	// one group at a time
	current *group
	spare   *group
	ended   bool
}

// group is one group: the row that stands for it and the cells of its parts.
type group struct {
	stands  bool   // payload is a row's
	payload []byte // of the row that the other columns are taken from
	filled  bool   // that row has some value in them
	cells   []cell
	key     []byte
}

const (
	groupSize = 160 // bytes of a group, its place in the index and in the list
	cellSize  = 136
)

func newGrouping(m *sharding.Merge, cols []protocol.Column, from source, adjacent bool, b *budget) (*grouping, error) {
	keys, err := newKeyCodec(ascending(m.GroupKeys), cols)
	if err != nil {
		return nil, err
	}
	g := &grouping{from: from, columns: len(cols), keys: keys, one: len(m.GroupKeys) == 0, adjacent: adjacent, budget: b,
		memory: arena{budget: b}}
	if g.parts, err = partsOf(m, cols); err != nil {
		return nil, err
	}
	if g.averages, err = averagesOf(m, g.parts, cols); err != nil {
		return nil, err
	}
	merged := map[int]bool{}
	for _, p := range g.parts {
		merged[p.column] = true
		if p.weight >= 0 {
			merged[p.weight] = true
		}
	}
	for _, a := range g.averages {
		merged[a.column] = true
	}
	for i := range cols {
		if !merged[i] {
			g.others = append(g.others, i)
		}
	}
	return g, nil
}

func (g *grouping) next() (row, bool, error) {
	if g.adjacent {
		return g.nextAdjacent()
	}
	if !g.gathered {
		g.gathered = true
		if err := g.gather(); err != nil {
			return row{}, false, err
		}
	}
	if g.at >= len(g.groups) {
		return row{}, false, nil
	}
	g.at++
	return g.result(g.groups[g.at-1])
}

// read takes the next row and its key.
func (g *grouping) read() (r row, ok bool, err error) {
	if r, ok, err = g.from.next(); err != nil || !ok {
		return r, false, err
	}
	if r.fields == nil {
		if g.fields, err = decode(g.fields, r.payload, g.columns); err != nil {
			return r, false, err
		}
		r.fields = g.fields
	}
	g.key, err = g.keys.append(g.key[:0], r.fields)
	return r, err == nil, err
}

// gather reads all rows into groups.
func (g *grouping) gather() error {
	g.index = map[string]int{}
	for {
		r, ok, err := g.read()
		if err != nil {
			return err
		}
		if !ok {
			break
		}
		at, met := g.index[string(g.key)]
		if !met {
			if at, err = g.open(); err != nil {
				return err
			}
		}
		if err := g.add(g.groups[at], r, len(g.groups)); err != nil {
			return err
		}
	}
	if g.one && len(g.groups) == 0 {
		_, err := g.open()
		return err
	}
	return nil
}

// open makes the group of the current key.
func (g *grouping) open() (int, error) {
	at := len(g.groups)
	if err := g.budget.hold(at+1, groupSize+len(g.key)+len(g.parts)*cellSize); err != nil {
		return 0, err
	}
	g.groups = append(g.groups, &group{cells: make([]cell, len(g.parts))})
	g.index[string(g.key)] = at
	return at, nil
}

// add merges a row into a group, one of so many that are held.
func (g *grouping) add(to *group, r row, groups int) error {
	if !to.filled {
		// The first row stands for the group, but a row whose other columns are all
		// NULL may be that of a shard without any rows (grouping without keys).
		filled := len(g.others) == 0
		for _, c := range g.others {
			filled = filled || r.fields[c] != nil
		}
		if !to.stands || filled {
			payload := r.payload
			if payload == nil {
				g.made = protocol.AppendTextRow(g.made[:0], r.fields)
				payload = g.made
			}
			if err := g.stand(to, payload, groups); err != nil {
				return err
			}
			to.stands, to.filled = true, filled
		}
	}
	for i := range g.parts {
		scratch, held, err := g.parts[i].add(&to.cells[i], r.fields, g.scratch)
		g.scratch = scratch
		if err != nil {
			return err
		}
		if held > 0 && !g.adjacent {
			if err := g.budget.hold(max(groups, len(to.cells[i].seen)), held); err != nil {
				return err
			}
		}
	}
	return nil
}

// stand keeps the row that stands for a group.
func (g *grouping) stand(to *group, payload []byte, groups int) (err error) {
	if g.adjacent {
		to.payload = append(to.payload[:0], payload...)
		return nil
	}
	to.payload, err = g.memory.hold(groups, payload)
	return err
}

// result makes a group's row. It is valid until the next one.
func (g *grouping) result(of *group) (row, bool, error) {
	if !of.stands { // no shard sent a row
		g.out = append(g.out[:0], make([]protocol.Field, g.columns)...)
	} else {
		var err error
		if g.out, err = decode(g.out, of.payload, g.columns); err != nil {
			return row{}, false, err
		}
	}
	g.made = g.made[:0]
	for i := range g.parts {
		g.made = g.parts[i].result(&of.cells[i], g.out, g.made)
	}
	for i := range g.averages {
		g.made = g.averages[i].result(of.cells, g.out, g.made)
	}
	return row{fields: g.out}, true, nil
}

// nextAdjacent reads up to the first row of another group.
func (g *grouping) nextAdjacent() (row, bool, error) {
	if g.ended {
		return row{}, false, nil
	}
	if g.current == nil {
		g.current = &group{cells: make([]cell, len(g.parts))}
		g.spare = &group{cells: make([]cell, len(g.parts))}
		r, ok, err := g.read()
		if err != nil || !ok {
			g.ended = true
			return row{}, false, err
		}
		if err := g.start(g.current, r); err != nil {
			return row{}, false, err
		}
	}
	for {
		r, ok, err := g.read()
		if err != nil {
			return row{}, false, err
		}
		if !ok {
			g.ended = true
			return g.result(g.current)
		}
		if bytes.Equal(g.key, g.current.key) {
			if err := g.add(g.current, r, 1); err != nil {
				return row{}, false, err
			}
			continue
		}
		// The finished group's memory is in use until the next call: the new
		// group begins in the other's.
		if err := g.start(g.spare, r); err != nil {
			return row{}, false, err
		}
		g.current, g.spare = g.spare, g.current
		return g.result(g.spare)
	}
}

// start begins a group with its first row, reusing the memory of an earlier one.
func (g *grouping) start(c *group, r row) error {
	c.key = append(c.key[:0], g.key...)
	c.stands, c.filled = false, false
	for i := range c.cells {
		old := &c.cells[i]
		*old = cell{key: old.key[:0], value: old.value[:0], weight: old.weight[:0]}
	}
	return g.add(c, r, 1)
}
