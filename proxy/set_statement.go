package proxy

import (
	"strings"

	"lockstep/protocol"
	"lockstep/sharding"
)

// setStatement runs one statement with other session variables than the session's: SET STATEMENT … FOR of MariaDB.
func (s *session) setStatement(st *sharding.Statement, rq *request) error {
	text := rq.sql
	if !s.p.mariaDB() {
		return protocol.NewError(1064, "You have an error in your SQL syntax; MySQL has no SET STATEMENT, near '%s'", near(text))
	}
	assign, _, err := s.planner().Parse(&s.env, append([]byte("SET "), text[st.Assigns[0]:st.Assigns[1]]...), nil)
	if err != nil {
		return err
	}
	for i := range assign.Set {
		switch a := &assign.Set[i]; {
		case a.Scope != sharding.ScopeSession, a.Name == "autocommit", a.Name == "names", strings.HasPrefix(a.Name, "character"), strings.HasPrefix(a.Name, "collation"),
			strings.HasPrefix(a.Name, "lockstep_"), strings.HasPrefix(a.Name, "transaction"):
			return notSupported("SET STATEMENT %s … FOR; set it for the session instead", a.Name)
		}
	}
	vars, env := s.vars.clone(), s.env
	defer func() {
		s.vars, s.env = vars, env
		s.writeLimit.Store(int64(s.vars.netWriteTimeout()))
	}()
	if err := s.assign(assign); err != nil {
		return err
	}
	inner := &request{sql: text[st.For:], inner: true}
	is, lits, err := s.planner().Parse(&s.env, inner.sql, nil)
	if err != nil {
		return err
	}
	inner.lits = lits
	switch is.Kind {
	case sharding.KindSelect, sharding.KindDo, sharding.KindInsert, sharding.KindUpdate, sharding.KindDelete, sharding.KindShow, sharding.KindExplain,
		sharding.KindCall, sharding.KindDDL, sharding.KindAdmin:
		return s.run(is, inner)
	}
	return notSupported("SET STATEMENT … FOR %s", near(inner.sql))
}
