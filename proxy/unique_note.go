package proxy

import (
	"fmt"
	"strings"

	"lockstep/sharding"
)

// noteUniquePerShard tells of the unique keys that a definition has made and that hold on each shard by itself: they do not
// contain the shard key, so two rows with the same value can be on two shards.
func (s *session) noteUniquePerShard(st *sharding.Statement, rq *request) {
	switch st.DDL.Verb {
	case "create table":
	case "alter table", "create index":
		if !containsFold(rq.sql, "unique") && !containsFold(rq.sql, "primary") {
			return
		}
	default:
		return
	}
	for _, name := range st.DDL.Tables {
		t, ok := s.p.planner.Schema().Table(st.DDL.Database, name)
		if !ok {
			continue
		}
		for _, key := range t.UniquePerShard() {
			s.diag.add("Note", erNotSupportedYet, fmt.Sprintf("Lockstep: the unique key (%s) of %s does not contain the shard key (%s): it is checked on each shard by itself",
				strings.Join(key, ", "), t.Name, t.Rule.Key))
		}
	}
}
