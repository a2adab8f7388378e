package differential

import (
	"fmt"
	"strings"
)

// source is a table of a FROM clause under its alias.
type source struct {
	alias      string
	attributes []attribute
	keys       []string // of the columns that tell its rows apart; nil: all of them
}

// author draws random statements over random tables. It keeps to what has one right answer: where a server may
// choose (one of several equal texts, which rows a LIMIT cuts off), the statement does not ask, or says so.
type author struct {
	*generator
	relations []*relation
	groupKey  attribute // of the tables of a group
	names     int       // of aliases given
	variables []string  // user variables that hold an integer
	fuzzy     bool      // the statement shows one of several equal texts
	typed     bool      // MySQL, which has no RETURNING
	writing   bool      // the statement writes: what it cannot convert ends it at a row that depends on the plan
	rough     bool      // it computes in floating point, in an order of the server's choice
}

type place struct {
	source *source
	attribute
}

func (p place) ref() string { return p.source.alias + "." + p.name }

// find gives the columns of a family; those with fuzzy values are in none.
func find(f family, in []*source) (list []place) {
	for _, s := range in {
		for _, c := range s.attributes {
			same := c.family == f || f == integer && c.family == unsigned
			if same && !c.fuzzy {
				list = append(list, place{s, c})
			}
		}
	}
	return list
}

func every(in []*source) (list []place) {
	for _, s := range in {
		for _, c := range s.attributes {
			list = append(list, place{s, c})
		}
	}
	return list
}

var families = []family{integer, integer, integer, decimal, double, text, text, date, moment}

// scalar is an expression of a family.
func (a *author) scalar(f family, in []*source, depth int) *node {
	columns := find(f, in)
	n := a.r.IntN(100)
	switch {
	case depth <= 0 || n < 45:
		if len(columns) > 0 && n < 75 {
			return word(pick(a.generator, columns...).ref())
		}
		if f == integer && len(a.variables) > 0 && a.chance(10) {
			return word(pick(a.generator, a.variables...))
		}
		return a.constant(attribute{family: f})
	case n < 52:
		then, otherwise := a.scalar(f, in, depth-1), a.scalar(f, in, depth-1)
		return seq("CASE WHEN ", a.condition(in, depth-1), " THEN ", then, " ELSE ", otherwise, " END").or(then, otherwise)
	case n < 57:
		x, y := a.scalar(f, in, depth-1), a.scalar(f, in, depth-1)
		return seq(pick(a.generator, "COALESCE(", "IFNULL("), x, ", ", y, ")").or(x, y)
	case n < 60:
		x, y := a.scalar(f, in, depth-1), a.scalar(f, in, depth-1)
		return seq("NULLIF(", x, ", ", y, ")").or(x, y)
	case n < 63:
		x, y := a.scalar(f, in, depth-1), a.scalar(f, in, depth-1)
		return seq("IF(", a.condition(in, 0), ", ", x, ", ", y, ")").or(x, y)
	case n < 66 && f == integer:
		return a.scalarSubquery(in, depth-1)
	}
	return a.function(f, in, depth)
}

func (a *author) function(f family, in []*source, depth int) *node {
	x := a.scalar(f, in, depth-1)
	wrap := func(format string, operand *node) *node {
		var before, after string
		for i := range format {
			if format[i] == '@' {
				before, after = format[:i], format[i+1:]
			}
		}
		n := seq(before, operand, after)
		if operand == x {
			n.or(x)
		}
		return n
	}
	of := func(g family) *node { return a.scalar(g, in, depth-1) }
	switch f {
	case integer, unsigned:
		switch a.r.IntN(8) {
		case 0:
			return wrap(pick(a.generator, "LENGTH(@)", "CHAR_LENGTH(@)", "ASCII(@)"), of(text))
		case 1:
			return wrap(pick(a.generator, "YEAR(@)", "MONTH(@)", "DAYOFMONTH(@)"), of(date))
		case 2:
			return wrap("(@ IS NULL)", of(pick(a.generator, families...)))
		case 3:
			y := a.scalar(integer, in, depth-1)
			return seq("(", x, pick(a.generator, " + ", " - ", " * "), y, ")").or(x, y)
		}
		return wrap(pick(a.generator, "(@ + 1)", "ABS(@)", "(@ DIV 2)", "(@ % 3)", "SIGN(@)", "(@ * 2)"), x)
	case decimal:
		if a.chance(30) {
			return wrap(pick(a.generator, "(@ * 1.50)", "(@ / 4)", "CAST(@ AS DECIMAL(10,2))"), of(integer))
		}
		return wrap(pick(a.generator, "(@ * 2)", "ROUND(@, 1)", "ABS(@)", "(@ + 0.25)", "TRUNCATE(@, 1)", "(@ / 3)"), x)
	case double:
		return wrap(pick(a.generator, "(@ * 2)", "ABS(@)", "(@ + 0.25e0)", "FLOOR(@)"), x)
	case text:
		if a.chance(20) {
			return wrap(pick(a.generator, "CAST(@ AS CHAR)", "CONCAT(@, '')", "LPAD(@, 4, '0')"), of(integer))
		}
		return wrap(pick(a.generator, "UPPER(@)", "CONCAT(@, '-')", "HEX(@)", "TRIM(@)", "LEFT(@, 2)", "REPLACE(@, 'a', 'x')", "REVERSE(@)"), x)
	case date:
		return wrap(pick(a.generator, "(@ + INTERVAL 1 DAY)", "LAST_DAY(@)", "DATE_SUB(@, INTERVAL 1 MONTH)"), x)
	case moment:
		return wrap(pick(a.generator, "(@ + INTERVAL 90 MINUTE)", "DATE_ADD(@, INTERVAL 1 DAY)"), x)
	}
	return x
}

