package catalog

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"sync"
	"time"

	"lockstep/backend"
	"lockstep/sharding"
)

// Options of reading. Zero values take their defaults.
type Options struct {
	// Logical maps a shard's physical database name back to the logical one; "" skips
	// the database. Nil: same names.
	Logical func(shard, physical string) string
	// MaxRows bounds the columns, and the key columns, of all tables of one shard; default 1,000,000.
	MaxRows int
	// Patience is how long the other shards may take after the first has answered; default 3s.
	Patience time.Duration
}

func (o Options) withDefaults() Options {
	if o.Logical == nil {
		o.Logical = func(_, physical string) string { return physical }
	}
	if o.MaxRows <= 0 {
		o.MaxRows = 1_000_000
	}
	if o.Patience <= 0 {
		o.Patience = 3 * time.Second
	}
	return o
}

// Reading is what the shards have.
type Reading struct {
	Tables    []sharding.TableInfo // sorted by database and name
	Databases []string             // logical names, sorted
	Failed    map[string]error     // shards that did not answer, by name
	// Differences names tables whose columns or keys are not the same on all shards
	// that have them, for people; Tables has the first shard's form.
	Differences []string
}

// Read lists all tables and views of user databases (not mysql, information_schema, performance_schema, sys, lockstep) with
// columns and keys, from all shards that answer, the first one's form first: a table that is placed on one
// shard only is found too. Physical database names are mapped back to logical ones by logical(shard, physical) ("" = skip).
// It fails only when no shard answers.
func Read(ctx context.Context, shards []*backend.Shard, logical func(shard, physical string) string) ([]sharding.TableInfo, []string, error) {
	r, err := ReadShards(ctx, shards, Options{Logical: logical})
	if err != nil {
		return nil, nil, err
	}
	return r.Tables, r.Databases, nil
}

// ReadShards is Read that also tells which shards did not answer and where they differ.
func ReadShards(ctx context.Context, shards []*backend.Shard, o Options) (*Reading, error) {
	o = o.withDefaults()
	answers, err := askAll(ctx, shards, o.Patience, func(ctx context.Context, s *backend.Shard) (*shardTables, error) {
		return readShard(ctx, s, o)
	})
	if err != nil {
		return nil, err
	}
	return join(shards, answers), nil
}

// ReadTable reads one table only, by its logical name (after a DDL on it), from all shards that answer; physical
// maps a logical database name to a shard's (nil: same names). ok is false when no shard has it.
func ReadTable(ctx context.Context, shards []*backend.Shard, physical func(shard, logical string) string, database, table string) (info sharding.TableInfo, ok bool, err error) {
	o := Options{}.withDefaults()
	answers, err := askAll(ctx, shards, o.Patience, func(ctx context.Context, s *backend.Shard) (*shardTables, error) {
		name := database
		if physical != nil {
			name = physical(s.Name(), database)
		}
		one := o
		one.Logical = func(_, _ string) string { return database }
		return readTables(ctx, s, one, "table_schema = "+literal(name)+" AND table_name = "+literal(table))
	})
	if err != nil {
		return sharding.TableInfo{}, false, fmt.Errorf("read table %s.%s: %w", database, table, err)
	}
	r := join(shards, answers)
	if len(r.Tables) == 0 {
		return sharding.TableInfo{}, false, nil
	}
	return r.Tables[0], true, nil
}

// answer is what one shard said.
type answer struct {
	tables *shardTables
	err    error
}

