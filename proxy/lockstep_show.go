package proxy

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"lockstep/protocol"
	"lockstep/sharding"
)

// showLockstep answers SHOW LOCKSTEP …, the proxy's own tables.
func (s *session) showLockstep(st *sharding.Statement) error {
	switch strings.Join(st.Words, " ") {
	case "BRANCHES":
		return s.showBranches()
	case "CONNECTIONS":
		return s.showConnections()
	case "DDL":
		return s.showDDL()
	case "DEADLOCKS":
		return s.showDeadlocks()
	case "SHARDS":
		return s.showShards()
	case "TRANSACTIONS":
		return s.showTransactions()
	case "TRANSACTION":
		return s.showTransaction(st.Name)
	case "LOG":
		return s.showLog()
	case "AUDIT":
		return s.showAudit()
	case "STATUS":
		return s.showOwnStatus()
	case "TABLES":
		return s.showTables()
	case "OUTCOME":
		return s.showOutcome(st.Name)
	}
	return protocol.NewError(1064, "You have an error in your SQL syntax; SHOW LOCKSTEP knows AUDIT, BRANCHES, CONNECTIONS, DDL, DEADLOCKS, LOG, OUTCOME 'token', SHARDS, STATUS, TABLES, TRANSACTION 'gtrid' and TRANSACTIONS")
}

// showBranches lists the branches of the session's own transaction.
func (s *session) showBranches() error {
	var rows []row
	if s.tx != nil {
		for _, b := range s.tx.branches {
			state := "active, read"
			if b.wrote {
				state = "active, wrote"
			}
			name := s.p.shards[b.shard].Name()
			rows = append(rows, row{name, s.gtrid() + "," + name, state})
		}
	}
	return s.sent(s.writeResult([]string{"shard", "xid", "state"}, rows))
}

func (s *session) showShards() error {
	var rows []row
	for i, sh := range s.p.shards {
		st, up := sh.Stats(), "down"
		if sh.Up() {
			up = "up"
		}
		rows = append(rows, row{sh.Name(), s.p.cfg.Shards[i].Address, up, strconv.Itoa(st.Open), strconv.Itoa(st.InUse), strconv.Itoa(st.Waiting)})
	}
	return s.sent(s.writeResult([]string{"shard", "address", "state", "connections", "in_use", "waiting"}, rows))
}

func (s *session) showOwnStatus() error {
	c, l := s.p.coordinator.Stats(), s.p.decisions.Stats()
	rows := []row{
		{"coordinator", s.p.cfg.Cluster + "." + s.p.cfg.Coordinator},
		{"epoch", s.p.epoch},
		{"ready", strconv.FormatBool(s.p.coordinator.Ready())},
		{"sessions", strconv.Itoa(s.p.sessions.count())},
		{"committed", strconv.FormatUint(c.Committed, 10)},
		{"rolled_back", strconv.FormatUint(c.RolledBack, 10)},
		{"in_doubt", strconv.FormatUint(c.InDoubt, 10)},
		{"log_appends", strconv.FormatUint(l.Appends, 10)},
		{"log_syncs", strconv.FormatUint(l.Syncs, 10)},
	}
	if err := s.p.decisions.Failed(); err != nil {
		rows = append(rows, row{"log_failed", err.Error()})
	}
	return s.sent(s.writeResult([]string{"name", "value"}, rows))
}

// showTables lists the tables of the current database with their rules.
func (s *session) showTables() error {
	if _, err := s.p.refreshCatalog(s.ctx); err != nil {
		s.diag.warn(erUnknown, "Perhaps not the latest: "+err.Error())
	}
	var rows []row
	for _, t := range s.planner().Schema().Tables() {
		if s.may(t.Database) && (s.vars.database == "" || s.vars.database == t.Database) {
			rule, problem := t.Rule.String(), t.Problem()
			if t.Gathered() {
				rule, problem = "gathered", ""
			}
			rows = append(rows, row{t.Database, t.Name, rule, t.Rule.Key, t.Source(), problem})
		}
	}
	sortRows(rows)
	return s.sent(s.writeResult([]string{"database", "table", "rule", "shard_key", "source", "problem"}, rows))
}

// explainLockstep prints a statement's plan without running it.
func (s *session) explainLockstep(st *sharding.Statement, rq *request) error {
	inner := st.Inner
	in := &s.inputs
	reserve, explicit := in.Reserve, in.Explicit
	defer func() { in.Reserve, in.Explicit = reserve, explicit }()
	// A plan that is only looked at must not use up ids.
	in.Reserve = func(*sharding.Table, int) (uint64, error) { return 1, nil }
	in.Explicit = func(*sharding.Table, uint64) error { return nil }
	rq.gathers = true
	if err := s.planned(inner, rq); err != nil {
		return err
	}
	if st.JSON {
		text, err := json.MarshalIndent(inner.Explanation(&s.plan, in, s.planner().Schema()), "", "  ")
		if err != nil {
			return fmt.Errorf("write the plan: %w", err)
		}
		return s.sent(s.writeResult([]string{"EXPLAIN"}, []row{{string(text)}}))
	}
	var rows []row
	for _, e := range inner.Explain(&s.plan, in, s.planner().Schema()) {
		rows = append(rows, row{e.Step, e.Shard, e.Statement})
	}
	return s.sent(s.writeResult([]string{"step", "shard", "statement"}, rows))
}

func sortRows(rows []row) {
	slices.SortFunc(rows, func(a, b row) int {
		if len(a[0]) != len(b[0]) && isNumber(a[0]) && isNumber(b[0]) {
			return cmp.Compare(len(a[0]), len(b[0]))
		}
		return slices.Compare(a, b)
	})
}

func isNumber(s string) bool { return s != "" && strings.Trim(s, "0123456789") == "" }
