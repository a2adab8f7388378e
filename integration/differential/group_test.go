package differential

import (
	"fmt"
	"strings"
)

// calculation is an aggregate and what it yields. The argument has no equal texts to choose from.
func (a *author) calculation(in []*source) (*node, attribute) {
	number := func() *node { return a.scalar(pick(a.generator, integer, integer, decimal), in, 1) }
	switch a.r.IntN(14) {
	case 0, 1:
		return word("COUNT(*)"), attribute{family: integer}
	case 2:
		return seq("COUNT(", word(pick(a.generator, every(in)...).ref()), ")"), attribute{family: integer}
	case 3:
		return seq("COUNT(DISTINCT ", word(pick(a.generator, every(in)...).ref()), maybe(", ", word(pick(a.generator, every(in)...).ref())), ")"), attribute{family: integer}
	case 4, 5:
		return seq("SUM(", number(), ")"), attribute{family: decimal}
	case 6:
		return seq("SUM(DISTINCT ", number(), ")"), attribute{family: decimal}
	case 7:
		return seq(pick(a.generator, "AVG(", "AVG(", "AVG(DISTINCT "), number(), ")"), attribute{family: decimal}
	case 8, 9:
		f := pick(a.generator, families...)
		x := a.scalar(f, in, 1)
		out := attribute{family: f, fuzzy: f == text}
		return seq(pick(a.generator, "MIN(", "MAX("), x, ")"), out
	case 10:
		return seq(pick(a.generator, "BIT_OR(", "BIT_AND(", "BIT_XOR("), a.scalar(integer, in, 0), ")"), attribute{family: unsigned}
	case 11:
		a.rough = true
		return seq(pick(a.generator, "STD(", "VARIANCE(", "VAR_SAMP(", "STDDEV_SAMP("), number(), ")"), attribute{family: other}
	case 12:
		x := a.scalar(integer, in, 1)
		return seq("GROUP_CONCAT(", pick(a.generator, "", "DISTINCT "), x, " ORDER BY 1", a.direction(), pick(a.generator, "", " SEPARATOR ';'"), ")"), attribute{family: text, exact: true, kind: " CHARACTER SET latin1"}
	}
	if l := find(text, in); len(l) > 0 {
		c := pick(a.generator, l...).ref()
		return seq("GROUP_CONCAT(HEX(" + c + ") ORDER BY HEX(" + c + "))"), attribute{family: text, exact: true, kind: " CHARACTER SET latin1"}
	}
	return seq("SUM(", a.scalar(double, in, 0), ")"), attribute{family: double}
}

