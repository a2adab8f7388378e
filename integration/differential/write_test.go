package differential

import "strings"

// step is one statement of a run.
type step struct {
	tree    *node
	binary  bool
	order   *node     // see query
	fuzzy   bool      // equal texts may stand for each other
	rough   bool      // DOUBLE values may differ in their last digits
	mysql   bool      // asked of MySQL
	read    bool      // a SELECT of the generator
	touches *relation // that it changes
	also    *relation // and another one
}

func (s *step) String() string {
	r := s.tree.render(s.binary)
	if !s.binary {
		return r.text.String() + ";"
	}
	var b strings.Builder
	b.WriteString(r.text.String() + "; -- prepared, with")
	for _, v := range r.args {
		b.WriteString(" " + quoted(v))
	}
	return b.String()
}

func (a *author) read() *step {
	a.fuzzy, a.rough, a.writing = false, false, false
	q := a.query(2, false)
	return &step{tree: q.tree, order: q.order, fuzzy: a.fuzzy, rough: a.rough, read: true, binary: a.chance(35)}
}

// others gives a statement's literals other values of their types.
func (a *author) others(st *step) {
	for _, n := range st.tree.render(false).rendered {
		if !n.literal || a.chance(40) {
			continue
		}
		switch v := n.value.(type) {
		case int64:
			n.value = int64(a.r.IntN(9))
			if v > 9 || v < 0 {
				n.value = int64(a.r.IntN(60) - 20)
			}
		case raw:
			f := decimal
			if strings.Contains(string(v), "e") {
				f = double
			}
			n.value = a.value(f)
		case string:
			if len(v) > 0 && v[0] >= '0' && v[0] <= '9' || strings.Contains(v, "%") { // a date, or a pattern
				continue
			}
			n.value = a.value(text)
		}
		n.text = quoted(n.value)
	}
}

// tuples are rows for an INSERT of some columns.
func (a *author) tuples(r *relation, columns []attribute, n int) *node {
	var rows []*node
	for range n {
		var values []*node
		for _, c := range columns {
			v := a.literalFor(r, c)
			if !c.key && c.null && a.chance(5) {
				v = word("DEFAULT")
			}
			values = append(values, v)
		}
		rows = append(rows, seq("(", &node{kids: values, sep: ", ", least: fixed}, ")"))
	}
	return list(", ", 1, rows...)
}

func names(columns []attribute) string {
	var list []string
	for _, c := range columns {
		list = append(list, c.name)
	}
	return strings.Join(list, ", ")
}

// some leaves out columns that need no value.
func (a *author) some(r *relation) (list []attribute) {
	for _, c := range r.written() {
		if c.key || !c.null || a.chance(80) {
			list = append(list, c)
		}
	}
	return list
}

func (a *author) insert(r *relation, verb string, n int) *node {
	columns := a.some(r)
	return seq(verb+" INTO "+r.name+" ("+names(columns)+") VALUES ", a.tuples(r, columns, n))
}

// assignment sets a column of a table, known under prefix.
func (a *author) assignment(r *relation, s *source, prefix string, in []*source) *node {
	var free []attribute
	for _, c := range r.written() {
		if !c.key {
			free = append(free, c)
		}
	}
	c := pick(a.generator, free...)
	if a.chance(8) { // the row may move
		for _, k := range r.written() {
			if k.key && k.name == "id" {
				return seq(prefix+k.name+" = ", a.literalFor(r, k))
			}
		}
	}
	switch {
	case c.family == integer && c.values == nil && a.chance(50):
		return seq(prefix+c.name+" = "+prefix+c.name+" + ", value(int64(a.r.IntN(3))))
	case c.family == integer && c.kind == "INT" && a.chance(30):
		x := a.scalar(integer, in, 1)
		return seq(prefix+c.name+" = (", x, ") % 50").or(seq(prefix + c.name + " = 1"))
	case c.family == text && a.chance(20):
		return seq(prefix + c.name + " = LEFT(CONCAT(" + prefix + c.name + ", 'b'), 8)")
	}
	return seq(prefix+c.name+" = ", a.literalFor(r, c))
}

func (a *author) assignments(r *relation, s *source, prefix string, in []*source) *node {
	kids := []*node{a.assignment(r, s, prefix, in)}
	if a.chance(35) {
		kids = append(kids, a.assignment(r, s, prefix, in))
	}
	return list(", ", 1, kids...)
}

