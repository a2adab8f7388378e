package proxy

import (
	"slices"
	"strconv"
	"strings"
	"sync"

	"lockstep/backend"
	"lockstep/protocol"
	"lockstep/sharding"
)

// maintain runs ANALYZE, CHECK, OPTIMIZE, REPAIR or CHECKSUM TABLE on the shards of its tables and answers with the rows that
// one server would have: what shards say alike is said once, and the checksum of a table that is spread is the sum
// of its parts', as a server's is the sum of its rows'.
func (s *session) maintain(rq *request) error {
	targets := s.plan.Targets
	answers, errs := make([]*backend.Result, len(targets)), make([]error, len(targets))
	var wait sync.WaitGroup
	for i := range targets {
		text := string(rq.sql)
		if targets[i].SQL != nil {
			text = string(targets[i].SQL)
		}
		shard := targets[i].Shard
		state := s.vars.state(shard) // built here: the session's variables are this goroutine's
		wait.Go(func() {
			conn, err := s.p.shards[shard].Acquire(s.ctx, state, true)
			if err != nil {
				errs[i] = err
				return
			}
			s.track(conn)
			answers[i], errs[i] = conn.Query(s.ctx, text, s.p.cfg.Limits.MaxMergeRows)
			s.untrack(conn)
			conn.Release()
		})
	}
	wait.Wait()
	for i, err := range errs {
		if err != nil {
			return partialOn(s.p, targets, i, errs)
		}
	}
	m := &maintenance{s: s, at: map[string]int{}}
	for i := range answers {
		m.add(targets[i].Shard, answers[i])
	}
	res := &backend.Result{Columns: answers[0].Columns, Rows: m.merged(len(answers[0].Columns) == 2)}
	s.foundRows = uint64(len(res.Rows))
	return s.sent(s.writeRows(res))
}

// partialOn is the error of one shard, with those that have done it.
func partialOn(p *Proxy, targets []sharding.Target, failed int, errs []error) error {
	var done []string
	for i := range targets {
		if errs[i] == nil {
			done = append(done, p.shards[targets[i].Shard].Name())
		}
	}
	se := *toClient(errs[failed])
	if len(done) > 0 {
		se.Message += " (shard " + p.shards[targets[failed].Shard].Name() + "; done on " + strings.Join(done, ", ") + ")"
	}
	return &se
}

// maintenance gathers the shards' rows by table, in the order of the statement.
type maintenance struct {
	s      *session
	tables [][][]protocol.Field
	at     map[string]int
}

func (m *maintenance) add(shard int, res *backend.Result) {
	p := m.s.p
	name := p.shards[shard].Name()
	for _, r := range res.Rows {
		database, table, _ := strings.Cut(string(r[0]), ".")
		if logical := p.logicalByName(name, database); logical != "" && logical != database {
			database = logical
			r[0] = protocol.Field(database + "." + table)
		}
		key := string(r[0])
		i, ok := m.at[key]
		if !ok {
			i = len(m.tables)
			m.at[key] = i
			m.tables = append(m.tables, nil)
		}
		if t, ok := p.planner.Schema().Table(database, table); ok {
			if !slices.Contains(t.Rule.Shards, shard) {
				continue // it says that the table is not there
			}
			if t.Rule.Kind == sharding.Global && len(r) == 2 && len(m.tables[i]) > 0 {
				continue // the checksum of a copy
			}
		}
		m.tables[i] = append(m.tables[i], r)
	}
}

func (m *maintenance) merged(checksum bool) [][]protocol.Field {
	var rows [][]protocol.Field
	for _, of := range m.tables {
		if len(of) == 0 {
			continue
		}
		if checksum {
			rows = append(rows, sumChecksums(of))
			continue
		}
		rows = append(rows, joinReports(of)...)
	}
	return rows
}

// sumChecksums adds up 32-bit checksums; one that is not known makes the sum unknown.
func sumChecksums(rows [][]protocol.Field) []protocol.Field {
	var sum uint32
	for _, r := range rows {
		n, err := strconv.ParseUint(string(r[1]), 10, 64)
		if r[1] == nil || err != nil {
			return []protocol.Field{r[0], nil}
		}
		sum += uint32(n)
	}
	return []protocol.Field{rows[0][0], protocol.Field(strconv.FormatUint(uint64(sum), 10))}
}

// joinReports says once what shards say alike. OK is said only where all of them do.
func joinReports(rows [][]protocol.Field) [][]protocol.Field {
	okay := func(r []protocol.Field) bool {
		return len(r) == 4 && string(r[2]) == "status" && (string(r[3]) == "OK" || string(r[3]) == "Table is already up to date")
	}
	trouble := slices.ContainsFunc(rows, func(r []protocol.Field) bool {
		return len(r) == 4 && (strings.EqualFold(string(r[2]), "error") || string(r[2]) == "status" && !okay(r))
	})
	var kept, status [][]protocol.Field
	said := map[string]bool{}
	for _, r := range rows {
		line := ""
		for _, f := range r {
			line += string(f) + "\x00"
		}
		if said[line] || trouble && okay(r) {
			continue
		}
		said[line] = true
		if len(r) == 4 && string(r[2]) == "status" {
			status = append(status, r)
		} else {
			kept = append(kept, r)
		}
	}
	return append(kept, status...)
}
