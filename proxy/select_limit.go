package proxy

import (
	"strconv"

	"lockstep/sharding"
)

// varSelectLimit is the session variable by which JDBC's setMaxRows and mysql --select-limit say how many rows a
// SELECT without a LIMIT gives.
const varSelectLimit = "sql_select_limit"

// limitMerge makes the client's sql_select_limit the limit of a SELECT over several shards. The shards keep it only where their first
// rows hold the first rows of the answer; otherwise groups would miss rows. restore puts it back.
func (s *session) limitMerge(st *sharding.Statement) (restore func()) {
	restore = func() {}
	literal, set := s.vars.vars[varSelectLimit]
	if !set || !st.Select || len(s.plan.Targets) < 2 {
		return restore
	}
	m := s.plan.Merge
	if m == nil {
		m = &sharding.Merge{Limit: sharding.NoLimit}
		s.plan.Merge = m
	}
	if n, err := strconv.ParseUint(unquote(literal), 10, 64); err == nil && !m.Limited {
		m.Limit = n
	}
	if m.FirstSuffice() {
		return restore
	}
	s.vars.unset(varSelectLimit)
	return func() { s.vars.set(varSelectLimit, literal) }
}
