package proxy

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"

	"lockstep/backend"
	"lockstep/config"
	"lockstep/protocol"
	"lockstep/proxy/catalog"
	"lockstep/proxy/definition"
	"lockstep/sharding"
)

// offlineSchema is the shards of a configuration with what they define, without a running proxy.
type offlineSchema struct {
	p        *Proxy
	schema   *sharding.Schema
	problems []error
	list     []*definition.Inventory
}

func openSchema(ctx context.Context, cfg *config.Config, log *slog.Logger) (*offlineSchema, error) {
	p := &Proxy{cfg: cfg, log: log, byName: map[string]int{}}
	for i, s := range cfg.Shards {
		p.byName[s.Name] = i
		p.shards = append(p.shards, backend.NewShard(shardOptions(cfg, s, log, nil)))
	}
	p.idShards = p.shards
	o := &offlineSchema{p: p}
	found, err := catalog.ReadShards(ctx, p.shards, catalog.Options{Logical: p.logicalByName})
	if err != nil {
		return nil, errors.Join(fmt.Errorf("read the tables' definitions: %w", err), o.close())
	}
	o.schema, o.problems = sharding.NewSchema(cfg, found.Tables)
	return o, nil
}

func (o *offlineSchema) close() error {
	var errs []error
	for _, s := range o.p.shards {
		errs = append(errs, s.Close())
	}
	return errors.Join(errs...)
}

func (o *offlineSchema) takeInventories(ctx context.Context) {
	o.list = definition.TakeInventories(ctx, o.p.shards, o.p.names())
}

// RowsToCheck says how much of the tables CheckSchema reads.
type RowsToCheck int

// How many rows of each table on each shard are looked at.
const (
	NoRows  RowsToCheck = 0
	AllRows RowsToCheck = -1
)

// CheckSchema finds what is not as it should be on the shards: see definition.Difference. It needs no proxy and changes nothing.
func CheckSchema(ctx context.Context, cfg *config.Config, rows RowsToCheck, log *slog.Logger) (found []definition.Difference, err error) {
	o, err := openSchema(ctx, cfg, log)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, o.close()) }()
	o.takeInventories(ctx)
	found = definition.Check(o.list, o.schema.Expected)
	for _, problem := range o.problems {
		found = append(found, definition.Difference{Object: "rule", What: definition.RuleUnfit, Shards: o.schema.Shards(), Detail: []string{problem.Error()}})
	}
	tables := o.schema.Tables()
	slices.SortFunc(tables, func(a, b *sharding.Table) int {
		return strings.Compare(a.Database+"\x00"+a.Name, b.Database+"\x00"+b.Name)
	})
	for _, t := range tables {
		for _, key := range t.UniquePerShard() {
			shards, _ := o.schema.Expected(t.Database, t.Name)
			found = append(found, definition.Difference{Object: "table " + t.Database + "." + t.Name, What: definition.KeyUnchecked, Shards: shards,
				Detail: []string{"unique key (" + strings.Join(key, ", ") + ") does not hold the shard key (" + t.Rule.Key + "): two shards can have equal values"}})
		}
		if rows == NoRows || t.Rule.Kind != sharding.Sharded || t.View || t.Problem() != "" {
			continue
		}
		for i, s := range o.p.shards {
			if slices.Contains(t.Absent, s.Name()) {
				continue
			}
			d, err := o.rowsAstray(ctx, t, i, rows)
			if err != nil {
				return found, err
			}
			if d != nil {
				found = append(found, *d)
			}
		}
	}
	return found, nil
}

// shownAstray is how many rows that are not where they belong are named.
const shownAstray = 5

// rowsAstray looks at the rows of a table on one shard.
func (o *offlineSchema) rowsAstray(ctx context.Context, t *sharding.Table, at int, rows RowsToCheck) (*definition.Difference, error) {
	s := o.p.shards[at]
	conn, err := s.Acquire(ctx, &backend.State{}, true)
	if err != nil {
		return nil, err
	}
	defer conn.Release()
	var columns []string
	for _, k := range t.Rule.Keys {
		columns = append(columns, quoteName(k))
	}
	key := strings.Join(columns, ", ")
	question := "SELECT " + key + " FROM " + quoteName(o.p.physical(at, t.Database)) + "." + quoteName(t.Name)
	if rows > 0 {
		question += fmt.Sprintf(" ORDER BY RAND() LIMIT %d", int(rows))
	}
	looked, astray := 0, 0
	d := &definition.Difference{Object: "table " + t.Database + "." + t.Name, What: definition.RowsAstray, Shards: []string{s.Name()}}
	err = conn.Each(ctx, question, func(row []protocol.Field) error {
		looked++
		values := make([][]byte, len(row))
		for i, f := range row {
			values[i] = f
		}
		shard, ok := t.ShardOf(values)
		if ok && shard == at {
			return nil
		}
		if astray++; astray > shownAstray {
			return nil
		}
		where := "no shard takes it"
		if ok {
			where = "it belongs on " + o.schema.Shards()[shard]
		}
		var shown []string
		for _, f := range row {
			if f == nil {
				shown = append(shown, "NULL")
			} else {
				shown = append(shown, string(f))
			}
		}
		d.Detail = append(d.Detail, fmt.Sprintf("(%s) = (%s): %s", t.Rule.Key, strings.Join(shown, ", "), where))
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("shard %s: look at the rows of %s.%s: %w", s.Name(), t.Database, t.Name, err)
	}
	if astray == 0 {
		return nil, nil //nolint:nilnil // nothing found
	}
	d.Detail = append(d.Detail, fmt.Sprintf("%d of %d rows looked at", astray, looked))
	return d, nil
}
