package config

import "slices"

// tableGroups are the first tables of each group, which say how all of it is placed.
type tableGroups map[string]*Table

// checkMember checks the rule of a table, and that it fits those of its group. A table that says nothing about its
// function is placed as the group's first table.
func (s *source) checkMember(groups tableGroups, t *Table, path string, shards shardNames) {
	name := path + ".group"
	if !s.given(name) || s.broken[name] {
		s.checkRule(&t.Rule, path, shards, false)
		return
	}
	if !printable(t.Group, maxIdentifier) {
		s.find(name, "group needs a name of 1 to %d printable characters", maxIdentifier)
		s.checkRule(&t.Rule, path, shards, false)
		return
	}
	lead := groups[t.Group]
	inherits := lead != nil && (t.Kind == "" || t.Kind == Sharded)
	for _, field := range []string{"function", "shards", "ranges", "lists"} {
		inherits = inherits && !s.given(path+"."+field)
	}
	if inherits {
		t.Kind, t.Function = Sharded, lead.Function
		t.Shards, t.Ranges, t.Lists = slices.Clone(lead.Shards), lead.Ranges, lead.Lists
		s.checkKey(&t.Rule, path, false)
	} else {
		s.checkRule(&t.Rule, path, shards, false)
	}
	switch {
	case t.Kind != Sharded: // said already
	case lead == nil:
		groups[t.Group] = t
	case len(t.ShardKey) != len(lead.ShardKey):
		s.find(path+".shard_key", "group %q: table %q has a shard_key of %d columns, %q one of %d", t.Group, lead.Name, len(lead.ShardKey), t.Name, len(t.ShardKey))
	case t.Function != lead.Function:
		s.find(path+".function", "group %q: table %q has function %s, %q has %s", t.Group, lead.Name, lead.Function, t.Name, t.Function)
	case !slices.Equal(t.Shards, lead.Shards):
		s.find(path+".shards", "group %q: table %q is on other shards, or on the same in another order", t.Group, lead.Name)
	case !slices.Equal(t.Ranges, lead.Ranges):
		s.find(path+".ranges", "group %q: table %q has other ranges", t.Group, lead.Name)
	case !slices.EqualFunc(t.Lists, lead.Lists, func(a, b ListPart) bool { return a.Shard == b.Shard && slices.Equal(a.Values, b.Values) }):
		s.find(path+".lists", "group %q: table %q has other lists", t.Group, lead.Name)
	}
}
