package sharding

import "strings"

// ValuesRow finds the row of an INSERT … VALUES (…) that holds all parameters of the statement, so that
// the row can be repeated for others: bytes [from, to) with its parentheses. false: there is none, or not just one.
func ValuesRow(env Env, sql []byte) (from, to int, ok bool) {
	s := newScanner(&env, sql)
	const (
		before = iota
		values // the keyword has passed
		row
		behind
	)
	state, depth, first := before, 0, false
	for {
		t := s.next()
		switch {
		case t.kind == tokEOF:
			if state != behind {
				return 0, 0, false
			}
			return from, to, true
		case t.kind == tokBad || t.kind == tokParam && state != row || s.conditional:
			return 0, 0, false
		case t.kind == tokWord && state == before && depth == 0 && !t.afterDot:
			if word := strings.ToUpper(string(sql[t.start:t.end])); word == "VALUES" || word == "VALUE" {
				state = values
			}
			continue
		}
		punct := byte(0)
		if t.kind == tokPunct {
			punct = sql[t.start]
		}
		switch {
		case state == values && punct != '(':
			return 0, 0, false
		case state == behind && punct == ',' && first:
			return 0, 0, false // a second row
		}
		first = false
		switch punct {
		case '(':
			if state == values {
				state, from = row, t.start
			}
			depth++
		case ')':
			if depth--; state == row && depth == 0 {
				state, to, first = behind, t.end, true
			}
		}
	}
}

// AssignedColumn is the column of an UPDATE's SET to which the parameter at a byte of sql is assigned by itself
// (SET …, column = ?, …), as it is written there. false: the parameter stands elsewhere, or is part of an expression.
func AssignedColumn(env Env, sql []byte, mark int) (column string, ok bool) {
	s := newScanner(&env, sql)
	name := func(t token) bool { return t.kind == tokWord || t.kind == tokQuoted }
	is := func(t token, c byte) bool { return t.kind == tokPunct && t.end == t.start+1 && sql[t.start] == c }
	word := func(t token) string {
		if t.kind != tokWord {
			return ""
		}
		return strings.ToUpper(string(sql[t.start:t.end]))
	}
	set := false
	var from, to int  // of the name that was read last
	var last [2]token // before the current one
	begins := false   // the name stands behind SET or a comma
	for t := s.next(); t.kind != tokEOF && t.kind != tokBad; t = s.next() {
		switch {
		case t.kind == tokParam && t.start == mark:
			if !set || !begins || !is(last[1], '=') || last[0].end != to {
				return "", false
			}
			after := s.next()
			switch w := word(after); {
			case after.kind == tokEOF, is(after, ','), w == "WHERE", w == "ORDER", w == "LIMIT":
				return string(sql[from:to]), true
			}
			return "", false
		case word(t) == "SET" && !t.afterDot:
			set = true
		case word(t) == "WHERE" && !t.afterDot:
			set = false
		case name(t) && t.afterDot && last[1].end > 0 && is(last[1], '.'):
			to = t.end // a qualified name goes on
		case name(t):
			from, to = t.start, t.end
			begins = is(last[1], ',') || word(last[1]) == "SET"
		}
		last[0], last[1] = last[1], t
	}
	return "", false
}