func (a *author) groupedQuery(depth int, inner bool) query {
	in, from := a.from(depth)
	var q query
	var items, groups []*node
	for i := range a.r.IntN(3) {
		c := pick(a.generator, every(in)...)
		name := a.label()
		x, out := word(c.ref()), c.attribute
		if a.chance(20) {
			f := pick(a.generator, integer, integer, decimal, date)
			x, out = a.scalar(f, in, 1), attribute{family: f}
			if x.literal {
				x = seq("(", x, " + 0)") // not a position
				out.family = integer
			}
		}
		out.fuzzy = out.fuzzy || out.family == text && !out.exact
		out.key, out.made, out.null = false, false, true
		a.fuzzy = a.fuzzy || out.fuzzy
		by := x
		shown := x
		if inner || a.chance(30) {
			out.name, shown = name, seq(x, " AS "+name)
			if a.chance(40) {
				by = word(name)
			}
		} else if a.chance(20) {
			by = word(fmt.Sprint(i + 1))
		}
		items, groups, q.yields = append(items, shown), append(groups, by), append(q.yields, out)
	}
	keys := len(items)
	for range a.r.IntN(3) + 1 {
		x, out := a.calculation(in)
		name := a.label()
		if a.chance(12) && (out.family == integer || out.family == decimal) {
			y, _ := a.calculation(in)
			if !strings.HasPrefix(y.String(), "M") && !strings.HasPrefix(y.String(), "GROUP") {
				x = seq("(", x, pick(a.generator, " + ", " - ", " / "), y, ")")
				out.family = other
			}
		}
		a.fuzzy = a.fuzzy || out.fuzzy
		if inner || a.chance(30) {
			out.name, x = name, seq(x, " AS "+name)
		}
		items, q.yields = append(items, x), append(q.yields, out)
	}
	rollup := keys > 0 && a.chance(10)
	q.tree = seq("SELECT ", &node{kids: items, sep: ", ", least: fixed}, " FROM ", from, a.where(in))
	if keys > 0 {
		by := seq(" GROUP BY ", &node{kids: groups, sep: ", ", least: fixed})
		if rollup {
			by.kids = append(by.kids, maybe(" WITH ROLLUP"))
		}
		q.tree.kids = append(q.tree.kids, by)
	}
	if keys > 0 && a.chance(30) || a.chance(5) {
		x, out := a.calculation(in)
		if out.family != integer && out.family != decimal {
			x = word("COUNT(*)")
		}
		q.tree.kids = append(q.tree.kids, maybe(" HAVING ", x, pick(a.generator, " > ", " <= ", " <> ", " >= "), value(int64(a.r.IntN(4)))))
	}
	if keys > 0 && !rollup && !inner && a.chance(60) {
		a.byGroups(&q, keys)
	}
	return q
}

// byGroups orders by all that is grouped by, and sometimes by an aggregate before it.
func (a *author) byGroups(q *query, keys int) {
	var items []*node
	if y := q.yields[len(q.yields)-1]; a.chance(40) && !y.fuzzy && y.family != other {
		items = append(items, word(fmt.Sprint(len(q.yields))+a.direction()))
	}
	for i := range keys {
		items = append(items, word(fmt.Sprint(i+1)+a.direction()))
	}
	q.order = seq(" ORDER BY ", &node{kids: items, sep: ", ", least: fixed})
	whole := maybe(q.order)
	if a.chance(50) {
		whole.kids = append(whole.kids, a.limits())
		q.limited = true
	}
	q.tree.kids = append(q.tree.kids, whole)
}

// windowQuery has window functions whose order leaves no two orders.
func (a *author) windowQuery(depth int, inner bool) query {
	in, from := a.from(0)
	var q query
	var items []*node
	n, out := a.item(in, a.label(), inner)
	items, q.yields = append(items, n), append(q.yields, out)
	for range a.r.IntN(2) + 1 {
		keys, _ := a.total(in)
		parts := []any{" OVER ("}
		if a.chance(60) {
			parts = append(parts, maybe("PARTITION BY ", word(pick(a.generator, every(in)...).ref()), " "))
		}
		parts = append(parts, "ORDER BY ", &node{kids: keys, sep: ", ", least: fixed}, ")")
		x := a.scalar(integer, in, 0)
		if x.literal {
			x = word(pick(a.generator, find(integer, in)...).ref())
		}
		var f *node
		switch a.r.IntN(7) {
		case 0, 1:
			f = word(pick(a.generator, "ROW_NUMBER()", "RANK()", "DENSE_RANK()"))
		case 2:
			f = seq("SUM(", x, ")")
		case 3:
			f = seq("COUNT(", x, ")")
		case 4:
			f = seq(pick(a.generator, "LAG(", "LEAD("), x, ")")
		case 5:
			f = seq("FIRST_VALUE(", x, ")")
		case 6:
			f = seq("NTILE(", value(int64(3)), ")")
			f = word(f.String())
		}
		name := a.label()
		items = append(items, seq(f, seq(parts...), " AS "+name))
		q.yields = append(q.yields, attribute{name: name, family: integer, null: true})
	}
	q.tree = seq("SELECT ", list(", ", 1, items...), " FROM ", from, a.where(in))
	if !inner && a.chance(50) {
		a.ordered(&q, in, false)
	}
	return q
}
