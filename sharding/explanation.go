package sharding

import "slices"

// Explanation is a plan for programs: what ExplainRow says to people, with the merge taken apart.
type Explanation struct {
	Kind   string          `json:"kind"`
	Why    string          `json:"why"`
	Write  bool            `json:"write"`
	Shards []string        `json:"shards"` // that take part, each once
	Merge  *ExplainedMerge `json:"merge,omitempty"`
	Steps  []ExplainRow    `json:"steps"`
}

// ExplainedMerge is a Merge with columns counted from 1. The client sees the first Visible of them.
type ExplainedMerge struct {
	Visible    int                  `json:"visible"`
	Grouped    bool                 `json:"grouped,omitempty"`
	GroupBy    []ExplainedKey       `json:"group_by,omitempty"`
	Aggregates []ExplainedAggregate `json:"aggregates,omitempty"`
	Computed   []int                `json:"computed,omitempty"` // columns that a server computes of merged ones
	Having     bool                 `json:"having,omitempty"`
	Distinct   []ExplainedKey       `json:"distinct,omitempty"`
	OrderBy    []ExplainedKey       `json:"order_by,omitempty"`
	Sorted     bool                 `json:"shards_sort,omitempty"` // each shard's rows come in order
	Offset     uint64               `json:"offset,omitempty"`
	Limit      *uint64              `json:"limit,omitempty"`
}

// ExplainedKey is a column that rows are compared by; Weight is the hidden column with its weight, 0 without.
type ExplainedKey struct {
	Column     int  `json:"column"`
	Weight     int  `json:"weight,omitempty"`
	Descending bool `json:"descending,omitempty"`
}

// ExplainedAggregate is a column whose partial values are joined.
type ExplainedAggregate struct {
	Column   int    `json:"column"`
	Function string `json:"function"`
}

// Explanation describes a plan for programs (EXPLAIN LOCKSTEP FORMAT=JSON).
func (st *Statement) Explanation(p *Plan, in *Inputs, schema *Schema) *Explanation {
	e := &Explanation{Steps: st.Explain(p, in, schema), Why: p.Why, Write: p.Write, Shards: []string{}}
	inner := st
	if st.Kind == KindExplainLockstep {
		inner = st.Inner
	}
	e.Kind = inner.Kind.String()
	for _, s := range e.Steps {
		if s.Shard != "" && !slices.Contains(e.Shards, s.Shard) {
			e.Shards = append(e.Shards, s.Shard)
		}
	}
	if p.Merge != nil && len(p.Targets) > 1 {
		e.Merge = explainMerge(p.Merge)
	}
	return e
}

func explainMerge(m *Merge) *ExplainedMerge {
	e := &ExplainedMerge{Visible: m.Visible, Grouped: m.Group, Sorted: m.Sorted, Offset: m.Offset}
	if m.Limit != NoLimit {
		e.Limit = &m.Limit
	}
	if m.Group {
		e.GroupBy = explainKeys(m.GroupKeys)
		for _, a := range m.Aggregates {
			e.Aggregates = append(e.Aggregates, ExplainedAggregate{Column: a.Column + 1, Function: a.Func.String()})
		}
	}
	if c := m.Compute; c != nil {
		for _, o := range c.Outputs {
			e.Computed = append(e.Computed, o.Column+1)
		}
		e.Having = c.Having != nil
	}
	if m.Late != nil {
		for _, o := range m.Late.Outputs {
			e.Computed = append(e.Computed, o.Column+1)
		}
	}
	if m.Distinct {
		e.Distinct = explainKeys(m.DistinctKeys)
	}
	for _, k := range m.OrderBy {
		key := explainKeys([]Key{k.Key})[0]
		key.Descending = k.Desc
		e.OrderBy = append(e.OrderBy, key)
	}
	return e
}

func explainKeys(keys []Key) []ExplainedKey {
	var list []ExplainedKey
	for _, k := range keys {
		list = append(list, ExplainedKey{Column: k.Column + 1, Weight: k.Weight + 1})
	}
	return list
}
