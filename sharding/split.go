package sharding

import "strings"

// Split cuts a COM_QUERY text into its statements (at ';' outside quotes and comments;
// respects BEGIN…END bodies of procedures as far as CREATE PROCEDURE/TRIGGER/FUNCTION/EVENT goes). The parts alias sql.
// Empty parts are left out, except that a text with nothing else is one part.
func Split(env Env, sql []byte) [][]byte {
	s := newScanner(&env, sql)
	var parts [][]byte
	b := bodyTracker{}
	start, tokens := 0, 0
	for {
		t := s.next()
		switch {
		case t.kind == tokEOF || t.kind == tokBad:
			if tokens > 0 || t.kind == tokBad || len(parts) == 0 {
				parts = append(parts, sql[start:])
			}
			return parts
		case t.kind == tokPunct && sql[t.start] == ';' && b.depth == 0:
			if tokens > 0 {
				parts = append(parts, sql[start:t.start])
			}
			start, tokens, b = t.end, 0, bodyTracker{}
			continue
		case t.kind == tokWord && !t.afterDot:
			b.word(strings.ToUpper(string(sql[t.start:min(t.end, t.start+24)])))
		case t.kind == tokPunct:
			b.last = string(sql[t.start:t.end])
		default:
			b.last = ""
		}
		tokens++
	}
}

// bodyTracker follows the nesting of a stored program's body.
type bodyTracker struct {
	words  int
	create bool
	inBody bool // a stored program: its ';' may be inside
	depth  int
	last   string
	end    bool // the last word was END
}

func (b *bodyTracker) word(w string) {
	b.words++
	last := b.last
	b.last = w
	if b.end {
		b.end = false
		switch w {
		case "IF", "CASE", "LOOP", "REPEAT", "WHILE":
			return // END IF
		}
	}
	switch {
	case b.words == 1:
		b.create = w == "CREATE" || w == "ALTER"
	case b.words == 2 && w == "NOT" && last == "BEGIN":
		b.inBody, b.depth = true, 1
		return
	}
	if b.create && !b.inBody && b.words < 16 {
		switch w {
		case "PROCEDURE", "FUNCTION", "TRIGGER", "EVENT", "PACKAGE":
			b.inBody = true
		case "TABLE", "VIEW", "INDEX", "DATABASE", "SCHEMA", "USER":
			b.create = false
		}
		return
	}
	if !b.inBody {
		return
	}
	opens := last == ";" || last == ":" || last == "BEGIN" || last == "THEN" || last == "ELSE" || last == "DO" || last == "LOOP" || last == "REPEAT"
	switch w {
	case "BEGIN", "CASE":
		b.depth++
	case "IF", "LOOP", "REPEAT", "WHILE":
		if opens && b.depth > 0 {
			b.depth++
		}
	case "END":
		if b.depth > 0 {
			b.depth--
			b.end = true
		}
	}
}