// change is a statement that writes.
func (a *author) change() *step {
	a.writing = true
	r := pick(a.generator, a.relations...)
	self := &source{alias: r.name, attributes: r.attributes, keys: r.keys()}
	in := []*source{self}
	st := &step{touches: r, binary: a.chance(35)}
	switch n := a.r.IntN(100); {
	case n < 14:
		st.tree = a.insert(r, "INSERT", pick(a.generator, 1, 1, 2, 3))
	case n < 24:
		st.tree = a.insert(r, "INSERT IGNORE", pick(a.generator, 1, 2, 5))
	case n < 36:
		st.tree = seq(a.insert(r, "INSERT", pick(a.generator, 1, 2, 4)), " ON DUPLICATE KEY UPDATE ", a.duplicate(r))
	case n < 46:
		st.tree = a.insert(r, "REPLACE", pick(a.generator, 1, 2, 4))
	case n < 56:
		st.tree = a.insertSelect(r)
	case n < 76:
		st.tree = seq("UPDATE "+r.name+" SET ", a.assignments(r, self, "", in), a.where(in), a.cut(in))
	case n < 84:
		st.tree = seq("DELETE FROM "+r.name+" WHERE ", a.condition(in, 2), maybe(" AND ", a.condition(in, 1)), a.cut(in))
	case n < 92:
		other, from := a.base()
		on := a.link([]*source{other}, in)
		both := []*source{self, other}
		st.tree = seq("UPDATE "+r.name+pick(a.generator, " JOIN ", " JOIN ", " LEFT JOIN "), from, " ON ", on, " SET ", seq(r.name+".n = ", value(int64(a.r.IntN(40)))), a.where(both))
	case n < 95:
		other, from := a.base()
		on := a.link([]*source{other}, in)
		both := []*source{self, other}
		st.also = a.named(from)
		if n == 94 && st.also != r {
			st.tree = seq("DELETE "+r.name+", "+other.alias+" FROM "+r.name+" JOIN ", from, " ON ", on, " WHERE ", a.condition(both, 1))
			break
		}
		st.tree = seq("UPDATE "+r.name+" JOIN ", from, " ON ", on, " SET ", list(", ", 1, word(r.name+".n = 7"), word(other.alias+".n = 8")), a.where(both))
	case n < 97 && !a.typed:
		st.tree = seq(a.insert(r, "INSERT", pick(a.generator, 1, 2, 4)), " RETURNING "+strings.Join(r.keys(), ", ")+", n")
	default:
		other, from := a.base()
		on := a.link([]*source{other}, in)
		both := []*source{self, other}
		st.tree = seq("DELETE "+r.name+" FROM "+r.name+pick(a.generator, " JOIN ", " JOIN ", " LEFT JOIN "), from, " ON ", on, " WHERE ", a.condition(both, 2))
	}
	return st
}

// named is the table that from reads.
func (a *author) named(from *node) *relation {
	name, _, _ := strings.Cut(from.text, " ")
	for _, r := range a.relations {
		if r.name == name {
			return r
		}
	}
	return nil
}

// cut limits a change to the first rows of a total order.
func (a *author) cut(in []*source) *node {
	if !a.chance(15) {
		return word("")
	}
	keys, _ := a.total(in)
	return maybe(" ORDER BY ", &node{kids: keys, sep: ", ", least: fixed}, " LIMIT ", value(int64(a.r.IntN(5))))
}

func (a *author) duplicate(r *relation) *node {
	var free []attribute
	for _, c := range r.written() {
		if !c.key {
			free = append(free, c)
		}
	}
	c := pick(a.generator, free...)
	switch a.r.IntN(4) {
	case 0:
		return word(c.name + " = VALUES(" + c.name + ")")
	case 1:
		return word("n = n + 1")
	case 2:
		return seq("n = IFNULL(VALUES(n), 0) + ", value(int64(2)))
	}
	return seq(c.name+" = ", a.literalFor(r, c))
}

// insertSelect copies the keys and what fits of another table, or of the same.
func (a *author) insertSelect(r *relation) *node {
	s, from := a.base()
	in := []*source{s}
	var columns []attribute
	var items []*node
	for _, c := range r.written() {
		fits := find(c.family, in)
		switch {
		case c.key && c.family == integer && c.name == "id":
			base := a.chance(50)
			for _, k := range s.attributes {
				if k.key && k.family == integer && k.name == "id" && base {
					items = append(items, word(s.alias+".id"))
				}
			}
			if len(items) == 0 {
				items = append(items, value(int64(a.r.IntN(highestKey-lowestKey+1)+lowestKey)))
			}
		case c.key && len(fits) > 0 && c.family != text:
			items = append(items, word(pick(a.generator, fits...).ref()))
		case c.key || !c.null:
			items = append(items, a.literalFor(r, c))
		case c.name == "n":
			items = append(items, seq("(", a.scalar(integer, in, 1), ") % 40"))
		default:
			continue
		}
		columns = append(columns, c)
	}
	verb := pick(a.generator, "INSERT", "INSERT IGNORE", "INSERT IGNORE", "REPLACE", "INSERT")
	keys, _ := a.total(in)
	n := seq(verb+" INTO "+r.name+" ("+names(columns)+") SELECT ", &node{kids: items, sep: ", ", least: fixed}, " FROM ", from, a.where(in),
		" ORDER BY ", &node{kids: keys, sep: ", ", least: fixed}, a.limits())
	if verb == "INSERT" && a.chance(50) {
		n.kids = append(n.kids, word(" ON DUPLICATE KEY UPDATE n = 3"))
	}
	return n
}
