package definition

import (
	"fmt"
	"slices"
	"strings"
)

// Difference is a finding about one object.
type Difference struct {
	Object string   `json:"object"`
	What   string   `json:"what"`             // missing, extra, differs, …
	Shards []string `json:"shards"`           // where
	Like   string   `json:"like,omitempty"`   // the shard that they were compared with
	Detail []string `json:"detail,omitempty"` // lines that are not the same: "- " there, "+ " here
	Repair string   `json:"repair,omitempty"` // what schema repair would do, or why it would not
}

// The values of Difference.What.
const (
	Missing      = "missing"           // not on a shard where it belongs
	Extra        = "extra"             // on a shard where it does not belong
	Differs      = "differs"           // not defined alike
	Unfinished   = "unfinished"        // a statement was done on some shards
	RuleUnfit    = "rule does not fit" // the table is refused
	KeyUnchecked = "unique per shard"  // a unique key without the shard key
	RowsAstray   = "rows astray"       // rows on a shard where their key does not belong
	NotAnswered  = "not answered"      // the shard could not be asked
)

// Expect says on which shards a table or view belongs; ok is false where that is not known.
type Expect func(database, table string) (shards []string, ok bool)

// of says on which shards an object belongs; nil: on all.
func (e Expect) of(o Object, list []*Inventory) (shards []string, ok bool) {
	switch o.Kind {
	case Table:
		return e(o.Database, o.Name)
	case Trigger:
		for _, inv := range list {
			if table, there := inv.TriggerOn[o]; there {
				return e(o.Database, table)
			}
		}
		return nil, false
	}
	return nil, true // routines run where they are called
}

// Compare finds what is not alike on the shards that answered.
func Compare(list []*Inventory, expect Expect) []Difference {
	var found []Difference
	var answered []*Inventory
	for _, inv := range list {
		if inv.Err != nil {
			found = append(found, Difference{Object: "shard " + inv.Shard, What: NotAnswered, Shards: []string{inv.Shard}, Detail: []string{inv.Err.Error()}})
			continue
		}
		answered = append(answered, inv)
	}
	for _, o := range objects(answered) {
		found = append(found, compareObject(o, answered, expect)...)
	}
	return found
}

func compareObject(o Object, list []*Inventory, expect Expect) []Difference {
	shards, known := expect.of(o, list)
	belongs := func(shard string) bool { return shards == nil || slices.Contains(shards, shard) }
	var found []Difference
	missing, extra := Difference{Object: o.String(), What: Missing}, Difference{Object: o.String(), What: Extra}
	var like *Inventory // the first that has it and should
	for _, inv := range list {
		d, there := inv.Definitions[o]
		switch {
		case known && !there && belongs(inv.Shard):
			missing.Shards = append(missing.Shards, inv.Shard)
		case known && there && !belongs(inv.Shard):
			extra.Shards = append(extra.Shards, inv.Shard)
		case there && like == nil:
			like = inv
		case there && d != like.Definitions[o]:
			found = append(found, Difference{Object: o.String(), What: Differs, Shards: []string{inv.Shard}, Like: like.Shard, Detail: detail(like.Definitions[o], d)})
		}
	}
	for _, d := range []Difference{missing, extra} {
		if len(d.Shards) == 0 {
			continue
		}
		if like != nil {
			d.Like = like.Shard
		}
		found = append(found, d)
	}
	return found
}

// detail is the lines that only one of two definitions has, and a note where the same lines stand in another order.
func detail(there, here Definition) []string {
	var out []string
	a, b := lines(there.SQL), lines(here.SQL)
	for _, l := range a {
		if !slices.Contains(b, l) {
			out = append(out, "- "+l)
		}
	}
	for _, l := range b {
		if !slices.Contains(a, l) {
			out = append(out, "+ "+l)
		}
	}
	if there.SQLMode != here.SQLMode {
		out = append(out, "- sql_mode "+there.SQLMode, "+ sql_mode "+here.SQLMode)
	}
	if len(out) == 0 {
		out = append(out, "the same lines in another order")
	}
	return out
}

func (d Difference) String() string {
	text := fmt.Sprintf("%s: %s on %s", d.Object, d.What, strings.Join(d.Shards, ", "))
	if d.Like != "" {
		text += " (compared with " + d.Like + ")"
	}
	return text
}
