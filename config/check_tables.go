package config

import (
	"fmt"
	"slices"
	"strings"
)

func (s *source) checkSchemas(c *Config, shards shardNames) {
	if len(c.Schemas) == 0 && c.DefaultRule == nil && !s.broken["default_rule"] {
		s.find("schemas", "neither schemas nor default_rule: no table could be used; add default_rule: {} to shard every table by its primary key")
	}
	if c.DefaultRule != nil {
		s.checkRule(c.DefaultRule, "default_rule", shards, true)
		s.refuse("default_rule", "the default rule", "group")
	}
	groups := make(tableGroups)
	schemas := make(map[string]string)
	for i := range c.Schemas {
		schema, path := &c.Schemas[i], fmt.Sprintf("schemas[%d]", i)
		if s.checkSchemaName(schema.Name, path+".name") {
			s.unique(schemas, schema.Name, path+".name", "schema")
		}
		tables := make(map[string]string)
		for j := range schema.Tables {
			table, at := &schema.Tables[j], fmt.Sprintf("%s.tables[%d]", path, j)
			if !printable(table.Name, maxIdentifier) {
				s.find(at+".name", "a table needs a name of 1 to %d printable characters", maxIdentifier)
			} else {
				s.unique(tables, table.Name, at+".name", "table")
			}
			s.checkMember(groups, table, at, shards)
		}
	}
}

// checkRule checks one rule and completes it, see Rule.
func (s *source) checkRule(r *Rule, path string, shards shardNames, isDefault bool) {
	s.fill(&r.Kind, path+".kind", Sharded)
	if !s.oneOf(r.Kind, path+".kind", Sharded, Global, Single) {
		return
	}
	if r.Kind != Sharded {
		s.refuse(path, "a "+r.Kind+" table", "shard_key", "function", "ranges", "lists", "group")
	}
	if r.Kind != Single {
		s.refuse(path, "a "+r.Kind+" table", "shard")
	}
	switch r.Kind {
	case Sharded:
		s.checkSharded(r, path, shards, isDefault)
	case Global:
		s.checkShardList(r, path, shards)
	case Single:
		s.refuse(path, "a single table", "shards")
		if s.given(path + ".shard") {
			s.checkShardName(r.Shard, path+".shard", shards)
		} else if len(shards) > 0 {
			r.Shard = shards[0]
		}
		r.Shards = []string{r.Shard}
	}
}

func (s *source) checkSharded(r *Rule, path string, shards shardNames, isDefault bool) {
	s.checkKey(r, path, isDefault)
	s.fill(&r.Function, path+".function", Hash)
	if !s.oneOf(r.Function, path+".function", Functions...) {
		return
	}
	what := "function " + r.Function
	if len(r.ShardKey) > 1 && r.Function != Hash {
		s.find(path+".function", "%s places rows by one column: a shard_key of several columns needs function hash", what)
	}
	switch r.Function {
	case Range:
		s.refuse(path, what, "lists", "shards")
		r.Shards = s.checkRanges(r.Ranges, path+".ranges", shards)
	case List:
		s.refuse(path, what, "ranges", "shards")
		r.Shards = s.checkLists(r.Lists, path+".lists", shards)
	default:
		s.refuse(path, what, "ranges", "lists")
		s.checkShardList(r, path, shards)
	}
}

// maxKeyColumns is what servers allow in one index, which a shard key should have.
const maxKeyColumns = 16

func (s *source) checkKey(r *Rule, path string, isDefault bool) {
	path += ".shard_key"
	switch {
	case isDefault && !s.given(path):
		r.ShardKey = Key{PrimaryKey}
	case !s.given(path):
		s.find(path, "a sharded table needs its shard_key: the column that decides which shard a row lives on")
		r.ShardKey = Key{PrimaryKey} // so that no second finding says the same
	case s.broken[path]:
	case r.ShardKey.Is(PrimaryKey) && !isDefault:
		s.find(path, "shard_key: primary_key is for default_rule; name the column here")
	case len(r.ShardKey) == 0:
		s.find(path, "shard_key is empty: name at least one column")
	case len(r.ShardKey) > maxKeyColumns:
		s.find(path, "shard_key has %d columns: at most %d are possible", len(r.ShardKey), maxKeyColumns)
	}
	for i, column := range r.ShardKey {
		at := path
		if s.given(fmt.Sprintf("%s[%d]", path, i)) {
			at = fmt.Sprintf("%s[%d]", path, i)
		}
		switch {
		case !printable(column, maxIdentifier):
			s.find(at, "shard_key needs a column name of 1 to %d printable characters", maxIdentifier)
		case slices.ContainsFunc(r.ShardKey[:i], func(other string) bool { return strings.EqualFold(other, column) }):
			s.find(at, "column %q is named twice", column)
		case len(r.ShardKey) > 1 && column == PrimaryKey:
			s.find(at, "primary_key stands for one column and cannot be part of a list")
		}
	}
}

