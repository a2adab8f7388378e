package proxy

import (
	"strings"

	"lockstep/backend"
	"lockstep/protocol"
	"lockstep/sharding"
)

// showsIndex says whether SHOW INDEX is a shard's answer with other numbers: of a table that is spread, unless it asks
// for the numbers themselves.
func (s *session) showsIndex(w *sharding.Show) bool {
	t, known := s.planner().Schema().Table(w.Database, w.Table)
	return w.What == "index" && w.Plain && known && !t.View && t.Rule.Kind == sharding.Sharded && !containsFold([]byte(w.Where), "cardinality")
}

// showIndex answers with a shard's rows, whose order the definition has, and cardinalities summed over the shards.
func (s *session) showIndex(st *sharding.Statement, rq *request) error {
	res, err := s.askTarget(rq)
	if err != nil {
		return err
	}
	statistics, ok := sharding.SystemTableNamed("STATISTICS")
	if !ok {
		return s.sent(s.writeRows(res))
	}
	shown, err := s.gather(&sharding.SystemRead{Table: statistics, Stand: "shown_1", Numbers: true, Schemas: []string{st.Show.Database}, Objects: []string{st.Show.Table}})
	if err != nil {
		return err
	}
	from, to := columnsNamed(shown.columns), columnsNamed(res.Columns)
	sums := map[string]protocol.Field{}
	for _, r := range shown.rows {
		sums[objectKey(string(r[from["INDEX_NAME"]]), string(r[from["SEQ_IN_INDEX"]]))] = r[from["CARDINALITY"]]
	}
	for _, r := range res.Rows {
		if sum, ok := sums[objectKey(string(r[to["KEY_NAME"]]), string(r[to["SEQ_IN_INDEX"]]))]; ok {
			r[to["CARDINALITY"]] = sum
		}
	}
	s.foundRows = uint64(len(res.Rows))
	return s.sent(s.writeRows(res))
}

// columnsNamed finds columns by their names in upper case.
func columnsNamed(columns []protocol.Column) map[string]int {
	at := make(map[string]int, len(columns))
	for i := range columns {
		at[strings.ToUpper(columns[i].Name)] = i
	}
	return at
}

// askTarget has the plan's one shard answer, outside any transaction, with rows that are read whole.
func (s *session) askTarget(rq *request) (*backend.Result, error) {
	target := &s.plan.Targets[0]
	text := target.SQL
	if text == nil {
		text = rq.sql
	}
	conn, err := s.acquire(target.Shard, true, "")
	if err != nil {
		return nil, err
	}
	l := lease{shard: target.Shard, conn: conn}
	s.track(conn)
	defer s.done(&l)
	res, err := conn.Query(s.ctx, string(text), maxVariables)
	if err != nil {
		return nil, err
	}
	s.fetchWarnings(&l, nil)
	return res, nil
}
