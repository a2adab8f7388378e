package sharding

import "strings"

// slotAt is the session slot that begins at a byte of the text, or -1.
func (c *compiler) slotAt(at int) int {
	if i, ok := c.slotStarts[at]; ok {
		return i
	}
	return -1
}

// findSlots makes slots of session functions and variables in tokens [i, end). A variable behind SET's own left sides is
// not looked at: set calls this with the right sides only.
func (c *compiler) findSlots(i, end int) {
	for ; i < end; i++ {
		t := c.toks[i]
		switch t.kind {
		case tokVar:
			system, scope, name := variableParts(c.textOf(i))
			if !system || scope == "global" {
				continue
			}
			kind := slotVariable
			if name == "last_insert_id" || name == "identity" {
				kind = slotLastInsert2
			}
			c.addSlot(slot{kind: kind, name: name, text: c.textOf(i)}, t.start, t.end)
		case tokWord:
			if t.afterDot || c.punct(i+1, '.') {
				continue
			}
			kind, ok := slotFunctions[strings.ToLower(c.textOf(i))]
			if !ok {
				continue
			}
			switch {
			case c.punct(i+1, '(') && c.punct(i+2, ')'):
				c.addSlot(slot{kind: kind, text: c.src[t.start:c.endOf(i+2)]}, t.start, c.endOf(i+2))
			case kind == slotUser && strings.EqualFold(c.textOf(i), "current_user") && !c.punct(i+1, '('):
				c.addSlot(slot{kind: kind, text: c.textOf(i)}, t.start, t.end)
			}
		}
	}
}

func (c *compiler) addSlot(s slot, start, end int) {
	if c.slotStarts == nil {
		c.slotStarts = make(map[int]int)
	}
	c.slotStarts[start] = len(c.st.slots)
	c.edits = append(c.edits, edit{start: start, end: end, with: []piece{{kind: pieceSlot, n: len(c.st.slots)}}})
	c.st.slots = append(c.st.slots, s)
}

// nameFields gives the fields of a SELECT that hold a slot the name that they would have had. fields are token spans.
func (c *compiler) nameFields(fields [][2]int, named func(i int) bool) {
	for i, f := range fields {
		if named(i) {
			continue
		}
		start, end := c.startOf(f[0]), c.endOf(f[1]-1)
		for at := range c.slotStarts {
			if at >= start && at < end {
				alias := string(appendName([]byte(" AS "), c.src[start:end]))
				c.pinSpan(start, end) // constants are part of the name
				c.edits = append(c.edits, edit{start: end, end: end, with: []piece{{kind: pieceText, text: alias}}})
				break
			}
		}
	}
}
