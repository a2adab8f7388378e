package differential

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// query is a SELECT, with what it yields.
type query struct {
	tree    *node
	yields  []attribute
	order   *node // ORDER BY, where it leaves no two orders but among equal texts
	limited bool
}

func (a *author) alias() string {
	a.names++
	return fmt.Sprintf("t%d", a.names)
}

// label is the name of a column of a query, another one each time: GROUP BY and HAVING could take one for a column of FROM.
func (a *author) label() string {
	a.names++
	return fmt.Sprintf("x%d", a.names)
}

// base is a table under an alias.
func (a *author) base() (*source, *node) {
	r := pick(a.generator, a.relations...)
	s := &source{alias: a.alias(), attributes: r.attributes, keys: r.keys()}
	return s, word(r.name + " " + s.alias)
}

// table is what one place of FROM holds.
func (a *author) table(depth int) (*source, *node) {
	if depth <= 0 || a.chance(85) {
		return a.base()
	}
	q := a.query(depth-1, true)
	s := &source{alias: a.alias(), attributes: q.yields}
	return s, seq("(", q.tree, ") AS "+s.alias)
}

// from is a FROM clause of up to three tables.
func (a *author) from(depth int) ([]*source, *node) {
	s, n := a.table(depth)
	in, parts := []*source{s}, []*node{n}
	for range pick(a.generator, 0, 0, 0, 1, 1, 1, 2) {
		s, n := a.table(depth)
		join := pick(a.generator, " JOIN ", " JOIN ", " LEFT JOIN ", " LEFT JOIN ", " RIGHT JOIN ", " INNER JOIN ")
		on := a.link([]*source{s}, in)
		if a.chance(20) {
			more := a.condition(append(slices.Clone(in), s), 0)
			on = seq(on, maybe(" AND ", more))
		}
		part := seq(join, n, " ON ", on)
		part.optional = true
		in, parts = append(in, s), append(parts, part)
	}
	return in, list("", 1, parts...)
}

// total is an order by the keys of all tables.
func (a *author) total(in []*source, first ...*node) (items []*node, exact bool) {
	for _, n := range first {
		items = append(items, seq(n, a.direction()))
	}
	exact = true
	for _, s := range in {
		for _, c := range s.attributes {
			if s.keys == nil || slices.Contains(s.keys, c.name) {
				items = append(items, word(s.alias+"."+c.name+a.direction()))
			}
		}
		exact = exact && s.keys != nil
	}
	return items, exact
}

func (a *author) limits() *node {
	n := value(int64(a.r.IntN(9)))
	if a.chance(40) {
		return maybe(" LIMIT ", n, maybe(" OFFSET ", value(int64(a.r.IntN(6)))))
	}
	return maybe(" LIMIT ", n)
}

// query draws a SELECT; inner ones name all of their columns differently.
func (a *author) query(depth int, inner bool) query {
	switch n := a.r.IntN(100); {
	case n < 42:
		return a.plainQuery(depth, inner)
	case n < 68:
		return a.groupedQuery(depth, inner)
	case n < 78 && depth > 0:
		return a.setQuery(depth, inner)
	case n < 86 && depth > 0 && !inner:
		return a.withQuery(depth)
	case n < 92:
		return a.windowQuery(depth, inner)
	}
	return a.distinctQuery(depth, inner)
}

// item is a column of a select list.
func (a *author) item(in []*source, name string, inner bool) (*node, attribute) {
	c := pick(a.generator, every(in)...)
	n, out := word(c.ref()), c.attribute
	if !c.fuzzy && c.family != other && c.family != bytes && c.family != span && a.chance(35) {
		f := pick(a.generator, families...)
		n = a.scalar(f, in, 2)
		out = attribute{family: f}
	}
	out.key, out.made, out.values, out.null = false, false, nil, true
	if c.family == other && n.text == c.ref() {
		out.values = c.values
	}
	if inner || a.chance(30) {
		out.name = name
		return seq(n, " AS "+name), out
	}
	return n, out
}

func (a *author) plainQuery(depth int, inner bool) query {
	in, from := a.from(depth)
	var items []*node
	var q query
	for range a.r.IntN(4) + 1 {
		n, out := a.item(in, a.label(), inner)
		items, q.yields = append(items, n), append(q.yields, out)
		a.fuzzy = a.fuzzy || out.fuzzy
	}
	if !inner && len(in) == 1 && a.chance(15) {
		items = []*node{word("*")}
	}
	q.tree = seq("SELECT ", list(", ", 1, items...), " FROM ", from, a.where(in))
	if a.chance(60) {
		a.ordered(&q, in, inner)
	}
	return q
}

func (a *author) where(in []*source) *node {
	if a.chance(30) {
		return word("")
	}
	return maybe(" WHERE ", a.condition(in, 2))
}

// ordered puts a total ORDER BY behind a query that neither groups nor folds rows.
func (a *author) ordered(q *query, in []*source, inner bool) {
	var first []*node
	for range a.r.IntN(2) {
		c := pick(a.generator, every(in)...)
		if !c.fuzzy {
			first = append(first, word(c.ref()))
		}
	}
	if a.chance(15) {
		first = append(first, a.scalar(pick(a.generator, integer, decimal, text), in, 1))
	}
	keys, exact := a.total(in, first...)
	q.order = seq(" ORDER BY ", &node{kids: keys, sep: ", ", least: fixed})
	whole := maybe(q.order)
	if a.chance(50) || inner {
		whole.kids = append(whole.kids, a.limits())
		q.limited = true
		a.fuzzy = a.fuzzy || !exact
	}
	q.tree.kids = append(q.tree.kids, whole)
}

