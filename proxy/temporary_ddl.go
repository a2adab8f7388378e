package proxy

import (
	"errors"
	"strings"

	"lockstep/protocol"
	"lockstep/sharding"
)

// onTemporary runs a definition that concerns temporary tables: nothing is committed for it, and no other session sees it.
// handled is false for one that concerns others.
func (s *session) onTemporary(st *sharding.Statement, rq *request) (handled bool, err error) {
	if st.Kind != sharding.KindDDL {
		return false, nil
	}
	if st.DDL.Verb == "create table" {
		if !st.DDL.Temporary {
			return false, nil
		}
		return true, s.createTemporary(st, rq)
	}
	n := 0
	for _, o := range st.DDL.Objects {
		if o.Kind == "table" && s.temps.find(o.Database, o.Name) >= 0 {
			n++
		}
	}
	switch {
	case n == 0 && st.DDL.Temporary:
		return true, s.noTemporary(st, rq)
	case n == 0:
		return false, nil
	case n < len(st.DDL.Objects):
		return true, notSupported("%s of temporary tables together with others", strings.ToUpper(st.DDL.Verb))
	case strings.HasPrefix(st.DDL.Verb, "rename") || strings.HasPrefix(st.DDL.Verb, "create table"):
		return true, notSupported("%s of a temporary table", strings.ToUpper(st.DDL.Verb))
	}
	return true, s.changeTemporary(st, rq)
}

// mayHaveTemporary is what is checked before one is made or changed.
func (s *session) mayHaveTemporary(st *sharding.Statement) error {
	if err := s.checkAlive(); err != nil {
		return err
	}
	if err := s.keepsOwn(); err != nil {
		return err
	}
	return s.checkAccess(st)
}

// createTemporary makes a temporary table: on the connection of the others, or else on that of the transaction, or one of the pool's.
func (s *session) createTemporary(st *sharding.Statement, rq *request) error {
	if err := s.mayHaveTemporary(st); err != nil {
		return err
	}
	if err := s.planned(st, rq); err != nil {
		return err
	}
	target := &s.plan.Targets[0]
	shard := target.Shard
	first := s.temps == nil
	if !first && shard != s.temps.shard {
		return notSupported("a temporary table like one that is not on shard %s, where the session's others are", s.p.shards[s.temps.shard].Name())
	}
	if first {
		if err := s.p.kept.take(s.p.cfg.Limits.MaxKeptConnections); err != nil {
			return err
		}
	}
	l, err := s.near(shard, "")
	if err != nil {
		if first {
			s.p.kept.n.Add(-1)
		}
		return err
	}
	if first {
		s.temps = &temporaries{conn: l.conn, shard: shard}
		l.conn.Keep()
	}
	ok, err := s.define(&l, target, rq)
	if err == nil {
		err = s.temps.learn(s, st.DDL.Database, st.DDL.Tables[0])
	}
	s.forsakeTemporary()
	if err != nil {
		return err
	}
	s.rowCount = int64(ok.AffectedRows)
	ok.Warnings = s.diag.count()
	return s.sent(s.writeOK(ok))
}

// changeTemporary drops or alters temporary tables.
func (s *session) changeTemporary(st *sharding.Statement, rq *request) error {
	if err := s.mayHaveTemporary(st); err != nil {
		return err
	}
	if err := s.planned(st, rq); err != nil {
		return err
	}
	l, err := s.near(s.temps.shard, "")
	if err != nil {
		return err
	}
	ok, err := s.define(&l, &s.plan.Targets[0], rq)
	for _, o := range st.DDL.Objects {
		if lerr := s.temps.learn(s, o.Database, o.Name); err == nil {
			err = lerr
		}
	}
	s.forsakeTemporary()
	if err != nil {
		return err
	}
	s.rowCount = int64(ok.AffectedRows)
	ok.Warnings = s.diag.count()
	return s.sent(s.writeOK(ok))
}

// noTemporary is DROP TEMPORARY TABLE of what is none.
func (s *session) noTemporary(st *sharding.Statement, rq *request) error {
	if err := s.mayHaveTemporary(st); err != nil {
		return err
	}
	shard := s.anyShard()
	l, err := s.beside(shard, "")
	if err != nil {
		return err
	}
	ok, err := s.define(&l, &sharding.Target{Shard: shard}, rq)
	if err != nil {
		return err
	}
	ok.Warnings = s.diag.count()
	return s.sent(s.writeOK(ok))
}

// define runs a definition on a lease and ends that.
func (s *session) define(l *lease, target *sharding.Target, rq *request) (protocol.OK, error) {
	text := target.SQL
	if text == nil {
		text = rq.sql
	}
	ok, err := l.conn.Exec(s.ctx, string(text))
	var se *protocol.ServerError
	switch {
	case err == nil:
		if ok.Warnings > 0 {
			s.fetchWarnings(l, nil)
		}
		s.done(l)
		return ok, nil
	case errors.As(err, &se):
		b := l.branch
		s.answered(l, se)
		s.noticeServerError(b, se)
		return ok, se
	}
	return ok, s.lost(l, err, false)
}

// forsakeTemporary lets the connection go when its last temporary table is gone.
func (s *session) forsakeTemporary() {
	t := s.temps
	if t == nil || len(t.tables) > 0 {
		return
	}
	t.conn.LetGo()
	if s.tx == nil || s.tx.byShard[t.shard] == nil || s.tx.byShard[t.shard].conn != t.conn {
		t.conn.Release()
	}
	s.temps = nil
	s.p.kept.n.Add(-1)
}
