package proxy

import (
	"fmt"
	"strings"
	"sync"

	"lockstep/backend"
	"lockstep/protocol"
	"lockstep/sharding"
)

// ddl runs a statement that defines things, or one that looks after tables, on all
// the shards that it concerns. Like a server's it commits what is open first. It
// cannot be undone: where it fails on some shards, the error says on which it was done.
func (s *session) ddl(st *sharding.Statement, rq *request) error {
	if st.DDL.Temporary {
		return notSupported("temporary tables: a session has no server connection of its own")
	}
	if err := s.checkAccess(st); err != nil {
		return err
	}
	if database := st.DDL.Database; strings.Contains(st.DDL.Verb, "database") && !s.unrestricted() {
		return protocol.NewError(erDBAccessDenied, "Access denied for user '%s'@'%s' to database '%s'", s.user.Name, s.host, database)
	}
	if err := s.implicitCommit(); err != nil {
		return err
	}
	if err := s.planned(st, rq); err != nil {
		return err
	}
	if st.Kind == sharding.KindAdmin {
		return s.scatterRead(st, rq)
	}
	if len(st.DDL.Tables) > 0 || st.DDL.Reload {
		s.p.ddl.Lock() // one at a time: the catalog must be that of the last one
		defer s.p.ddl.Unlock()
	}
	ok, err := s.define(st, rq)
	if st.DDL.Reload {
		err = s.defined(st, err)
	}
	if err != nil {
		return err
	}
	s.rowCount = int64(ok.AffectedRows)
	return s.sent(s.writeOK(ok))
}

// define runs the statement on every target at once.
func (s *session) define(st *sharding.Statement, rq *request) (protocol.OK, error) {
	dropsDatabase := strings.HasPrefix(st.DDL.Verb, "drop database")
	targets := s.plan.Targets
	oks, errs := make([]protocol.OK, len(targets)), make([]error, len(targets))
	var notes *backend.Result
	var wait sync.WaitGroup
	for i := range targets {
		sql := targets[i].SQL
		if sql == nil {
			sql = rq.sql
		}
		shard, text := targets[i].Shard, string(sql)
		state := s.vars.state(shard) // built here: the session's variables are this goroutine's
		wait.Go(func() {
			conn, err := s.p.shards[shard].Acquire(s.ctx, state, true)
			if err != nil {
				errs[i] = err
				return
			}
			s.track(conn)
			if oks[i], errs[i] = conn.Exec(s.ctx, text); errs[i] == nil && i == 0 && oks[i].Warnings > 0 {
				// One shard's stand for all. What is lost of them does not undo the definition.
				notes, _ = conn.Query(s.ctx, showWarnings, maxConditions)
			}
			if dropsDatabase {
				conn.LeaveDatabase()
			}
			s.untrack(conn)
			conn.Release()
		})
	}
	wait.Wait()
	var done, failed []string
	var first error
	for i, err := range errs {
		name := s.p.shards[targets[i].Shard].Name()
		if err == nil {
			done = append(done, name)
			continue
		}
		failed = append(failed, name)
		if first == nil {
			first = err
		}
	}
	if first == nil {
		s.keepWarnings(notes, nil)
		return oks[0], nil
	}
	if len(done) == 0 {
		return protocol.OK{}, first
	}
	s.p.log.Error("definition differs between shards now", "conn", s.id, "done", done, "failed", failed, "err", first)
	se := *toClient(first)
	se.Message = fmt.Sprintf("%s (failed on shard %s, done on %s: repeat it or undo it by hand)", se.Message, strings.Join(failed, ", "), strings.Join(done, ", "))
	return protocol.OK{}, &se
}

// defined brings what the proxy knows in line with what was defined; cause is the statement's own failure.
func (s *session) defined(st *sharding.Statement, cause error) error {
	switch verb := st.DDL.Verb; {
	case cause != nil:
	case strings.HasPrefix(verb, "drop"), strings.HasPrefix(verb, "truncate"), strings.HasPrefix(verb, "rename"),
		strings.HasPrefix(verb, "create table"), strings.HasPrefix(verb, "alter"):
		for _, table := range st.DDL.Tables {
			database, name := st.DDL.Database, table
			if d, n, ok := strings.Cut(table, "."); ok {
				database, name = d, n
			}
			if err := s.p.sequences.Forget(s.ctx, database, name); err != nil {
				s.p.log.Warn("sequence of a changed table could not be forgotten: its ids go on where they were", "table", database+"."+name, "err", err)
			}
		}
	}
	if err := s.p.reload(s.ctx); err != nil && cause == nil {
		return err
	}
	if s.vars.database != "" && strings.HasPrefix(st.DDL.Verb, "drop database") && !s.p.catalog.hasDatabase(s.vars.database) {
		s.vars.database = ""
		s.vars.changed()
		s.syncEnv()
	}
	return cause
}
