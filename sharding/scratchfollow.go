package sharding

import "slices"

// A table whose rows matter only where they meet those of another is loaded after that one: if its rows are few, their values
// are a condition.

// follows are the columns of other tables that a use of a table has to be equal to.
func (x *scratchCompiler) follows(s *source) (list []scratchFollow) {
	for _, e := range x.edges {
		from, to := e[0], e[1]
		if to.source != s || !from.source.real() || from.source.table == s.table || !integral(from) || !integral(to) {
			continue
		}
		if n := x.needs[s]; n == nil || slices.Contains(n.constant, to.index) {
			continue // a condition says it already
		}
		f := scratchFollow{from: from.source.table, column: from.index, own: to.index}
		if !slices.Contains(list, f) {
			list = append(list, f)
		}
	}
	return list
}

// equal says whether two uses need the same rows.
func (n neededRows) equal(o neededRows) bool {
	return slices.Equal(n.where, o.where) && slices.Equal(n.follows, o.follows)
}

// filtered says whether conditions leave rows out, for every use.
func (l *scratchTable) filtered() bool {
	return !slices.ContainsFunc(l.rows, func(n neededRows) bool { return len(n.where) == 0 })
}

// follow says whether every use follows one of some tables.
func (l *scratchTable) follow(done []scratchTable) bool {
	return !slices.ContainsFunc(l.rows, func(n neededRows) bool {
		return !slices.ContainsFunc(n.follows, func(f scratchFollow) bool {
			return slices.ContainsFunc(done, func(d scratchTable) bool { return d.table == f.from })
		})
	})
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
			if rest[i].filtered() {
				g += 2
			}
			if rest[i].follow(done) {
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
