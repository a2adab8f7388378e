package sharding

import (
	"fmt"
	"slices"
	"strings"
	"sync/atomic"

	"lockstep/config"
)

// Schema is an immutable snapshot of every table with its rule. Versions differ.
type Schema struct {
	MySQL bool // the shards are MySQL servers, not MariaDB's

	version   uint64
	shards    []string
	index     map[string]int
	all       []int
	allSet    shardSet
	tables    map[tableName]*Table
	databases []string
	known     map[string]bool
	rules     map[tableName]*config.Rule
	groups    map[string]*Table // the first table of each group
	byDefault *config.Rule
	routines  map[tableName][]*Routine // by lower case name
}

type tableName struct{ database, name string }

var schemaVersions atomic.Uint64

// systemDatabases are every server's own; their tables are not sharded and not looked up.
var systemDatabases = map[string]bool{"information_schema": true, "performance_schema": true, "mysql": true, "sys": true}

func isSystemDatabase(name string) bool { return systemDatabases[strings.ToLower(name)] }

// NewSchema joins the configuration's rules with the tables that exist. Tables without a rule take cfg.DefaultRule, or
// none: statements on them are refused with the reason. A rule that does not fit its table (no such column …) is an
// entry of problems, and the table is refused likewise. A table that falls to a sharding default rule by primary key
// but has no primary key is placed single, on the first shard. Views are where the tables are that they read (view.go).
func NewSchema(cfg *config.Config, tables []TableInfo) (s *Schema, problems []error) {
	s = &Schema{
		version: schemaVersions.Add(1),
		index:   make(map[string]int), tables: make(map[tableName]*Table), known: make(map[string]bool),
		rules: make(map[tableName]*config.Rule), groups: make(map[string]*Table), byDefault: cfg.DefaultRule,
	}
	for i, shard := range cfg.Shards {
		if i == MaxShards {
			problems = append(problems, fmt.Errorf("only the first %d shards are used", MaxShards))
			break
		}
		s.shards = append(s.shards, shard.Name)
		s.index[shard.Name] = i
		s.all = append(s.all, i)
		s.allSet.add(i)
	}
	for i := range cfg.Schemas {
		schema := &cfg.Schemas[i]
		s.addDatabase(schema.Name)
		for j := range schema.Tables {
			s.rules[tableName{schema.Name, schema.Tables[j].Name}] = &schema.Tables[j].Rule
		}
	}
	var views []*Table
	for i := range tables {
		if tables[i].View {
			views = append(views, emptyTable(&tables[i]))
			continue
		}
		t, err := s.newTable(&tables[i])
		if err != nil {
			problems = append(problems, err)
		}
		if g := t.Rule.Group; g != "" && t.problem == "" && s.groups[g] == nil {
			s.groups[g] = t
		}
		s.addDatabase(t.Database)
		s.tables[tableName{t.Database, t.Name}] = t
	}
	problems = append(problems, s.addViews(views)...)
	slices.Sort(s.databases)
	return s, problems
}

func (s *Schema) addDatabase(name string) {
	if !s.known[name] {
		s.known[name] = true
		s.databases = append(s.databases, name)
	}
}

func emptyTable(info *TableInfo) *Table {
	t := &Table{TableInfo: *info, columns: make(map[string]int, len(info.Columns))}
	for i := range t.Columns {
		c := &t.Columns[i]
		t.columns[foldName(c.Name)] = i
		if c.AutoIncrement {
			t.AutoIncrement = c.Name
		}
	}
	return t
}

func (s *Schema) newTable(info *TableInfo) (*Table, error) {
	t := emptyTable(info)
	err := s.place(t)
	if err != nil {
		t.problem = err.Error()
		return t, fmt.Errorf("table %s.%s: %w", t.Database, t.Name, err)
	}
	return t, nil
}

// ruleFor is the rule that a table of this name has or would have, and whether it is the default rule.
func (s *Schema) ruleFor(database, name string) (r *config.Rule, byDefault bool) {
	if r := s.rules[tableName{database, name}]; r != nil {
		return r, false
	}
	return s.byDefault, true
}

func (s *Schema) place(t *Table) error {
	if t.Conflict != "" {
		return fmt.Errorf("%s; lockstep schema check shows what differs", t.Conflict)
	}
	r, source, err := s.ruleOf(&t.TableInfo)
	if err != nil {
		return err
	}
	t.source = source
	return s.placeBy(t, r, source == fromDefault)
}

// placeBy places a table by a rule.
func (s *Schema) placeBy(t *Table, r *config.Rule, byDefault bool) error {
	if r == nil {
		return fmt.Errorf("no rule says where its rows live, and there is no default rule")
	}
	switch r.Kind {
	case "global":
		shards, err := shardIndexes(r.Shards, s.index, s.all)
		if err != nil {
			return err
		}
		t.Rule = Rule{Kind: Global, Shards: shards}
		return nil
	case "single":
		return s.placeSingle(t, r.Shard)
	case "", "sharded":
	default:
		return fmt.Errorf("rule kind %q is not known", r.Kind)
	}
	names := []string(r.ShardKey)
	if byDefault && (len(names) == 0 || r.ShardKey.Is(config.PrimaryKey)) {
		if len(t.PrimaryKey) == 0 {
			return s.placeSingle(t, "")
		}
		names = t.PrimaryKey[:1]
	}
	if len(names) == 0 {
		return fmt.Errorf("its rule names no shard key")
	}
	rule := Rule{Kind: Sharded, Group: r.Group}
	for _, name := range names {
		i, ok := t.column(name)
		if !ok {
			return fmt.Errorf("shard key column %q does not exist", name)
		}
		if t.Columns[i].Generated {
			return fmt.Errorf("shard key column %q is generated", name)
		}
		kt, err := newKeyType(&t.Columns[i])
		if err != nil {
			return err
		}
		if slices.Contains(t.keyColumns, i) {
			return fmt.Errorf("shard key column %q is named twice", name)
		}
		t.keys, t.keyColumns = append(t.keys, kt), append(t.keyColumns, i)
		rule.Keys = append(rule.Keys, t.Columns[i].Name)
	}
	p, err := newPlacement(r, t.keys, s.index, s.all)
	if err != nil {
		return err
	}
	rule.Key, rule.Shards = strings.Join(rule.Keys, ", "), p.shards
	t.place, t.Rule = p, rule
	return s.checkGroup(t)
}

func (s *Schema) placeSingle(t *Table, shard string) error {
	i := 0
	if shard != "" {
		var ok bool
		if i, ok = s.index[shard]; !ok {
			return fmt.Errorf("shard %q is not known", shard)
		}
	}
	t.Rule = Rule{Kind: Single, Shards: []int{i}}
	return nil
}

// Version tells snapshots apart.
func (s *Schema) Version() uint64 { return s.version }

// Shards are the names, in the file's order; a shard index is a position here.
func (s *Schema) Shards() []string { return s.shards }

// Databases are the configured databases and those of existing tables, sorted.
func (s *Schema) Databases() []string { return s.databases }

// Table finds a table by its exact names, as a server with lower_case_table_names=0 does.
func (s *Schema) Table(database, name string) (*Table, bool) {
	t, ok := s.tables[tableName{database, name}]
	return t, ok
}

// Tables are all known tables, in no order.
func (s *Schema) Tables() []*Table {
	list := make([]*Table, 0, len(s.tables))
	for _, t := range s.tables {
		list = append(list, t)
	}
	return list
}

// foldName is the form in which column names and aliases compare equal.
func foldName(name string) string { return strings.ToLower(name) }
