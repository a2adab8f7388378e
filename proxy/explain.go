package proxy

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"lockstep/backend"
	"lockstep/config"
	"lockstep/proxy/catalog"
	"lockstep/sharding"
)

// Explain plans one statement as a proxy with this configuration would, in the default SQL mode,
// and runs nothing. It needs no proxy, but asks the shards for the tables' definitions: the rows
// of a table are placed by the type of its shard key. Errors: *sharding.Error for a statement that would be
// refused.
func Explain(ctx context.Context, cfg *config.Config, database, text string, log *slog.Logger) (plan *sharding.Explanation, err error) {
	p := &Proxy{cfg: cfg, log: log, byName: map[string]int{}}
	for i, s := range cfg.Shards {
		p.byName[s.Name] = i
		p.shards = append(p.shards, backend.NewShard(shardOptions(cfg, s, log, nil)))
	}
	defer func() {
		for _, s := range p.shards {
			err = errors.Join(err, s.Close())
		}
	}()
	tables, _, err := catalog.Read(ctx, p.shards, p.logicalByName)
	if err != nil {
		return nil, fmt.Errorf("read the tables' definitions: %w", err)
	}
	return p.explain(cfg, tables, database, text)
}

// ExplainFor is Explain for tables that are given: no shard is asked.
func ExplainFor(cfg *config.Config, tables []sharding.TableInfo, database, text string) (*sharding.Explanation, error) {
	p := &Proxy{cfg: cfg, byName: map[string]int{}}
	for i, s := range cfg.Shards {
		p.byName[s.Name] = i
	}
	return p.explain(cfg, tables, database, text)
}

// explain plans for a session that has just begun.
func (p *Proxy) explain(cfg *config.Config, tables []sharding.TableInfo, database, text string) (*sharding.Explanation, error) {
	// A rule that does not fit its table is told by the statements on that table.
	schema, _ := sharding.NewSchema(cfg, tables)
	env := sharding.Env{Database: database, Charset: "utf8mb4"}
	st, literals, err := sharding.NewPlanner(schema, sharding.Limits{}).Parse(&env, []byte(text), nil)
	if err != nil {
		return nil, err
	}
	in := &sharding.Inputs{
		SQL: []byte(text), Literals: literals, Prefer: -1,
		// A plan that is only looked at must not use up ids.
		Reserve:  func(*sharding.Table, int) (uint64, error) { return 1, nil },
		Explicit: func(*sharding.Table, uint64) error { return nil },
		Session: &sharding.Session{
			ConnectionID: 1, Host: "localhost", Database: database,
			SystemVariables: func(string) (string, bool) { return "", false },
		},
	}
	if p.mapped() {
		in.PhysicalDatabase = p.physical
	}
	plan := new(sharding.Plan)
	inner := st
	if st.Kind == sharding.KindExplainLockstep {
		inner = st.Inner
	}
	if err := inner.Plan(plan, in); err != nil {
		return nil, err
	}
	return st.Explanation(plan, in, schema), nil
}
