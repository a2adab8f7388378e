package proxy

import (
	"strings"

	"lockstep/protocol"
	"lockstep/proxy/definition"
	"lockstep/sharding"
)

// ddl runs a statement that defines things, or one that looks after tables, on all
// the shards that it concerns. Like a server's it commits what is open first.
func (s *session) ddl(st *sharding.Statement, rq *request) error {
	if handled, err := s.onTemporary(st, rq); handled {
		return err
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
	if st.Kind == sharding.KindAdmin {
		if err := s.planned(st, rq); err != nil {
			return err
		}
		return s.maintain(rq)
	}
	ok, err := s.changeDefinition(st, rq)
	if err != nil {
		return err
	}
	s.noteUniquePerShard(st, rq)
	ok.Warnings = s.diag.count()
	s.rowCount = int64(ok.AffectedRows)
	return s.sent(s.writeOK(ok))
}

// changeDefinition runs the statement alone among those that change definitions in its databases, with a catalog that is
// not older than the last of them.
func (s *session) changeDefinition(st *sharding.Statement, rq *request) (protocol.OK, error) {
	objects := definedObjects(st)
	ctx, waited := s.untilStopped()
	release, err := s.p.lockDefinitions(ctx, definition.Databases(objects))
	waited()
	if err != nil {
		return protocol.OK{}, err
	}
	defer release()
	changed, err := s.p.refreshCatalog(s.ctx)
	if err != nil {
		return protocol.OK{}, err
	}
	if changed {
		if st, err = s.parseAgain(rq); err != nil {
			return protocol.OK{}, err
		}
	}
	if err := s.planned(st, rq); err != nil {
		return protocol.OK{}, err
	}
	run := newDefinitionRun(s, st, rq, objects)
	ok, err := run.run()
	if run.started {
		if st.DDL.Reload {
			err = s.defined(st, err)
		} else if err == nil && st.DDL.Verb == "truncate table" {
			s.forgetSequences(st) // they begin anew
		}
	}
	return ok, err
}

func definedObjects(st *sharding.Statement) []definition.Object {
	var list []definition.Object
	for _, o := range st.DDL.Objects {
		list = append(list, definition.Object{Kind: definition.Kind(o.Kind), Database: o.Database, Name: o.Name})
	}
	return list
}

// defined brings what the proxy knows in line with what was defined; cause is the statement's own failure.
func (s *session) defined(st *sharding.Statement, cause error) error {
	switch verb := st.DDL.Verb; {
	case cause != nil:
	case strings.HasPrefix(verb, "drop"), strings.HasPrefix(verb, "rename"), strings.HasPrefix(verb, "create table"), strings.HasPrefix(verb, "alter"):
		s.forgetSequences(st)
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

// forgetSequences has the ids of the statement's tables begin where their rows end.
func (s *session) forgetSequences(st *sharding.Statement) {
	for _, o := range st.DDL.Objects {
		if o.Kind != "table" {
			continue
		}
		if err := s.p.sequences.Forget(s.ctx, o.Database, o.Name); err != nil {
			s.p.log.Warn("sequence of a changed table could not be forgotten: its ids go on where they were", "table", o.Database+"."+o.Name, "err", err)
		}
	}
}
