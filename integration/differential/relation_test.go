package differential

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// attribute is a column of a table or of a derived table.
type attribute struct {
	name   string
	family family
	kind   string // as declared
	key    bool   // of the primary key
	null   bool
	made   bool     // generated: cannot be written
	values []string // of a column whose literals are its own
	exact  bool     // text that is equal only where its bytes are: what no trailing space makes another
	fuzzy  bool     // one of several equal texts: which one is the server's choice
}

// other is a family of columns that are only shown, compared with their own values, grouped and counted.
const other family = 100

// bytes is the family of binary strings.
const bytes family = 101

// relation is a table of a random schema.
type relation struct {
	name       string
	attributes []attribute
	tail       []string // keys
	options    string
}

const (
	lowestKey  = -10
	highestKey = 69
)

func (r *relation) keys() (names []string) {
	for _, a := range r.attributes {
		if a.key {
			names = append(names, a.name)
		}
	}
	return names
}

func (r *relation) written() (list []attribute) {
	for _, a := range r.attributes {
		if !a.made {
			list = append(list, a)
		}
	}
	return list
}

// definition is the CREATE TABLE statement. Columns and keys that the failing statement does not need go.
func (r *relation) definition() *node {
	var parts []*node
	for _, a := range r.attributes {
		n := word(a.name + " " + a.kind)
		n.optional = !a.key
		parts = append(parts, n)
	}
	parts = append(parts, word("PRIMARY KEY ("+strings.Join(r.keys(), ", ")+")"))
	for _, k := range r.tail {
		n := word(k)
		n.optional = true
		parts = append(parts, n)
	}
	return seq("CREATE TABLE "+r.name+" (", &node{kids: parts, sep: ", ", least: fixed}, ")"+r.options)
}

// kinds are what a column that is no key can be.
func (a *author) column(name string) attribute {
	null := a.chance(75)
	c := attribute{name: name, null: null}
	charset := pick(a.generator, "", "", " COLLATE utf8mb4_bin", " COLLATE utf8mb4_unicode_ci", " CHARACTER SET latin1")
	switch a.r.IntN(22) {
	case 0, 1, 2, 3:
		c.family, c.kind = integer, pick(a.generator, "INT", "INT", "SMALLINT", "BIGINT", "MEDIUMINT", "TINYINT")
	case 4, 5:
		c.family, c.kind = unsigned, pick(a.generator, "BIGINT UNSIGNED", "INT UNSIGNED")
	case 6, 7, 8:
		c.family, c.kind = decimal, pick(a.generator, "DECIMAL(12,3)", "DECIMAL(30,10)", "DECIMAL(7,3) UNSIGNED")
	case 9:
		c.family, c.kind = double, "DOUBLE"
	case 10, 11, 12, 13:
		c.family = text
		c.kind = pick(a.generator, "VARCHAR(20)", "VARCHAR(20)", "CHAR(9)", "TEXT") + charset
	case 14:
		c.family, c.kind, c.exact = bytes, pick(a.generator, "VARBINARY(30)", "BLOB"), true
	case 15, 16:
		c.family, c.kind = date, "DATE"
	case 17, 18:
		c.family, c.kind = moment, pick(a.generator, "DATETIME", "DATETIME(3)", "DATETIME(6)")
	case 19:
		c.family, c.kind = span, pick(a.generator, "TIME", "TIME(2)")
	case 20:
		c.family, c.kind, c.values = other, "ENUM('b','a','c')", []string{"'a'", "'b'", "'c'"}
	case 21:
		c.family, c.values = other, []string{"0", "1", "2"}
		c.kind = pick(a.generator, "BIT(2)", "BOOL", "YEAR")
		if c.kind == "YEAR" {
			c.values = []string{"2001", "1999", "0"}
		}
	}
	if c.family == unsigned && c.kind == "INT UNSIGNED" {
		c.values = []string{"0", "1", "7", "40"}
	}
	switch c.kind {
	case "TINYINT", "DECIMAL(7,3) UNSIGNED":
		c.values = []string{"0", "1", "5", "7.000", "40"}
		if c.family == integer {
			c.values = []string{"0", "1", "-5", "7", "40"}
		}
	}
	if !null {
		c.kind += " NOT NULL"
	}
	if len(c.values) == 0 && a.chance(30) && !strings.HasPrefix(c.kind, "BLOB") && !strings.HasPrefix(c.kind, "TEXT") {
		c.kind += " DEFAULT " + a.constant(c).String()
	}
	return c
}

