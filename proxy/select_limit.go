package proxy

import (
	"strconv"

	"lockstep/sharding"
)

// varSelectLimit is the session variable by which JDBC's setMaxRows and mysql --select-limit say how many rows a
// SELECT without a LIMIT gives.
const varSelectLimit = "sql_select_limit"

// liftSelectLimit takes the client's sql_select_limit off the shards while a statement's rows are merged: each shard
// would cut its part, and groups would miss rows. It is the merge's LIMIT instead. restore puts it back.
func (s *session) liftSelectLimit(m *sharding.Merge) (restore func()) {
	literal, set := s.vars.vars[varSelectLimit]
	if m == nil || !set {
		return func() {}
	}
	if n, err := strconv.ParseUint(unquote(literal), 10, 64); err == nil && m.Limit == sharding.NoLimit {
		m.Limit = n
	}
	s.vars.unset(varSelectLimit)
	return func() { s.vars.set(varSelectLimit, literal) }
}
