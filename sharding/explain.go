package sharding

import (
	"fmt"
	"strings"
)

// ExplainRow is a line of EXPLAIN LOCKSTEP.
type ExplainRow struct {
	Step      string `json:"step"`
	Shard     string `json:"shard"`
	Statement string `json:"statement"`
}

// Explain prints a plan for people (EXPLAIN LOCKSTEP): rows of (shard, statement) and the merge steps.
func (st *Statement) Explain(p *Plan, in *Inputs, schema *Schema) []ExplainRow {
	text := string(in.SQL)
	if st.prepared {
		text = string(st.own)
	}
	if st.Kind == KindExplainLockstep {
		st = st.Inner
	}
	text = strings.TrimSpace(text[min(st.start, len(text)):])
	rows := []ExplainRow{{Step: "route", Statement: p.Why}}
	step := "read"
	if p.Write {
		step = "write"
	}
	if p.Evaluate != nil {
		rows = append(rows, ExplainRow{Step: "evaluate", Statement: string(p.Evaluate.Query)})
	}
	if f := p.Fill; f != nil {
		rows = append(rows, ExplainRow{Step: "read", Statement: string(f.Query)},
			ExplainRow{Step: "write", Statement: strings.TrimSpace(string(f.Head)) + " VALUES …" + string(f.Tail)})
	}
	for i := range p.System {
		rows = append(rows, ExplainRow{Step: "gather", Statement: "rows of " + p.System[i].Table.Name + " from all shards, as " + SystemStands + "." + p.System[i].Stand})
	}
	for _, t := range p.Targets {
		r := ExplainRow{Step: step, Statement: text}
		if t.Shard >= 0 && t.Shard < len(schema.Shards()) {
			r.Shard = schema.Shards()[t.Shard]
		}
		if t.SQL != nil {
			r.Statement = strings.TrimSpace(string(t.SQL))
		}
		rows = append(rows, r)
	}
	if p.Scratch != nil {
		rows = append(rows, st.explainScratch(p.Scratch, in, text)...)
	}
	if p.Change != nil {
		rows = append(rows, p.Change.steps()...)
	}
	if p.InsertID != 0 {
		rows = append(rows, ExplainRow{Step: "number", Statement: fmt.Sprintf("AUTO_INCREMENT values from %d", p.InsertID)})
	}
	switch {
	case st.Kind == KindDDL:
		rows = append(rows, ExplainRow{Step: "commit", Statement: "a definition is no part of a transaction: what is open is committed before, and each shard commits its own"})
	case p.Write && len(p.Targets) > 1:
		rows = append(rows, ExplainRow{Step: "commit", Statement: "two-phase commit of all branches that wrote"})
	}
	if len(p.Targets) > 1 && !p.Write {
		rows = append(rows, mergeSteps(p.Merge)...)
	}
	return rows
}

func mergeSteps(m *Merge) []ExplainRow {
	if m == nil {
		return []ExplainRow{{Step: "merge", Statement: "rows of one shard behind those of the other"}}
	}
	var rows []ExplainRow
	add := func(format string, args ...any) {
		rows = append(rows, ExplainRow{Step: "merge", Statement: fmt.Sprintf(format, args...)})
	}
	if m.Group {
		how := ""
		if len(m.Arrival) > 0 {
			how = ", as they come in order"
		}
		add("join groups by %s%s", keyList(m.GroupKeys), how)
		for _, a := range m.Aggregates {
			add("column %d: %s of the shards' values", a.Column+1, a.Func)
		}
	}
	if c := m.Compute; c != nil {
		for _, o := range c.Outputs {
			add("column %d: computed of merged columns by a server", o.Column+1)
		}
		if c.Having != nil {
			add("keep groups that fulfil HAVING")
		}
	}
	if m.Late != nil {
		for _, o := range m.Late.Outputs {
			add("column %d: computed of merged columns by a server, of the rows that are shown", o.Column+1)
		}
	}
	if m.Distinct {
		add("drop rows equal in %s", keyList(m.DistinctKeys))
	}
	if len(m.OrderBy) > 0 {
		var parts []string
		for _, k := range m.OrderBy {
			d := ""
			if k.Desc {
				d = " descending"
			}
			parts = append(parts, fmt.Sprintf("column %d%s%s", k.Column+1, weightText(k.Key), d))
		}
		how := "sort by "
		if m.Sorted {
			how = "merge the sorted rows by "
		}
		add("%s", how+strings.Join(parts, ", "))
	}
	if m.Offset > 0 {
		add("skip %d rows", m.Offset)
	}
	if m.Limit != NoLimit {
		add("stop after %d rows", m.Limit)
	}
	if m.FoundRows {
		add("count all rows for FOUND_ROWS()")
	}
	add("show the first %d columns", m.Visible)
	return rows
}

func keyList(keys []Key) string {
	if len(keys) == 0 {
		return "nothing: all rows are one group"
	}
	var parts []string
	for _, k := range keys {
		parts = append(parts, fmt.Sprintf("column %d%s", k.Column+1, weightText(k)))
	}
	return strings.Join(parts, ", ")
}

func weightText(k Key) string {
	if k.Weight < 0 {
		return ""
	}
	return fmt.Sprintf(" (weight in column %d)", k.Weight+1)
}

func (f AggFunc) String() string {
	return [...]string{"", "COUNT", "SUM", "MIN", "MAX", "AVG", "BIT_AND", "BIT_OR", "BIT_XOR", "COUNT DISTINCT", "SUM DISTINCT"}[f]
}