// askAll asks all shards at once. Once one has answered, the others have
// patience left. It fails when none answers.
func askAll(ctx context.Context, shards []*backend.Shard, patience time.Duration, ask func(context.Context, *backend.Shard) (*shardTables, error)) ([]answer, error) {
	if len(shards) == 0 {
		return nil, errors.New("read the catalog: there are no shards")
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	answers := make([]answer, len(shards))
	var wait sync.WaitGroup
	var first sync.Once
	var timer *time.Timer
	for i, s := range shards {
		wait.Go(func() {
			tables, err := ask(ctx, s)
			if err != nil {
				answers[i].err = fmt.Errorf("read the catalog of shard %s: %w", s.Name(), err)
				return
			}
			answers[i].tables = tables
			first.Do(func() { timer = time.AfterFunc(patience, cancel) })
		})
	}
	wait.Wait()
	if timer != nil {
		timer.Stop()
		return answers, nil
	}
	errs := make([]error, len(answers))
	for i, a := range answers {
		errs[i] = a.err
	}
	return nil, errors.Join(errs...)
}

// join makes one catalog of the shards' ones.
func join(shards []*backend.Shard, answers []answer) *Reading {
	r := &Reading{Failed: map[string]error{}}
	at := map[tableName]int{}
	from := map[tableName]string{}
	has := make([]map[tableName]bool, len(shards))
	for i, a := range answers {
		if a.err != nil {
			r.Failed[shards[i].Name()] = a.err
			continue
		}
		r.Databases = append(r.Databases, a.tables.databases...)
		has[i] = map[tableName]bool{}
		for _, t := range a.tables.tables {
			name := tableName{t.Database, t.Name}
			has[i][name] = true
			j, met := at[name]
			if !met {
				at[name], from[name] = len(r.Tables), shards[i].Name()
				r.Tables = append(r.Tables, t)
			} else if !reflect.DeepEqual(r.Tables[j], t) {
				if reason := conflict(&r.Tables[j], &t); reason != "" && r.Tables[j].Conflict == "" {
					r.Tables[j].Conflict = fmt.Sprintf("%s on shards %s and %s", reason, from[name], shards[i].Name())
				}
				r.Differences = append(r.Differences, fmt.Sprintf("%s.%s is not the same on shard %s and on shard %s", t.Database, t.Name, from[name], shards[i].Name()))
			}
		}
	}
	for j := range r.Tables {
		t := &r.Tables[j]
		for i, names := range has {
			if names != nil && !names[tableName{t.Database, t.Name}] {
				t.Absent = append(t.Absent, shards[i].Name())
			}
		}
	}
	slices.Sort(r.Databases)
	r.Databases = slices.Compact(r.Databases)
	slices.SortFunc(r.Tables, func(a, b sharding.TableInfo) int {
		if c := strings.Compare(a.Database, b.Database); c != 0 {
			return c
		}
		return strings.Compare(a.Name, b.Name)
	})
	return r
}

// conflict says how two shards' definitions of a table differ so that statements on both would mix up columns, or look for rows
// on the wrong shard. A column that only one has is no conflict: that is how it is while a table is altered, and statements that
// need the column, or name none, fail.
func conflict(a, b *sharding.TableInfo) string {
	switch {
	case a.View != b.View:
		return "it is a table and a view"
	case a.Declared != b.Declared:
		return "the rule in its comment is not the same"
	case a.View:
		if a.Definition != b.Definition {
			return "its query is not the same"
		}
		return ""
	case !slices.Equal(a.PrimaryKey, b.PrimaryKey):
		return "its primary key is not the same"
	}
	last := -1
	for i := range a.Columns {
		x := &a.Columns[i]
		j := slices.IndexFunc(b.Columns, func(y sharding.ColumnInfo) bool { return strings.EqualFold(x.Name, y.Name) })
		if j < 0 {
			continue
		}
		if y := &b.Columns[j]; x.DataType != y.DataType || x.Collation != y.Collation {
			return "its column " + x.Name + " is not of the same type"
		}
		if j < last {
			return "its columns are not in the same order"
		}
		last = j
	}
	if len(a.Columns) == len(b.Columns) && last >= 0 {
		for i := range a.Columns {
			if !strings.EqualFold(a.Columns[i].Name, b.Columns[i].Name) {
				return "its columns are not the same"
			}
		}
	}
	return ""
}

type tableName struct{ database, name string }
