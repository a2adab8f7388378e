package proxy

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"

	"lockstep/backend"
	"lockstep/config"
	"lockstep/proxy/definition"
	"lockstep/sharding"
)

// RepairSchema mends what CheckSchema finds, as far as that loses nothing, and says in each step what came of it. It holds the locks
// that proxies hold when they change definitions, so it can run beside them; they learn of it as of any definition.
func RepairSchema(ctx context.Context, cfg *config.Config, r definition.RepairOptions, log *slog.Logger) (steps []definition.Step, err error) {
	o, err := openSchema(ctx, cfg, log)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, o.close()) }()
	if r.Like != "" && !slices.Contains(o.schema.Shards(), r.Like) {
		return nil, fmt.Errorf("there is no shard %q", r.Like)
	}
	if !r.DryRun {
		databases := slices.DeleteFunc(slices.Clone(o.schema.Databases()), func(d string) bool { return d == "" })
		release, err := definition.Lock(ctx, o.p.definitionHome(), cfg.Cluster, databases, cfg.Timeouts.Definition)
		if err != nil {
			return nil, err
		}
		defer release()
	}
	o.takeInventories(ctx) // now that nobody changes anything
	r.MayCreate = func(object definition.Object, shard string) error { return o.mayCreate(ctx, object, r.Like) }
	steps = definition.Plan(o.list, o.schema.Expected, o.p.names(), r)
	if r.DryRun {
		return steps, nil
	}
	changed, err := definition.Carry(ctx, o.p.shards, o.p.names(), steps)
	if changed {
		err = errors.Join(err, definition.Bump(ctx, o.p.definitionHome()))
	}
	return steps, err
}

// mayCreate refuses to make an empty copy of a table whose other copies have rows: it would be read as if it had them.
func (o *offlineSchema) mayCreate(ctx context.Context, object definition.Object, like string) error {
	t, known := o.schema.Table(object.Database, object.Name)
	if !known || t.Rule.Kind != sharding.Global {
		return nil
	}
	at := o.p.byName[like]
	conn, err := o.p.shards[at].Acquire(ctx, &backend.State{}, true)
	if err != nil {
		return err
	}
	defer conn.Release()
	res, err := conn.Query(ctx, "SELECT 1 FROM "+quoteName(o.p.physical(at, t.Database))+"."+quoteName(t.Name)+" LIMIT 1", 1)
	if err != nil {
		return fmt.Errorf("whether it has rows is not known: %w", err)
	}
	if len(res.Rows) > 0 {
		return errors.New("it is a table with a copy on every shard, and the copy would lack the rows; copy it with its rows")
	}
	return nil
}
