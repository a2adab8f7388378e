package sharding

import (
	"strings"
)

// finishText makes the text for the shards.
func (x *scatterer) finishText(p *selectPlanner) {
	c := x.c
	t := &template{}
	at := x.fieldsText(t)
	for _, h := range x.extra {
		t.addText(", ")
		for _, piece := range h.pieces {
			t.add(piece)
		}
	}
	// put cuts tokens [from, to) off and returns with the text in front of them written.
	cut := func(from, to int) {
		c.appendSpan(t, at, c.endOf(from-1))
		at = max(at, c.endOf(to-1))
	}
	if len(x.moreGroups) > 0 {
		cut(x.s.groupEnd, x.s.groupEnd)
		before := " GROUP BY "
		if x.sel.GroupBy != nil {
			before = ", "
		}
		for _, span := range x.moreGroups {
			t.addText(before)
			c.appendSpan(t, c.startOf(span[0]), c.endOf(span[1]-1))
			before = ", "
		}
	}
	if x.grouped && x.sel.Having != nil {
		cut(x.s.having[0]-1, x.s.having[1]) // groups are judged when they are whole
	}
	ordered := x.s.orderAt < len(c.toks)
	switch {
	case x.grouped && ordered:
		cut(x.s.orderAt, x.s.orderEnd) // and put in order
	case len(x.merge.Arrival) > 0 && x.sel.Having == nil:
		cut(x.s.groupEnd, x.s.groupEnd)
	}
	if len(x.merge.Arrival) > 0 {
		t.addText(x.arrivalText())
	}
	if x.s.limitAt < len(c.toks) {
		cut(x.s.limitAt, x.s.limitEnd)
		if p.limit != nil && p.limit.push {
			t.addText(" LIMIT ")
			t.add(piece{kind: pieceLimit})
		}
	}
	c.appendSpan(t, at, len(c.src))
	p.parts = t
}

// fieldsText writes everything up to the last visible column and returns where that ends in the text: with columns
// for *, and with those that are computed later as NULL of their type.
func (x *scatterer) fieldsText(t *template) int {
	c := x.c
	end := c.endOf(x.s.fields[len(x.s.fields)-1][1] - 1)
	plain := true
	for i := range x.visible {
		plain = plain && x.visible[i].star == "" && !x.visible[i].computed
	}
	if plain {
		c.appendSpan(t, 0, end)
		return end
	}
	c.appendSpan(t, 0, c.startOf(x.s.fields[0][0]))
	n := 0
	for i, f := range x.sel.Fields.Fields {
		if i > 0 {
			t.addText(", ")
		}
		if f.WildCard == nil {
			x.fieldText(t, &x.visible[n], x.s.fields[i])
			n++
			continue
		}
		for begin := n; n < len(x.visible) && x.visible[n].star != "" && x.visible[n].field == i; n++ {
			if n > begin {
				t.addText(", ")
			}
			t.addText(x.visible[n].star)
		}
	}
	return end
}

func (x *scatterer) fieldText(t *template, o *output, field [2]int) {
	c := x.c
	start, end := c.startOf(field[0]), c.endOf(field[1]-1)
	if !o.computed {
		c.appendSpan(t, start, end)
		return
	}
	t.addText("IF(0, ")
	c.appendSpan(t, start, c.endOf(o.span[1]-1))
	t.addText(", NULL)")
	if o.alias {
		c.appendSpan(t, c.endOf(o.span[1]-1), end)
		return
	}
	c.pinSpan(start, end) // constants are part of the name
	t.addText(" AS " + string(appendName(nil, strings.TrimSpace(c.src[start:end]))))
}
