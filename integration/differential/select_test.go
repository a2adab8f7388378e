package differential

import (
	"fmt"
	"strings"
)

// scope is a table under a name in a statement.
type scope struct {
	alias string
	table table
}

func (s scope) ref(c column) string {
	if s.alias == "" {
		return c.name
	}
	return s.alias + "." + c.name
}

func (s scope) key() string { return s.ref(s.table.columns[0]) }

func (g *generator) column(s scope) (column, string) {
	c := s.table.columns[g.r.IntN(len(s.table.columns))]
	return c, s.ref(c)
}

func (g *generator) condition(s scope, depth int) string {
	if depth > 0 && g.chance(45) {
		return "(" + g.condition(s, depth-1) + pick(g, " AND ", " OR ") + g.condition(s, depth-1) + ")"
	}
	c, ref := g.column(s)
	if g.chance(35) {
		c, ref = s.table.columns[0], s.key()
	}
	if g.prepared && c.key && g.chance(20) {
		return ref + pick(g, " = ", " <=> ", " >= ", " < ") + g.literal(pick[any](g, "5", 5.5, 7.0, "7.4", "5abc", nil, uint64(7), int64(-3), []byte("a"), "A  ", "2001-1-1", "20010101", int64(20010102), 1e1, uint64(18446744073709551)))
	}
	switch g.r.IntN(9) {
	case 0, 1:
		return ref + " = " + g.of(c.family)
	case 2, 3:
		var in []string
		for range g.r.IntN(4) + 1 {
			in = append(in, g.of(c.family))
		}
		return ref + pick(g, " IN (", " IN (", " NOT IN (") + strings.Join(in, ", ") + ")"
	case 4:
		return ref + pick(g, " BETWEEN ", " BETWEEN ", " NOT BETWEEN ") + g.of(c.family) + " AND " + g.of(c.family)
	case 5:
		return ref + pick(g, " IS NULL", " IS NOT NULL")
	case 6:
		if g.chance(30) {
			return "NOT (" + ref + " <=> " + g.of(c.family) + ")"
		}
		return ref + " <=> " + g.of(c.family)
	default:
		return ref + pick(g, " < ", " <= ", " > ", " >= ", " <> ") + g.of(c.family)
	}
}

func (g *generator) where(s scope) string {
	if g.chance(25) {
		return ""
	}
	return " WHERE " + g.condition(s, 2)
}

// expression is an item of the select list with no alias.
func (g *generator) expression(s scope) string {
	c, ref := g.column(s)
	if g.chance(60) {
		return ref
	}
	if g.chance(15) {
		return "CASE WHEN " + g.condition(s, 0) + " THEN " + ref + " ELSE NULL END"
	}
	if g.chance(15) {
		return "IFNULL(" + ref + ", " + g.of(c.family) + ")"
	}
	switch c.family {
	case integer:
		return fmt.Sprintf(pick(g, "%s + 1", "-%s", "%s / 3", "%s DIV 2", "%s %% 3", "ABS(%s)", "%s IS NULL", "%s * 1.50"), ref)
	case decimal, double:
		return fmt.Sprintf(pick(g, "%s * 2", "-%s", "ROUND(%s, 1)", "FLOOR(%s)", "ABS(%s)"), ref)
	case text:
		return fmt.Sprintf(pick(g, "UPPER(%s)", "CONCAT(%s, '-')", "LENGTH(%s)", "HEX(%s)", "TRIM(%s)", "LEFT(%s, 1)"), ref)
	case date:
		return fmt.Sprintf(pick(g, "YEAR(%s)", "%s + INTERVAL 1 DAY", "DAYOFWEEK(%s)"), ref)
	case moment:
		return fmt.Sprintf(pick(g, "DATE(%s)", "TIME(%s)", "MONTH(%s)"), ref)
	case span:
		return fmt.Sprintf(pick(g, "HOUR(%s)", "TIME_TO_SEC(%s)"), ref)
	}
	return ref
}

func (g *generator) direction() string { return pick(g, "", " ASC", " DESC") }

func (g *generator) limit() string {
	n := g.literal(int64(g.r.IntN(12)))
	var o string
	if g.chance(50) {
		if g.chance(50) {
			return " LIMIT " + n + " OFFSET " + g.literal(int64(g.r.IntN(6)))
		}
		o = g.literal(int64(g.r.IntN(12)))
		return " LIMIT " + n + ", " + o
	}
	return " LIMIT " + n
}

func (g *generator) tableScope() scope {
	s := scope{table: pick(g, append(all, tableA, tableA, tableA, tableB, tableB, tableB)...)}
	if g.chance(30) {
		s.alias = "x"
	}
	return s
}

func (s scope) from() string {
	if s.alias == "" {
		return s.table.name
	}
	return s.table.name + " AS " + s.alias
}

// plain is a SELECT of one table without groups.
func (g *generator) plain() statement {
	s := g.tableScope()
	if g.chance(25) {
		return g.distinct(s)
	}
	var items, orders []string
	if g.chance(15) {
		items = append(items, "*")
	}
	for i := range g.r.IntN(4) + 1 {
		e := g.expression(s)
		if g.chance(30) {
			alias := fmt.Sprintf("e%d", i)
			e += pick(g, " AS ", " ") + alias
			if g.chance(40) {
				orders = append(orders, alias+g.direction())
			}
		}
		items = append(items, e)
	}
	q := "SELECT " + strings.Join(items, ", ") + " FROM " + s.from() + g.where(s)
	if g.chance(25) && len(orders) == 0 {
		return statement{sql: q}
	}
	for range g.r.IntN(3) {
		if g.chance(15) {
			orders = append(orders, g.expression(s)+g.direction())
			continue
		}
		_, ref := g.column(s)
		orders = append(orders, ref+g.direction())
	}
	orders = append(orders, s.key()+g.direction())
	q += " ORDER BY " + strings.Join(orders, ", ")
	if g.chance(50) {
		q += g.limit()
	}
	return statement{sql: q, ordered: true}
}

