package differential

import (
	"math/rand/v2"
	"strings"
)

// statement is one generated statement, in both forms that a client can send.
type statement struct {
	sql      string
	args     []any // with them sql has a "?" for each
	prepared bool
	ordered  bool // ORDER BY leaves no two orders
	loose    bool // an outer join, which a server may turn into an inner one
	folded   bool // equal strings may stand for each other: groups and extremes of a collation
}

func (s statement) String() string {
	if !s.prepared {
		return s.sql
	}
	var b strings.Builder
	b.WriteString("prepared: " + s.sql + " <-")
	for _, a := range s.args {
		b.WriteString(" " + quoted(a))
	}
	return b.String()
}

// inlined is a prepared statement with its parameters as literals.
func (s statement) inlined() statement {
	var b strings.Builder
	rest := s.sql
	for _, a := range s.args {
		before, after, _ := strings.Cut(rest, "?")
		b.WriteString(before + quoted(a))
		rest = after
	}
	s.sql, s.args = b.String()+rest, nil
	return s
}

type generator struct {
	r           *rand.Rand
	textChanges bool // INSERT, UPDATE, DELETE are not prepared
	prepared    bool
	args        []any
}

func (g *generator) chance(percent int) bool { return g.r.IntN(100) < percent }

func pick[T any](g *generator, list ...T) T { return list[g.r.IntN(len(list))] }

// literal writes a value, or a parameter for it.
func (g *generator) literal(v any) string {
	if !g.prepared {
		return quoted(v)
	}
	if n, ok := v.(raw); ok {
		v = string(n)
	}
	g.args = append(g.args, v)
	return "?"
}

func (g *generator) of(f family) string { return g.literal(g.value(f)) }

// statement draws the next statement: mostly questions.
func (g *generator) statement() statement {
	g.prepared, g.args = g.chance(40), nil
	var s statement
	switch n := g.r.IntN(100); {
	case n < 30:
		s = g.plain()
	case n < 50:
		s = g.grouped()
	case n < 60:
		s = g.joined()
	case n < 85:
		s = g.trapped()
	default:
		g.prepared = g.prepared && !g.textChanges
		s = statement{sql: g.change()}
	}
	s.prepared, s.args = g.prepared, g.args
	s.loose = s.loose || strings.Contains(s.sql, " LEFT JOIN ")
	return s
}