// keyColumn is what a table is sharded by.
func (a *author) keyColumn(name string, whole bool) attribute {
	c := attribute{name: name, key: true}
	n := a.r.IntN(12)
	if whole {
		n = 0
	}
	switch n {
	case 6:
		c.family, c.kind = text, "VARCHAR(20)"+pick(a.generator, "", " COLLATE utf8mb4_bin", " COLLATE utf8mb4_unicode_ci")
	case 7:
		c.family, c.kind = text, "CHAR(8) CHARACTER SET latin1"
	case 8:
		c.family, c.kind = decimal, "DECIMAL(8,3)"
	case 9:
		c.family, c.kind = date, "DATE"
	case 10:
		c.family, c.kind = moment, "DATETIME(3)"
	case 11:
		c.family, c.kind = bytes, "VARBINARY(12)"
		c.exact = true
	default:
		c.family, c.kind = integer, pick(a.generator, "INT", "INT", "BIGINT", "SMALLINT")
	}
	c.kind += " NOT NULL"
	return c
}

// relation draws a table; its name says by which rule it is placed.
func (a *author) relation(name string) *relation {
	r := &relation{name: name, options: charset}
	key, two := a.keyColumn("id", slices.Contains(bounded, name)), a.chance(25)
	switch name[0] {
	case 'k':
		two = true
	case 'y':
		key = attribute{name: "id", key: true, family: date, kind: "DATE NOT NULL"}
		if a.chance(50) {
			key.family, key.kind = moment, "DATETIME(3) NOT NULL"
		}
	case 'q':
		key = a.groupKey
	}
	r.attributes = append(r.attributes, key)
	if two {
		r.attributes = append(r.attributes, attribute{name: "id2", family: integer, kind: "INT NOT NULL", key: true})
	}
	r.attributes = append(r.attributes, attribute{name: "n", family: integer, kind: "INT", null: true})
	for i := range a.r.IntN(5) + 2 {
		r.attributes = append(r.attributes, a.column(fmt.Sprintf("c%d", i)))
	}
	if a.chance(30) {
		r.attributes = append(r.attributes, attribute{name: "v", family: integer, kind: "INT AS (n + 1) " + pick(a.generator, "VIRTUAL", "STORED"), null: true, made: true})
	}
	if a.chance(40) {
		r.tail = append(r.tail, "KEY (n)")
	}
	if a.chance(20) {
		r.tail = append(r.tail, "UNIQUE KEY u ("+strings.Join(r.keys(), ", ")+", n)")
	}
	return r
}

// literalFor draws a value that a column takes.
func (a *author) literalFor(r *relation, c attribute) *node {
	switch {
	case c.null && a.chance(15):
		return value(nil)
	case c.key && c.name == "id2":
		return value(int64(a.r.IntN(3)))
	case c.key && c.family == integer:
		return value(int64(a.r.IntN(highestKey-lowestKey+1) + lowestKey))
	case c.key && c.family == text && !strings.Contains(c.kind, "latin1"):
		return value(a.value(text).(string) + pick(a.generator, "", "", "1", "2"))
	}
	return a.constant(c)
}

// constant is a value of a column's family, not NULL.
func (a *author) constant(c attribute) *node {
	if len(c.values) > 0 {
		v := c.values[a.r.IntN(len(c.values))]
		if strings.HasPrefix(v, "'") {
			return value(strings.Trim(v, "'"))
		}
		if n, err := strconv.ParseInt(v, 10, 64); err == nil {
			return value(n)
		}
		return value(raw(v))
	}
	if c.family == bytes {
		return value(pick(a.generator, "", "a", "A", "a ", "ab", "\x00", "a\x00", "b", "zz"))
	}
	if c.family == text && strings.Contains(c.kind, "latin1") {
		return value(pick(a.generator, "", "a", "A", "á", "a ", "ab", "ß", "s", "zeta", "ñ", "10"))
	}
	return value(a.value(c.family))
}