func (g *generator) distinct(s scope) statement {
	var items []string
	for range g.r.IntN(2) + 1 {
		items = append(items, g.expression(s))
	}
	q := "SELECT DISTINCT " + strings.Join(items, ", ") + " FROM " + s.from() + g.where(s)
	if !strings.Contains(strings.Join(items, ","), "?") && g.chance(60) {
		var orders []string
		for i := range items {
			orders = append(orders, fmt.Sprint(i+1)+g.direction())
		}
		q += " ORDER BY " + strings.Join(orders, ", ")
		if g.chance(50) {
			q += g.limit()
		}
		return statement{sql: q, ordered: true, folded: true}
	}
	return statement{sql: q, folded: true}
}

func (g *generator) aggregate(s scope) string {
	c, ref := g.column(s)
	switch g.r.IntN(8) {
	case 0:
		return "COUNT(*)"
	case 1:
		return "COUNT(" + ref + ")"
	case 2:
		return "COUNT(DISTINCT " + ref + ")"
	case 3:
		return "MIN(" + ref + ")"
	case 4:
		return "MAX(" + ref + ")"
	}
	if c.family >= text {
		return pick(g, "MAX(", "MIN(") + ref + ")"
	}
	return pick(g, "SUM(", "SUM(", "AVG(", "AVG(", "SUM(DISTINCT ") + ref + ")"
}

// grouped is a SELECT with aggregates, with groups or without.
func (g *generator) grouped() statement { return g.groups(g.tableScope(), "") }

func (g *generator) groups(s scope, from string) statement {
	if from == "" {
		from = s.from()
	}
	var items, keys, orders []string
	for i := range g.r.IntN(3) {
		var e string
		if _, e = g.column(s); g.chance(20) {
			e = g.expression(s)
		}
		if strings.Contains(e, "?") {
			continue // two parameters are never known to be the same expression
		}
		name := e
		if g.chance(30) {
			name = fmt.Sprintf("k%d", i)
			e += " AS " + name
		}
		items, keys, orders = append(items, e), append(keys, name), append(orders, name+g.direction())
	}
	g.args = g.args[:strings.Count(strings.Join(items, ""), "?")]
	for i := range g.r.IntN(3) + 1 {
		e := g.aggregate(s)
		if g.chance(30) {
			e += fmt.Sprintf(" AS n%d", i)
			if g.chance(50) {
				orders = append([]string{fmt.Sprintf("n%d", i) + g.direction()}, orders...)
			}
		}
		if g.chance(10) {
			e = g.aggregate(s) + pick(g, " + ", " - ") + "1"
		}
		items = append(items, e)
	}
	if n := strings.Join(items, ","); true { // an alias in ORDER BY must still be in the list
		kept := orders[:0]
		for _, o := range orders {
			if !strings.HasPrefix(o, "n") || strings.Contains(n, " AS "+o[:2]) {
				kept = append(kept, o)
			}
		}
		orders = kept
	}
	q := "SELECT " + strings.Join(items, ", ") + " FROM " + from + g.where(s)
	if len(keys) == 0 {
		return statement{sql: q, folded: true}
	}
	q += " GROUP BY " + strings.Join(keys, ", ")
	if g.chance(30) {
		q += " HAVING " + pick(g, "COUNT(*)", "COUNT("+s.key()+")", "SUM("+s.ref(values[0])+")") + pick(g, " > ", " <= ", " <> ") + g.literal(int64(g.r.IntN(4)))
	}
	if !g.chance(65) {
		return statement{sql: q, folded: true}
	}
	q += " ORDER BY " + strings.Join(orders, ", ")
	if g.chance(40) {
		q += g.limit()
	}
	return statement{sql: q, folded: true, ordered: true}
}

// joined joins on the shard key, with the global table, or, now and then, across shards.
func (g *generator) joined() statement {
	x, y := scope{"x", tableA}, scope{"y", tableA2}
	on := "x.id = y.id"
	switch g.r.IntN(5) {
	case 0:
		y.table = tableG
	case 1:
		x.table, y.table, on = tableB, tableG, "x.i = y.id"
	case 2:
		y.table, on = tableG, "x.i = y.id"
	case 3:
		if g.chance(30) {
			x.table, on = tableB, "x.i = y.id"
		}
	}
	from := x.table.name + " x" + pick(g, " JOIN ", " LEFT JOIN ", " INNER JOIN ") + y.table.name + " y ON " + on
	if g.chance(30) {
		return g.groups(pick(g, x, y), from)
	}
	var items []string
	for range g.r.IntN(3) + 1 {
		items = append(items, g.expression(pick(g, x, y)))
	}
	q := "SELECT " + strings.Join(items, ", ") + " FROM " + from + g.where(pick(g, x, y))
	if g.chance(40) {
		return statement{sql: q}
	}
	_, first := g.column(pick(g, x, y))
	q += " ORDER BY " + first + g.direction() + ", " + x.key() + g.direction() + ", " + y.key()
	if g.chance(50) {
		q += g.limit()
	}
	return statement{sql: q, ordered: true}
}
