package types

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"lockstep/localdb"
)

// difference is where the proxy's answer is another than a plain server's, and why that is so.
type difference struct {
	kinds   []string       // of columns; none: all
	queries []string       // names; none: all
	way     string         // "text" or "prepared"; "": both
	on      localdb.Engine // "": both

	refused uint16   // with this error
	fields  []string // of column definitions, and the count of warnings, that differ
	rows    bool     // values differ
	all     bool     // the answer is another
	why     string

	used bool
}

var (
	bits     = []string{"b1", "b7", "b8", "b9", "b33", "b64"}
	extremes = []string{"min", "max", "max by group"}
)

var differences = []difference{
	{kinds: bits, queries: extremes, refused: 1235, why: "a server tells the least BIT as a number, in text, and calls it a BIT"},

	{kinds: bits, queries: []string{"where as itself", "where as text"}, fields: []string{"warnings"}, why: "each shard warns of the same value"},
	{kinds: []string{"tm", "tm6"}, queries: []string{"where as itself", "update as itself", "updated as itself"}, on: localdb.MySQL, all: true, why: "MySQL refuses bound what it takes as a literal: a time that only its fraction takes past the limit"},
	{kinds: []string{"ve"}, queries: []string{"where as itself", "where as text"}, on: localdb.MySQL, all: true, why: "MySQL compares a vector with a bound value, and not with a literal"},
	{queries: []string{"echo as itself", "echo as text", "echo"}, on: localdb.MySQL, fields: []string{"type", "charset", "length", "flags", "decimals", "warnings"}, rows: true,
		why: "MySQL gives a lone ? the type of its first execution, which may have been another client's on the same server connection"},

	{queries: []string{"name"}, on: localdb.MySQL, fields: []string{"warnings"}, why: "each shard warns, and where the column definitions end it is not known yet"},
	{queries: []string{"like bound"}, on: localdb.MySQL, all: true, why: "MySQL has another error for a literal that it cannot convert than for a bound value"},
	{kinds: []string{"utf8mb4_bin"}, fields: []string{"charset", "flags"}, why: "a server names the collation that SET NAMES asked for, and the proxy the character set's default"},
}

// difference is the entry for a question.
func (p *pair) difference(q *question) *difference {
	for i := range differences {
		d := &differences[i]
		if (d.on == "" || d.on == p.engine) && (d.way == "" || (d.way == "prepared") == q.binary) &&
			(d.kinds == nil || slices.Contains(d.kinds, q.kind)) && (d.queries == nil || slices.Contains(d.queries, q.query)) {
			return d
		}
	}
	return nil
}

// unused checks that each entry was needed.
func (p *pair) unused(t *testing.T) {
	for i := range differences {
		d := &differences[i]
		if !d.used && (d.on == "" || d.on == p.engine) {
			t.Errorf("no difference was seen where it is said that %s", d.why)
		}
	}
}

// without leaves out what differs.
func (d *difference) without(lines []string) []string {
	var out []string
	for _, line := range lines {
		switch {
		case strings.HasPrefix(line, "ROW"):
			if d.rows {
				continue
			}
		default:
			for _, f := range d.fields {
				line = regexp.MustCompile(` `+f+`=\S*`).ReplaceAllString(line, "")
			}
		}
		out = append(out, line)
	}
	return out
}
