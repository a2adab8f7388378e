package sharding

import (
	"fmt"
	"sort"
	"strconv"
)

// template is a text with slots. It is made from spans of the compiled text, so that everything else in it stays as the
// client wrote it.
type template struct{ pieces []piece }

type pieceKind uint8

const (
	pieceText      pieceKind = iota
	pieceLiteral             // literal n of this execution
	pieceParam               // parameter n
	pieceDatabase            // the physical name of database text on the target shard
	pieceSlot                // session slot n
	pieceLimit               // offset + count of the statement's LIMIT
	pieceEvaluated           // value n of Inputs.Evaluated
	pieceID                  // the AUTO_INCREMENT value of the row that is written
	pieceValue               // value n that a Change's query works out
)

type piece struct {
	kind pieceKind
	n    int
	text string
}

// edit replaces bytes [start, end) of the compiled text.
type edit struct {
	start, end int
	with       []piece
}

func (t *template) addText(s string) {
	if s == "" {
		return
	}
	if n := len(t.pieces); n > 0 && t.pieces[n-1].kind == pieceText {
		t.pieces[n-1].text += s
		return
	}
	t.pieces = append(t.pieces, piece{kind: pieceText, text: s})
}

func (t *template) add(p piece) {
	if p.kind == pieceText {
		t.addText(p.text)
		return
	}
	t.pieces = append(t.pieces, p)
}

// appendSpan adds bytes [start, end) of the compiled text, with its literals and parameters as slots and the compiler's
// edits applied. An insertion belongs to the span that ends at it.
func (c *compiler) appendSpan(t *template, start, end int) {
	lit, par := 0, 0
	skip := func(at int) {
		for lit < len(c.lits) && c.lits[lit].Start < at {
			lit++
		}
		for par < len(c.params) && c.params[par] < at {
			par++
		}
	}
	lit = sort.Search(len(c.lits), func(i int) bool { return c.lits[i].Start >= start })
	par = sort.SearchInts(c.params, start)
	ed := sort.Search(len(c.edits), func(i int) bool { e := &c.edits[i]; return e.start > start || e.start == start && e.end > start })
	for at := start; ; {
		next, kind := end, pieceText
		if lit < len(c.lits) && c.lits[lit].Start < next {
			next, kind = c.lits[lit].Start, pieceLiteral
		}
		if par < len(c.params) && c.params[par] < next {
			next, kind = c.params[par], pieceParam
		}
		if ed < len(c.edits) && c.edits[ed].start <= next && c.edits[ed].end <= end {
			e := &c.edits[ed]
			ed++
			t.addText(c.src[at:e.start])
			for _, p := range e.with {
				t.add(p)
			}
			at = e.end
			skip(at)
			continue
		}
		t.addText(c.src[at:next])
		switch kind {
		case pieceLiteral:
			t.add(piece{kind: pieceLiteral, n: lit})
			at = c.lits[lit].End
			lit++
		case pieceParam:
			t.add(piece{kind: pieceParam, n: par})
			at = next + 1
			par++
		default:
			return
		}
	}
}

// render appends the text for one shard.
func (t *template) render(dst []byte, x *execution, shard int) ([]byte, error) {
	var err error
	for i := range t.pieces {
		p := &t.pieces[i]
		switch p.kind {
		case pieceText:
			dst = append(dst, p.text...)
		case pieceLiteral:
			if p.n >= len(x.lits) {
				return dst, fmt.Errorf("render statement: literal %d is not there", p.n)
			}
			dst = append(dst, x.sql[x.lits[p.n].Start:x.lits[p.n].End]...)
		case pieceParam:
			if x.in.AppendParam == nil {
				return dst, fmt.Errorf("render statement: parameter %d has no text", p.n)
			}
			if dst, err = x.in.AppendParam(dst, p.n); err != nil {
				return dst, fmt.Errorf("write parameter %d into the statement: %w", p.n+1, err)
			}
		case pieceDatabase:
			dst = appendName(dst, x.physical(shard, p.text))
		case pieceSlot:
			dst = x.st.slots[p.n].append(dst, x)
		case pieceLimit:
			dst = strconv.AppendUint(dst, x.pushedLimit, 10)
		case pieceEvaluated:
			if p.n >= len(x.in.Evaluated) {
				return dst, fmt.Errorf("render statement: value %d has not been worked out", p.n)
			}
			dst = append(dst, x.in.Evaluated[p.n].Text...)
		case pieceID:
			dst = strconv.AppendUint(dst, x.ids[x.row], 10)
		}
	}
	return dst, nil
}

// appendName appends a quoted name.
func appendName(dst []byte, name string) []byte {
	dst = append(dst, '`')
	for i := 0; i < len(name); i++ {
		if name[i] == '`' {
			dst = append(dst, '`')
		}
		dst = append(dst, name[i])
	}
	return append(dst, '`')
}
