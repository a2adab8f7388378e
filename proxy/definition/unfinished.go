package definition

import (
	"fmt"
	"slices"
	"strings"
)

// Statement is one statement that has left records: its rows on all shards, with what the shards have now.
type Statement struct {
	ID     string
	Intent Intent // of the first shard that has a row
	Shards []ShardState
}

// ShardState is how a statement stands on one of its shards.
type ShardState struct {
	Shard  string
	Record *Record // nil: the shard has no row
	Now    []Definition
	Known  bool // the shard answered
	Done   bool // the statement was done there
	Doubt  bool // whether it was done cannot be told from the definition (TRUNCATE)
}

// Statements joins the shards' records, and finds out where each statement was done.
func Statements(list []*Inventory) []Statement {
	byShard := map[string]*Inventory{}
	var order []string
	intents := map[string]Intent{}
	for _, inv := range list {
		byShard[inv.Shard] = inv
		for i := range inv.Records {
			r := &inv.Records[i]
			if _, met := intents[r.ID]; !met {
				intents[r.ID] = r.Intent
				order = append(order, r.ID)
			}
		}
	}
	var out []Statement
	for _, id := range order {
		st := Statement{ID: id, Intent: intents[id]}
		for _, shard := range st.Intent.Shards {
			st.Shards = append(st.Shards, stateOn(byShard[shard], shard, id, &st.Intent))
		}
		out = append(out, st)
	}
	// Rows on some shards only: either none was to run yet, or all had and the rows were on their way out.
	for i := range out {
		out[i].fillGaps()
	}
	return out
}

func stateOn(inv *Inventory, shard, id string, in *Intent) ShardState {
	s := ShardState{Shard: shard}
	if inv == nil || inv.Err != nil {
		return s
	}
	s.Known = true
	for _, o := range in.Objects {
		s.Now = append(s.Now, inv.Definitions[o])
	}
	for i := range inv.Records {
		if inv.Records[i].ID == id {
			s.Record = &inv.Records[i]
		}
	}
	if s.Record == nil {
		return s
	}
	changed := !slices.Equal(s.Now, s.Record.Before)
	s.Done = s.Record.State == Done || changed
	s.Doubt = !s.Done && s.Record.State == Intended && strings.HasPrefix(in.Verb, "truncate")
	return s
}

func (st *Statement) fillGaps() {
	gaps, doneWithRow := false, false
	for i := range st.Shards {
		s := &st.Shards[i]
		gaps = gaps || s.Known && s.Record == nil
		doneWithRow = doneWithRow || s.Record != nil && s.Done
	}
	if !gaps {
		return
	}
	for i := range st.Shards {
		if s := &st.Shards[i]; s.Known && s.Record == nil {
			s.Done = doneWithRow
		} else {
			s.Doubt = false
		}
	}
}

// Running says on which shard a server is still at work on it.
func (st *Statement) Running() (shard string, running bool) {
	for _, s := range st.Shards {
		if s.Record != nil && s.Record.Running {
			return s.Shard, true
		}
	}
	return "", false
}

// Whole says whether all shards are alike: the statement was done on all of them, or on none.
func (st *Statement) Whole() bool {
	for _, s := range st.Shards {
		if !s.Known || s.Doubt || s.Done != st.Shards[0].Done {
			return false
		}
	}
	return true
}

// describe is a finding for people and programs.
func (st *Statement) describe() Difference {
	d := Difference{Object: objectNames(st.Intent.Objects), What: Unfinished, Detail: []string{st.Intent.Received, "record " + st.ID + " of proxy " + st.Intent.Coordinator}}
	for _, s := range st.Shards {
		state := "not done"
		switch {
		case !s.Known:
			state = "not known"
		case s.Record != nil && s.Record.Running:
			state = "running " + s.Record.Progress
		case s.Done:
			state = "done"
		case s.Doubt:
			state = "perhaps done"
		case s.Record != nil && s.Record.Error != "":
			state = "failed: " + s.Record.Error
		}
		if !s.Done {
			d.Shards = append(d.Shards, s.Shard)
		}
		d.Detail = append(d.Detail, fmt.Sprintf("%s: %s", s.Shard, state))
	}
	if d.Shards == nil {
		d.Shards = st.Intent.Shards
	}
	return d
}

func objectNames(list []Object) string {
	var names []string
	for _, o := range list {
		names = append(names, o.String())
	}
	return strings.Join(names, ", ")
}
