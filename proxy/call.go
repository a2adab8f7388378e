package proxy

import (
	"regexp"
	"slices"
	"strings"

	"lockstep/backend"
	"lockstep/sharding"
)

// userVariable matches the user variables in the arguments of a CALL; a match inside
// a string costs a needless question, no more.
var userVariable = regexp.MustCompile("(^|[^@A-Za-z0-9_$.])@([A-Za-z0-9_$.]+)")

// afterCall is for what a procedure, a LOAD DATA that read into user variables, or a query that assigned some may have left on
// its connection. The user variables that the statement names (OUT parameters, INTO @x, @x := …) become the session's; everything else, such as temporary tables or
// variables that the procedure set for itself, ends with the lease or the branch: nobody else may meet it.
func (s *session) afterCall(l *lease, st *sharding.Statement, rq *request) {
	var names []string
	switch {
	case l.conn == nil:
		return
	case st.Kind == sharding.KindCall, st.Leaves:
		for _, m := range userVariable.FindAllSubmatch(rq.sql, -1) {
			if name := "@" + strings.ToLower(string(m[2])); !slices.Contains(names, name) {
				names = append(names, name)
			}
		}
	case st.Kind == sharding.KindLoad && len(s.plan.Load.Variables) > 0:
		for _, v := range s.plan.Load.Variables {
			names = append(names, "@"+v)
		}
	default:
		return
	}
	if b := l.branch; b != nil {
		b.called = true
	}
	for _, name := range names {
		if !s.usable(l) {
			return
		}
		res, err := l.conn.Query(s.ctx, "SELECT "+name, 1)
		if l.conn.Broken() {
			_ = s.lost(l, err, true) // the answer has been given; the transaction, if any, is over
			return
		}
		value, err := s.p.valueOf(res, err)
		if err != nil {
			s.diag.warn(erUnknown, "The value of "+name+" could not be read: "+err.Error())
			continue
		}
		s.vars.set(name, value)
	}
	if s.usable(l) && l.branch == nil {
		s.wash(l.conn)
	}
}

// wash makes a connection what it was after login. One that cannot be is closed when it is given back.
func (s *session) wash(c *backend.Conn) {
	if c.Broken() {
		return
	}
	if err := c.Reset(s.p.ctx); err != nil {
		s.p.log.Debug("connection could not be reset after a CALL; it is closed", "conn", s.id, "shard", c.Shard().Name(), "err", err)
		c.MarkBroken()
	}
}