func (a *author) distinctQuery(depth int, inner bool) query {
	in, from := a.from(depth)
	var items []*node
	var q query
	for i := range a.r.IntN(3) + 1 {
		n, out := a.item(in, a.label(), inner)
		for i == 0 && constant(n) { // of constants alone, MariaDB shows a row that OFFSET leaves out
			n, out = a.item(in, a.label(), inner)
		}
		out.fuzzy = out.fuzzy || out.family == text && !out.exact
		a.fuzzy = a.fuzzy || out.fuzzy
		items, q.yields = append(items, n), append(q.yields, out)
	}
	q.tree = seq("SELECT DISTINCT ", &node{kids: items, sep: ", ", least: fixed}, " FROM ", from, a.where(in))
	if !inner && a.chance(60) {
		a.byPosition(&q)
	}
	return q
}

// byPosition orders by all columns.
func (a *author) byPosition(q *query) {
	var items []*node
	for i := range q.yields {
		items = append(items, word(fmt.Sprint(i+1)+a.direction()))
	}
	a.r.Shuffle(len(items), func(i, j int) { items[i], items[j] = items[j], items[i] })
	q.order = seq(" ORDER BY ", &node{kids: items, sep: ", ", least: fixed})
	whole := maybe(q.order)
	if a.chance(50) {
		whole.kids = append(whole.kids, a.limits())
		q.limited = true
		for _, y := range q.yields {
			a.fuzzy = a.fuzzy || y.family == text
		}
	}
	q.tree.kids = append(q.tree.kids, whole)
}

// setQuery combines queries of the same families.
func (a *author) setQuery(depth int, inner bool) query {
	var fs []family
	var labels []string
	for range a.r.IntN(2) + 1 {
		fs, labels = append(fs, pick(a.generator, integer, integer, decimal, date, text)), append(labels, a.label())
	}
	arm := func() *node {
		in, from := a.from(0)
		var items []*node
		for i, f := range fs {
			x := a.scalar(f, in, 1)
			if f == text {
				x = seq("CONVERT(", x, " USING utf8mb4) COLLATE utf8mb4_bin")
			}
			items = append(items, seq(x, " AS "+labels[i]))
		}
		return seq("SELECT ", &node{kids: items, sep: ", ", least: fixed}, " FROM ", from, a.where(in))
	}
	var q query
	for i, f := range fs {
		q.yields = append(q.yields, attribute{name: labels[i], family: f, null: true, fuzzy: f == text, kind: " COLLATE utf8mb4_bin"})
		a.fuzzy = a.fuzzy || f == text
	}
	first := arm()
	parts := []*node{first}
	for range a.r.IntN(2) + 1 {
		part := seq(pick(a.generator, " UNION ", " UNION ALL ", " UNION ALL ", " INTERSECT ", " EXCEPT "), arm())
		part.optional = true
		parts = append(parts, part)
	}
	q.tree = seq(list("", 1, parts...))
	if !inner && a.chance(60) {
		a.byPosition(&q)
	}
	return q
}

// withQuery reads common table expressions.
func (a *author) withQuery(depth int) query {
	name := "cte" + a.alias()
	if a.chance(25) {
		s, from := a.base()
		c := &source{alias: name, attributes: []attribute{{name: "n", family: integer}}}
		key := "n"
		if k := find(integer, []*source{s}); len(k) > 0 {
			key = pick(a.generator, k...).name
		}
		q := query{tree: seq("WITH RECURSIVE "+name+" (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM "+name+" WHERE n < ", value(int64(a.r.IntN(7)+1)), ") SELECT ",
			list(", ", 1, word(name+".n"), a.scalar(integer, []*source{s, c}, 1)), " FROM "+name, seq(pick(a.generator, " JOIN ", " LEFT JOIN "), from, " ON "+s.alias+"."+key+" = "+name+".n"))}
		q.yields = []attribute{{family: integer}, {family: integer}}
		return q
	}
	inner := a.query(depth-1, true)
	s := &source{alias: name, attributes: inner.yields}
	in, from := []*source{s}, []*node{word(name)}
	if a.chance(30) { // read twice
		t := &source{alias: a.alias(), attributes: inner.yields}
		from = append(from, seq(pick(a.generator, " JOIN ", " LEFT JOIN "), name+" AS "+t.alias+" ON ", a.link([]*source{t}, in)))
		in = append(in, t)
	} else if a.chance(50) {
		t, n := a.base()
		from = append(from, seq(pick(a.generator, " JOIN ", " LEFT JOIN "), n, " ON ", a.link([]*source{t}, in)))
		in = append(in, t)
	}
	var q query
	var items []*node
	for range a.r.IntN(3) + 1 {
		n, out := a.item(in, "", false)
		a.fuzzy = a.fuzzy || out.fuzzy
		if c := strings.HasSuffix(n.String(), " AS "); c {
			n = n.kids[0]
		}
		items, q.yields = append(items, n), append(q.yields, out)
	}
	q.tree = seq("WITH "+name+" AS (", inner.tree, ") SELECT ", list(", ", 1, items...), " FROM ", list("", 1, from...), a.where(in))
	if a.chance(50) {
		a.ordered(&q, in, false)
	}
	return q
}

// constant says whether no column is in an expression.
func constant(n *node) bool { return !aliasPoint.MatchString(n.String()) }

var aliasPoint = regexp.MustCompile(`\bt[0-9]+\.`)
