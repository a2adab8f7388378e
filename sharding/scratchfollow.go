package sharding

import "slices"

// A table whose rows matter only where they meet those of another is loaded after that one: if its rows are few, their values
// are a condition.

// follows are the columns of other tables that a table's only use has to be equal to.
func (x *scratchCompiler) follows(t *Table) (list []scratchFollow) {
	for _, e := range x.edges {
		from, to := e[0], e[1]
		if to.source.table != t || !to.source.real() || !from.source.real() || from.source.table == t || !integral(from) || !integral(to) {
			continue
		}
		if n := x.needs[to.source]; n == nil || slices.Contains(n.constant, to.index) {
			continue // a condition says it already
		}
		f := scratchFollow{from: from.source.table, column: from.index, own: to.index}
		if !slices.Contains(list, f) {
			list = append(list, f)
		}
	}
	return list
}

// integral says whether a column holds integers: their text is the value.
func integral(c column) bool { return intBytes[c.info().DataType] != 0 }

// order puts first what is filtered, and every other table behind one that it follows.
func (x *scratchCompiler) order() {
	rest := x.p.loads
	var done []scratchTable
	for len(rest) > 0 {
		best, grade := 0, -1
		for i := range rest {
			g := 0
			if len(rest[i].where) > 0 {
				g += 2
			}
			if slices.ContainsFunc(rest[i].follows, func(f scratchFollow) bool {
				return slices.ContainsFunc(done, func(d scratchTable) bool { return d.table == f.from })
			}) {
				g++
			}
			if g > grade {
				best, grade = i, g
			}
		}
		done = append(done, rest[best])
		rest = slices.Delete(slices.Clone(rest), best, best+1)
	}
	x.p.loads = done
}