// refuse adds a finding for each of these fields that the file has, because it
// would have no effect.
func (s *source) refuse(path, what string, fields ...string) {
	for _, f := range fields {
		if s.given(path + "." + f) {
			s.find(path+"."+f, "%s has no effect with %s: remove it", f, what)
		}
	}
}

// checkShardList checks the shards that a rule lists, or lists all.
func (s *source) checkShardList(r *Rule, path string, shards shardNames) {
	path += ".shards"
	if !s.given(path) || s.broken[path] {
		r.Shards = slices.Clone(shards)
		return
	}
	if len(r.Shards) == 0 {
		s.find(path, "shards is empty: list at least one, or leave it out for all")
	}
	for i, name := range r.Shards {
		at := fmt.Sprintf("%s[%d]", path, i)
		if slices.Contains(r.Shards[:i], name) {
			s.find(at, "shard %q is listed twice", name)
		} else {
			s.checkShardName(name, at, shards)
		}
	}
}

// checkRanges returns the shards in the order of their first mention.
func (s *source) checkRanges(parts []RangePart, path string, shards shardNames) []string {
	if len(parts) == 0 {
		s.find(path, "function range needs ranges: a list of less_than and shard")
	}
	var used []string
	var before bound
	for i, p := range parts {
		at := fmt.Sprintf("%s[%d]", path, i)
		used = s.checkPartShard(p.Shard, at, shards, used)
		if p.LessThan == Max {
			if i < len(parts)-1 {
				s.find(at+".less_than", "max is the end: no range can follow it")
			}
			continue
		}
		b, ok := parseBound(p.LessThan)
		switch {
		case !s.given(at + ".less_than"):
			s.find(at, "a range needs less_than: a whole number, a date, or max")
		case !ok:
			s.find(at+".less_than", "less_than %q: use a whole number, a date such as 2024-12-31, or max", p.LessThan)
		case b.number != nil && (b.number.Cmp(leastNumber) < 0 || b.number.Cmp(mostNumber) > 0):
			s.find(at+".less_than", "less_than %s does not fit into 64 bits", p.LessThan)
		case before.known() && b.kind() != before.kind():
			s.find(at+".less_than", "less_than %s is %s, and the range before it ends at %s, %s", p.LessThan, b.kind(), before.text, before.kind())
		case before.known() && b.compare(before) <= 0:
			s.find(at+".less_than", "less_than %s overlaps the range before it, which goes up to %s: bounds must ascend", p.LessThan, before.text)
		default:
			before = b
		}
	}
	return used
}

// checkLists returns the shards in the order of their first mention.
func (s *source) checkLists(parts []ListPart, path string, shards shardNames) []string {
	if len(parts) == 0 {
		s.find(path, "function list needs lists: a list of values and shard")
	}
	var used []string
	first := make(map[string]string)
	for i, p := range parts {
		at := fmt.Sprintf("%s[%d]", path, i)
		used = s.checkPartShard(p.Shard, at, shards, used)
		if len(p.Values) == 0 {
			s.find(at+".values", "values is empty: list the values that live on shard %q", p.Shard)
		}
		for j, value := range p.Values {
			s.unique(first, value, fmt.Sprintf("%s.values[%d]", at, j), "value")
		}
	}
	return used
}

// checkPartShard checks the shard of a range or list and adds it to those used.
func (s *source) checkPartShard(name, at string, shards shardNames, used []string) []string {
	if !s.given(at + ".shard") {
		s.find(at, "this entry needs its shard")
		return used
	}
	if s.checkShardName(name, at+".shard", shards) && !slices.Contains(used, name) {
		used = append(used, name)
	}
	return used
}
