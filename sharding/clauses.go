package sharding

import "github.com/pingcap/tidb/pkg/parser/ast"

// clauses are the token spans of a plain SELECT, with WITH in front of it or without: from SELECT itself to the end.
type clauses struct {
	selectAt int      // SELECT
	fields   [][2]int // each with its alias
	from     int      // FROM, or what stands in its place
	group    [][2]int
	groupEnd int    // where GROUP BY ends, or where it would stand
	having   [2]int // the condition, without HAVING; empty without
	order    [][2]int
	orderAt  int // ORDER
	orderEnd int
	limitAt  int // LIMIT
	limitEnd int
}

var selectOptions = []string{"ALL", "DISTINCT", "DISTINCTROW", "HIGH_PRIORITY", "STRAIGHT_JOIN", "SQL_SMALL_RESULT", "SQL_BIG_RESULT",
	"SQL_BUFFER_RESULT", "SQL_CACHE", "SQL_NO_CACHE", "SQL_CALC_FOUND_ROWS"}

// clauses cuts a query that begins with SELECT or WITH and is no union.
func (c *compiler) clauses() (s clauses, ok bool) {
	n := len(c.toks)
	if c.word(0) == "WITH" {
		s.selectAt = c.find(1, n, "SELECT")
	}
	if c.word(s.selectAt) != "SELECT" {
		return s, false
	}
	i := s.selectAt + 1
	for c.oneOf(i, selectOptions...) {
		i++
	}
	ends := []string{"FROM", "WHERE", "GROUP", "HAVING", "WINDOW", "ORDER", "LIMIT", "PROCEDURE", "INTO", "FOR", "LOCK", "UNION", "EXCEPT", "INTERSECT", "OFFSET", "FETCH"}
	s.from = c.find(i, n, ends...)
	s.fields = c.split(i, s.from)
	s.orderAt, s.limitAt, s.groupEnd = n, n, -1
	for at := s.from; at < n; {
		next := c.find(at+1, n, ends...)
		if c.word(at) == "FOR" && c.oneOf(at+1, "ORDER", "GROUP") { // USE INDEX FOR ORDER BY (…)
			at = c.find(at+2, n, ends...)
			continue
		}
		if s.groupEnd < 0 && !c.oneOf(at, "FROM", "WHERE", "GROUP") {
			s.groupEnd = at
		}
		switch c.word(at) {
		case "GROUP":
			if c.word(at+1) != "BY" {
				return s, false
			}
			end := next
			if c.words(end-2, "WITH", "ROLLUP") {
				end -= 2
			}
			s.group, s.groupEnd = c.split(at+2, end), end
		case "HAVING":
			s.having = [2]int{at + 1, next}
		case "ORDER":
			if c.word(at+1) != "BY" {
				return s, false
			}
			s.orderAt, s.orderEnd = at, next
			s.order = c.split(at+2, next)
		case "LIMIT":
			if c.word(next) == "OFFSET" {
				next = c.find(next+1, n, ends...)
			}
			s.limitAt, s.limitEnd = at, next
		case "UNION", "EXCEPT", "INTERSECT", "OFFSET", "FETCH":
			return s, false
		}
		at = next
	}
	if s.groupEnd < 0 {
		s.groupEnd = n
	}
	return s, len(s.fields) > 0
}

// pinPositions makes the numbers of ORDER BY 2 and GROUP BY 1 part of the shape.
func (c *compiler) pinPositions(sel *ast.SelectStmt, s clauses) {
	pin := func(items []*ast.ByItem, spans [][2]int) {
		if len(items) != len(spans) {
			c.pinAll()
			return
		}
		for i, item := range items {
			if _, ok := item.Expr.(*ast.PositionExpr); ok && spans[i][0] < spans[i][1] {
				c.pinSpan(c.startOf(spans[i][0]), c.endOf(spans[i][1]-1))
			}
		}
	}
	if sel.GroupBy != nil {
		pin(sel.GroupBy.Items, s.group)
	}
	if sel.OrderBy != nil {
		pin(sel.OrderBy.Items, s.order)
	}
}
