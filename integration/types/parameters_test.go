package types

import (
	"fmt"
	"strings"
	"testing"

	"lockstep/integration/wireclient"
)

const flagUnsigned = 0x20

// bindable is the type in which a client binds what a server tells as a type that servers take from nobody.
func bindable(kind byte) byte {
	switch kind {
	case 0x09: // INT24
		return 0x03
	case 0x0d: // YEAR
		return 0x02
	case 0x10, 0xf2, 0xff: // BIT, VECTOR, GEOMETRY
		return kindBlob
	}
	return kind
}

// bound are the type's values as a client would bind them: in the form in which it reads them from a prepared
// statement, or as strings.
func (k *kind) bound(t *testing.T, c *wireclient.Conn, binary bool) []param {
	t.Helper()
	q := question{sql: fmt.Sprintf("SELECT v FROM %s ORDER BY id", k.name), binary: binary}
	answers, err := q.ask(c)
	if err != nil {
		t.Fatalf("%v: %v", &q, err)
	}
	r := answers[len(answers)-1].Results[0]
	if len(r.Columns) != 1 {
		t.Fatalf("%v: %v", &q, answers[len(answers)-1].Lines())
	}
	p := param{kind: bindable(r.Columns[0].Type), unsigned: r.Columns[0].Flags&flagUnsigned != 0}
	if !binary {
		p = param{kind: kindString}
	}
	var list []param
	for _, row := range r.Rows {
		p.value = row.Fields[0]
		list = append(list, p)
	}
	return list
}

// parameters binds each value of each type, where one shard is asked and where several are.
func (p *pair) parameters(t *testing.T) {
	b := p.dial(t, "d", 0)
	b.run(t, "SET sql_mode = ''")
	for i := range kinds {
		k := &kinds[i]
		if k.on != "" && k.on != p.engine || strings.Contains(k.definition, "VIRTUAL") {
			continue
		}
		for _, binary := range []bool{true, false} {
			name, way := k.name+"_s", "as text"
			if binary {
				name, way = k.name+"_b", "as itself"
			}
			b.run(t, fmt.Sprintf("CREATE TABLE %s (id INT PRIMARY KEY, v %s)", name, k.definition))
			values := k.bound(t, b.plain, binary)
			var insert, echo, one [][]param
			for i, v := range values {
				insert = append(insert, []param{{kind: 0x03, value: []byte{byte(i + 1), 0, 0, 0}}, v})
				echo = append(echo, []param{v, v})
				one = append(one, []param{v})
			}
			again := append(append([][]param{}, one...), one...) // types and values change between executions
			for _, q := range []question{
				{query: "insert " + way, sql: fmt.Sprintf("INSERT INTO %s (id, v) VALUES (?, ?)", name), params: insert},
				{query: "inserted " + way, sql: fmt.Sprintf("SELECT id, v, HEX(v) FROM %s ORDER BY id", name)},
				{query: "echo " + way, sql: "SELECT ?, LENGTH(?)", params: echo},
				{query: "where " + way, sql: fmt.Sprintf("SELECT id FROM %s WHERE v = ? ORDER BY id", k.name), params: again},
				{query: "where one " + way, sql: fmt.Sprintf("SELECT id FROM %s WHERE id = 2 AND v <=> ?", k.name), params: again},
				{query: "update " + way, sql: fmt.Sprintf("UPDATE %s SET v = ?", name), params: one[max(0, len(one)-2):]},
				{query: "updated " + way, sql: fmt.Sprintf("SELECT id, HEX(v) FROM %s ORDER BY id", name)},
			} {
				q.kind, q.binary = k.name, true
				p.compare(t, b, &q)
			}
		}
	}
}