// condition is a truth value.
func (a *author) condition(in []*source, depth int) *node {
	if depth > 0 && a.chance(40) {
		x, y := a.condition(in, depth-1), a.condition(in, depth-1)
		return seq("(", x, pick(a.generator, " AND ", " AND ", " OR "), y, ")").or(x, y)
	}
	if depth > 0 && a.chance(12) {
		return a.subqueryCondition(in, depth-1)
	}
	if a.chance(4) {
		x := a.condition(in, depth-1)
		return seq("NOT (", x, ")").or(x)
	}
	if a.chance(8) {
		if odd := find(other, in); len(odd) > 0 {
			c := pick(a.generator, odd...)
			return seq(c.ref()+pick(a.generator, " = ", " <> ", " <=> "), a.constant(c.attribute))
		}
	}
	f := pick(a.generator, families...)
	var x *node
	if keys := a.keyPlaces(in); len(keys) > 0 && a.chance(30) {
		k := pick(a.generator, keys...)
		f, x = k.family, word(k.ref())
	} else {
		x = a.scalar(f, in, depth)
	}
	same := func() *node { return a.scalar(f, in, depth-1) }
	if a.chance(4) && f != bytes && !a.writing { // a comparison of different types
		same = func() *node { return a.scalar(pick(a.generator, integer, text, decimal), in, depth-1) }
	}
	switch a.r.IntN(10) {
	case 0:
		return seq(x, pick(a.generator, " IS NULL", " IS NOT NULL"))
	case 1, 2:
		var values []*node
		for range a.r.IntN(4) + 1 {
			values = append(values, same())
		}
		return seq(x, pick(a.generator, " IN (", " IN (", " NOT IN ("), list(", ", 1, values...), ")")
	case 3:
		return seq(x, pick(a.generator, " BETWEEN ", " BETWEEN ", " NOT BETWEEN "), same(), " AND ", same())
	case 4:
		if f == text {
			return seq(x, pick(a.generator, " LIKE ", " NOT LIKE "), value(pick(a.generator, "a%", "_", "1%", "", "%b%", "%a")))
		}
		return seq(x, " <=> ", same())
	case 5, 6, 7:
		return seq(x, " = ", same())
	}
	return seq(x, pick(a.generator, " < ", " <= ", " > ", " >= ", " <> "), same())
}

func (a *author) keyPlaces(in []*source) (list []place) {
	for _, p := range every(in) {
		if p.key && !p.fuzzy {
			list = append(list, p)
		}
	}
	return list
}

// scalarSubquery has one row, whatever the tables hold.
func (a *author) scalarSubquery(outer []*source, depth int) *node {
	s, from := a.base()
	in := append([]*source{s}, outer...)
	aggregate := pick(a.generator, "COUNT(*)", "MAX(@)", "MIN(@)", "SUM(@)")
	var item *node
	if aggregate == "COUNT(*)" {
		item = word(aggregate)
	} else {
		item = seq(aggregate[:4], a.scalar(integer, []*source{s}, 0), ")")
	}
	q := seq("(SELECT ", item, " FROM ", from, maybe(" WHERE ", a.condition(in, depth)), ")")
	if item.text == "" { // not more than BIGINT: its type stays an integer's
		return seq("CAST(", q, " AS SIGNED)").or(value(int64(3)))
	}
	return q.or(value(int64(3)))
}

func (a *author) subqueryCondition(outer []*source, depth int) *node {
	s, from := a.base()
	in := append([]*source{s}, outer...)
	link := a.condition(in, depth)
	if a.chance(50) {
		link = a.link([]*source{s}, outer)
	}
	where := maybe(" WHERE ", link)
	if a.chance(50) {
		return seq(pick(a.generator, "EXISTS ", "NOT EXISTS "), "(SELECT ", pick(a.generator, "1", "*", s.alias+".n"), " FROM ", from, where, ")")
	}
	f := pick(a.generator, integer, integer, integer, text, date)
	x, y := a.scalar(f, outer, 0), a.scalar(f, []*source{s}, 0)
	if y.literal {
		x, y = a.scalar(integer, outer, 0), word(s.alias+".n")
	}
	return seq(x, pick(a.generator, " IN ", " IN ", " NOT IN ", " = ANY ", " > ALL ", " < SOME ", " <> ALL "), "(SELECT ", y, " FROM ", from, where, ")")
}

// link is an equality between two groups of tables, of their keys if that fits.
func (a *author) link(left, right []*source) *node {
	x := pick(a.generator, every(left)...)
	if a.chance(70) {
		if keys := a.keyPlaces(left); len(keys) > 0 {
			x = pick(a.generator, keys...)
		}
	}
	fits := find(x.family, right)
	// MariaDB finds other rows by such an index in a change than in a query, and by a latin1 one than without it.
	narrow := x.family == text && (a.writing || strings.Contains(x.kind, "latin1"))
	if x.family == other || x.fuzzy || narrow || len(fits) == 0 {
		fits = find(integer, right)
		if l := find(integer, left); len(l) > 0 && len(fits) > 0 {
			x = pick(a.generator, l...)
		} else {
			return word("1 = 1")
		}
	}
	y := pick(a.generator, fits...)
	if a.chance(60) {
		for _, f := range fits {
			if f.key {
				y = f
			}
		}
	}
	// Two collations of columns have no order between them: one is named.
	if x.family == text {
		return word(fmt.Sprintf("%s = CONVERT(%s USING utf8mb4) COLLATE utf8mb4_bin", x.ref(), y.ref()))
	}
	return word(x.ref() + " = " + y.ref())
}
