package sharding

import (
	"fmt"
	"strings"
)

// explainScratch prints what is loaded from where, and what runs on the scratch server then.
func (st *Statement) explainScratch(s *Scratch, in *Inputs, text string) []ExplainRow {
	home := st.schema.shards[s.Shard]
	var rows []ExplainRow
	for i := range s.Loads {
		l := &s.Loads[i]
		if l.InPlace {
			rows = append(rows, ExplainRow{Step: "in place", Shard: home, Statement: "table " + l.Table.Name + " is there"})
			continue
		}
		var more []string
		for _, f := range l.Follows() {
			more = append(more, string(appendName(nil, f.Own))+" IN ("+f.values(s)+")")
		}
		rows = append(rows, st.explainLoad(l, more, in)...)
	}
	if s.SQL != nil {
		text = strings.TrimSpace(string(s.SQL))
	}
	return append(rows, ExplainRow{Step: "scratch", Shard: home, Statement: text})
}

// explainLoad plans the query that loads a table, as it will be when it is run.
func (st *Statement) explainLoad(l *ScratchLoad, more []string, in *Inputs) []ExplainRow {
	query, shown := l.Query(true, nil), ""
	if len(more) > 0 {
		shown = " -- if that is few: " + strings.Join(more, " AND ")
	}
	failed := func(err error) []ExplainRow {
		return []ExplainRow{{Step: "load", Statement: fmt.Sprintf("%s (%v)", query, err)}}
	}
	env := st.env
	read, _, err := compile(st.schema, &env, query, false)
	if err != nil {
		return failed(err)
	}
	key := shapeKey{env: &env, text: query}
	lits, _ := key.scan(nil)
	own := *in
	own.SQL, own.Literals, own.Params, own.MayScratch = query, lits, nil, false
	var plan Plan
	if err := read.Plan(&plan, &own); err != nil {
		return failed(err)
	}
	var rows []ExplainRow
	for _, t := range plan.Targets {
		sql := query
		if t.SQL != nil {
			sql = t.SQL
		}
		rows = append(rows, ExplainRow{Step: "load", Shard: st.schema.shards[t.Shard], Statement: string(sql) + shown})
	}
	return rows
}

// values says in words what the values are.
func (f *ScratchFollow) values(s *Scratch) string {
	return "the values of " + s.Loads[f.Load].Table.Name + "." + f.Column
}
