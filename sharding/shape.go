package sharding

import (
	"bytes"
	"hash/maphash"
)

// shapeSeed keeps clients from choosing texts that collide.
var shapeSeed = maphash.MakeSeed()

// shapeKey is a text as the plan cache sees it: its bytes between the literals, and the literals' kinds. A prepared
// text has no literals lifted out.
type shapeKey struct {
	env      *Env
	text     []byte
	lits     []Literal
	prepared bool
	hash     uint64
}

// scan finds the literals and hashes the rest. ok is false for a text that cannot be cut into tokens.
func (k *shapeKey) scan(lits []Literal) (_ []Literal, ok bool) {
	if !readable(classifyCharset(k.env.Charset), k.text) {
		return lits, false // compile says why
	}
	var h maphash.Hash
	h.SetSeed(shapeSeed)
	s := newScanner(k.env, k.text)
	at := 0
	for {
		t := s.nextLiteral()
		switch t.kind {
		case tokEOF:
			h.Write(k.text[at:])
			k.hash = h.Sum64()
			return lits, true
		case tokBad:
			return lits, false
		case tokLiteral:
			h.Write(k.text[at:t.start])
			h.WriteByte(byte(t.lit))
			at = t.end
			lits = append(lits, Literal{Start: t.start, End: t.end, Kind: t.lit})
		}
	}
}

// equal compares two keys of equal hash.
func (k *shapeKey) equal(o *shapeKey) bool {
	if k.prepared != o.prepared || len(k.lits) != len(o.lits) || *k.env != *o.env {
		return false
	}
	a, b := 0, 0
	for i := range k.lits {
		if k.lits[i].Kind != o.lits[i].Kind || !bytes.Equal(k.text[a:k.lits[i].Start], o.text[b:o.lits[i].Start]) {
			return false
		}
		a, b = k.lits[i].End, o.lits[i].End
	}
	return bytes.Equal(k.text[a:], o.text[b:])
}

// samePinned says whether the literals whose values shape the plan are the same.
func (k *shapeKey) samePinned(o *shapeKey, pinned []int) bool {
	if k.prepared {
		return true // the whole text is the shape
	}
	for _, i := range pinned {
		a, b := k.lits[i], o.lits[i]
		if !bytes.Equal(k.text[a.Start:a.End], o.text[b.Start:b.End]) {
			return false
		}
	}
	return true
}

// clone is a key that owns its memory.
func (k *shapeKey) clone() shapeKey {
	env := *k.env
	return shapeKey{env: &env, text: bytes.Clone(k.text), lits: append([]Literal(nil), k.lits...), prepared: k.prepared, hash: k.hash}
}
