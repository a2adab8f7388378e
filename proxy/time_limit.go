package proxy

import (
	"sync"
	"time"

	"lockstep/protocol"
	"lockstep/sharding"
)

// timeLimit ends a statement that takes too long: with KILL QUERY on its shards, as often as it takes, for a statement may
// be between two of them.
type timeLimit struct {
	mu    sync.Mutex
	timer *time.Timer
	over  bool
}

// limitAgain is when a statement that has gone on is ended once more.
const limitAgain = 200 * time.Millisecond

func noLimit() {}

// limitTime bounds the running statement, by timeouts.statement and what the session and the statement say. The caller
// calls stop when it has ended.
func (s *session) limitTime(st *sharding.Statement) (stop func()) {
	limit := s.timeLimit(st)
	if limit <= 0 {
		return noLimit
	}
	s.limited = true
	s.mu.Lock()
	number := s.number
	s.mu.Unlock()
	l := &timeLimit{}
	l.mu.Lock()
	l.timer = time.AfterFunc(limit, func() { l.reached(s, number) })
	l.mu.Unlock()
	return func() {
		s.limited = false
		l.mu.Lock()
		l.over = true
		l.mu.Unlock()
		l.timer.Stop()
	}
}

func (l *timeLimit) reached(s *session, number uint64) {
	l.mu.Lock()
	over := l.over
	l.mu.Unlock()
	if over {
		return
	}
	s.mu.Lock()
	if s.number == number {
		s.overdue = number
	}
	s.mu.Unlock()
	s.killStatementNumber(number)
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.over {
		l.timer.Reset(limitAgain)
	}
}

// timeLimit is how long the statement may take; 0: as long as it likes. max_execution_time and its hint are for
// SELECT only; a MySQL server sees to them itself.
func (s *session) timeLimit(st *sharding.Statement) time.Duration {
	limit := s.p.cfg.Timeouts.Statement
	shorter := func(d time.Duration) {
		if d > 0 && (limit <= 0 || d < limit) {
			limit = d
		}
	}
	if d := s.vars.maxStatement; d != nil {
		shorter(*d)
	}
	switch {
	case !st.Select:
	case st.MaxTime > 0:
		if s.p.mariaDB() {
			shorter(time.Duration(min(st.MaxTime, uint64(longestTime/time.Millisecond))) * time.Millisecond)
		}
	case s.vars.maxExecution != nil:
		shorter(*s.vars.maxExecution)
	}
	return limit
}

// timedOut is the error of the time limit in the place of the interruption by which it ended the running
// statement; nil for any other error.
func (s *session) timedOut(e *protocol.ServerError) *protocol.ServerError {
	if e.Code != erQueryInterrupted {
		return nil
	}
	s.mu.Lock()
	overdue := s.overdue != 0 && s.overdue == s.number
	s.mu.Unlock()
	switch {
	case !overdue:
		return nil
	case s.p.mariaDB():
		return &protocol.ServerError{Code: 1969, SQLState: "70100", Message: "Query execution was interrupted (max_statement_time exceeded)"}
	}
	return &protocol.ServerError{Code: 3024, SQLState: "HY000", Message: "Query execution was interrupted, maximum statement execution time exceeded"}
}
