package history

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"
)

// cycles builds the graph of committed transactions and reports one cycle of each component.
func (c *appendCheck) cycles() {
	var nodes []*Op
	number := map[*Op]int{}
	for _, op := range c.ops {
		if c.happened[op.N] {
			number[op] = len(nodes)
			nodes = append(nodes, op)
		}
	}
	// Behind the transactions one moment for each end: T → its moment → the next one → all that begin after it.
	g := newGraph(2 * len(nodes))
	for key, list := range c.order {
		c.versions(g, number, key, list)
	}
	for _, op := range nodes {
		for _, m := range op.Mops {
			if m.Action != Add && m.Done {
				c.dependencies(g, number, op, m)
			}
		}
	}
	realTime(g, nodes)
	c.r.Checked["edges"] = 0
	for _, out := range g.out {
		c.r.Checked["edges"] += len(out)
	}
	told := map[int]bool{}
	for _, mask := range []kind{ww, ww | wr, ww | wr | rw, ww | rt, ww | wr | rt, ww | wr | rw | rt} {
		for _, component := range g.components(mask) {
			if slices.ContainsFunc(component, func(n int) bool { return told[n] }) {
				continue // a plainer cycle of it was reported
			}
			for _, n := range component {
				told[n] = true
			}
			rule, cycle := g.classify(component, mask)
			c.r.broken(rule, "%s", describe(cycle, nodes))
		}
	}
}

// writerOf a value among the nodes.
func (c *appendCheck) writerOf(number map[*Op]int, key int, value int64) (int, bool) {
	w, known := c.writer[element{key, value}]
	if !known {
		return 0, false
	}
	n, committed := number[w.op]
	return n, committed
}

// versions adds who appended after whom.
func (c *appendCheck) versions(g *graph, number map[*Op]int, key int, list []int64) {
	for i := 1; i < len(list); i++ {
		a, ok := c.writerOf(number, key, list[i-1])
		b, too := c.writerOf(number, key, list[i])
		if ok && too {
			g.add(edge{a, b, ww, key})
		}
	}
}

// dependencies of a read: on who wrote the last value that it saw, and from it to who wrote the
// next one.
func (c *appendCheck) dependencies(g *graph, number map[*Op]int, op *Op, m Mop) {
	reader := number[op]
	order := c.order[m.Key]
	seen := m.List
	// What has vanished has no writer, and its own appends depend on nobody.
	for len(seen) > 0 {
		last := seen[len(seen)-1]
		if n, ok := c.writerOf(number, m.Key, last); ok && n != reader && slices.Contains(order, last) {
			g.add(edge{n, reader, wr, m.Key})
			break
		}
		seen = seen[:len(seen)-1]
	}
	if m.Action == Plain {
		return
	}
	for i := len(seen); i < len(order); i++ {
		if n, ok := c.writerOf(number, m.Key, order[i]); ok && n != reader {
			g.add(edge{reader, n, rw, m.Key})
			return
		}
	}
}

// realTime adds who was acknowledged before whom. An operation of unknown outcome
// has begun at some time and has no known end; a plain reader is left out.
func realTime(g *graph, nodes []*Op) {
	type end struct {
		at   time.Duration
		node int
	}
	var ends []end
	for n, op := range nodes {
		if op.Outcome == OK && !isPlain(op) {
			ends = append(ends, end{op.End, n})
		}
	}
	slices.SortFunc(ends, func(a, b end) int { return cmp.Compare(a.at, b.at) })
	for i, e := range ends {
		moment := len(nodes) + i
		g.add(edge{e.node, moment, rt, 0})
		if i > 0 {
			g.add(edge{moment - 1, moment, rt, 0})
		}
	}
	for n, op := range nodes {
		if isPlain(op) {
			continue
		}
		i, _ := slices.BinarySearchFunc(ends, op.Start, func(e end, t time.Duration) int { return cmp.Compare(e.at, t) })
		if i > 0 {
			g.add(edge{len(nodes) + i - 1, n, rt, 0})
		}
	}
}

func isPlain(op *Op) bool {
	return slices.ContainsFunc(op.Mops, func(m Mop) bool { return m.Action == Plain })
}

// classify names a component by the plainest cycle in it, and answers that cycle.
func (g *graph) classify(component []int, mask kind) (rule string, cycle []edge) {
	inside := map[int]bool{}
	for _, n := range component {
		inside[n] = true
	}
	suffix := ""
	if mask&rt != 0 {
		suffix = "-realtime"
	}
	if mask&rw == 0 {
		rule = "G0"
		if mask&wr != 0 {
			rule = "G1c"
		}
		return rule + suffix, g.shortest(component, mask, inside)
	}
	for _, from := range component {
		for _, e := range g.out[from] {
			if e.kind != rw || !inside[e.to] {
				continue
			}
			if back := g.path(e.to, e.from, mask&^rw, inside); back != nil {
				return "G-single" + suffix, append([]edge{e}, back...)
			}
		}
	}
	return "G2" + suffix, g.shortest(component, mask, inside)
}

// shortest cycle through some of a component's nodes: all of a small one.
func (g *graph) shortest(component []int, mask kind, inside map[int]bool) (best []edge) {
	for i, n := range component {
		if i == 200 && best != nil {
			break
		}
		if cycle := g.path(n, n, mask, inside); cycle != nil && (best == nil || len(cycle) < len(best)) {
			best = cycle
		}
	}
	return best
}

// describe a cycle, moments left out.
func describe(cycle []edge, nodes []*Op) string {
	if i := slices.IndexFunc(cycle, func(e edge) bool { return e.from < len(nodes) }); i > 0 {
		cycle = append(slices.Clone(cycle[i:]), cycle[:i]...)
	}
	var b strings.Builder
	for _, e := range cycle {
		switch {
		case e.from >= len(nodes): // the edge into the chain has said it
		case e.kind == rt:
			fmt.Fprintf(&b, "%s ended before ", name(nodes[e.from]))
		default:
			fmt.Fprintf(&b, "%s -%s(list %d)→ ", name(nodes[e.from]), e.kind, e.key)
		}
	}
	if len(cycle) > 0 {
		b.WriteString("the first again; steps: ")
		for _, e := range cycle {
			if e.from < len(nodes) {
				fmt.Fprintf(&b, "[%d: %v] ", nodes[e.from].N, nodes[e.from].Mops)
			}
		}
	}
	return strings.TrimSpace(b.String())
}
