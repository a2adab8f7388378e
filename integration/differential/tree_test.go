package differential

import (
	"slices"
	"strings"
)

// node is a piece of SQL that knows how it can be made smaller: the shrinker needs no knowledge of SQL.
type node struct {
	text     string // of a leaf
	value    any    // of a leaf that is a literal; a prepared statement has a parameter there
	literal  bool
	kids     []*node
	sep      string
	least    int     // kids that have to stay; fixed: all
	optional bool    // may be left out
	smaller  []*node // may stand in its place

	gone bool
	as   *node // stands in its place
}

const fixed = -1

// seq puts strings and nodes behind each other.
func seq(parts ...any) *node {
	n := &node{least: fixed}
	for _, p := range parts {
		switch p := p.(type) {
		case string:
			n.kids = append(n.kids, &node{text: p})
		case *node:
			n.kids = append(n.kids, p)
		}
	}
	return n
}

func word(text string) *node { return &node{text: text} }

// maybe is seq that may be left out.
func maybe(parts ...any) *node {
	n := seq(parts...)
	n.optional = true
	return n
}

// list is what stands between separators; least of its kids stay.
func list(sep string, least int, kids ...*node) *node {
	return &node{kids: kids, sep: sep, least: least}
}

// or says what n may be replaced by.
func (n *node) or(smaller ...*node) *node {
	n.smaller = append(n.smaller, smaller...)
	return n
}

// value is a literal.
func value(v any) *node { return &node{text: quoted(v), value: v, literal: true} }

// rendering is the text of a tree, with what is in it.
type rendering struct {
	text     strings.Builder
	bind     bool
	args     []any
	rendered []*node
}

func (r *rendering) add(n *node) {
	for n.as != nil {
		n = n.as
	}
	if n.gone {
		return
	}
	r.rendered = append(r.rendered, n)
	if n.literal && r.bind {
		v := n.value
		if number, ok := v.(raw); ok {
			v = string(number)
		}
		r.args = append(r.args, v)
		r.text.WriteByte('?')
		return
	}
	r.text.WriteString(n.text)
	shown := 0
	for _, k := range n.kids {
		if k.gone && k.as == nil {
			continue
		}
		if shown++; shown > 1 {
			r.text.WriteString(n.sep)
		}
		r.add(k)
	}
}

// render gives the text, and with bind the parameters' values.
func (n *node) render(bind bool) *rendering {
	r := &rendering{bind: bind}
	r.add(n)
	return r
}

func (n *node) String() string { return n.render(false).text.String() }

// literals is the text with its literals as a driver binds them: numbers that are no integers as strings.
func (n *node) literals() string {
	r := n.render(true)
	return (statement{sql: r.text.String(), args: r.args}).inlined().sql
}

// shows says whether part is rendered whole as a part of n.
func (n *node) shows(part *node) bool {
	r := n.render(false)
	return slices.Contains(r.rendered, part) && part.whole()
}

func (n *node) whole() bool {
	if n.gone || n.as != nil {
		return false
	}
	for _, k := range n.kids {
		if k.gone || k.as != nil {
			return false
		}
	}
	return true
}

// reduce tries everything that makes the tree smaller and keeps what the test still fails with.
func (n *node) reduce(fails func() bool) (changed bool) {
	for n.as != nil {
		n = n.as
	}
	if n.gone {
		return false
	}
	try := func(do, undo func()) bool {
		do()
		if fails() {
			changed = true
			return true
		}
		undo()
		return false
	}
	if n.optional && try(func() { n.gone = true }, func() { n.gone = false }) {
		return true
	}
	for _, s := range n.smaller {
		if try(func() { n.as = s }, func() { n.as = nil }) {
			n.reduce(fails)
			return true
		}
	}
	if n.least != fixed {
		n.drop(fails, &changed)
	}
	for _, k := range n.kids {
		if k.reduce(fails) {
			changed = true
		}
	}
	return changed
}

// drop leaves out a list's kids, in halves first.
func (n *node) drop(fails func() bool, changed *bool) {
	var left []*node
	for _, k := range n.kids {
		if !k.gone {
			left = append(left, k)
		}
	}
	for size := len(left) / 2; size >= 1; size /= 2 {
		for from := 0; from < len(left); {
			part := left[from:min(from+size, len(left))]
			if len(left)-len(part) < n.least {
				from += size
				continue
			}
			for _, k := range part {
				k.gone = true
			}
			if fails() {
				*changed = true
				left = append(slices.Clone(left[:from]), left[from+len(part):]...)
				continue
			}
			for _, k := range part {
				k.gone = false
			}
			from += size
		}
	}
}
