package proxy

import (
	"errors"
	"strconv"
	"strings"
	"time"

	"lockstep/protocol"
	"lockstep/sharding"
)

// showStatement answers SHOW and DESCRIBE: what is the proxy's own here, the rest from the shards.
func (s *session) showStatement(st *sharding.Statement, rq *request) error {
	if err := s.checkAlive(); err != nil {
		return err
	}
	switch st.Show.What {
	case "processlist":
		return s.showProcesses(st.Show.Full)
	case "status":
		if done, err := s.showTransportStatus(rq.sql); done {
			return err
		}
	case "grants":
		return s.sent(s.writeResult([]string{"Grants for " + s.user.Name + "@%"}, s.grants()))
	case "master status", "slave status", "replica status", "binary logs", "slave hosts":
		return notSupported("SHOW %s: it belongs to one server; ask the shard itself", strings.ToUpper(st.Show.What))
	}
	if err := s.checkAccess(st); err != nil {
		return err
	}
	if st.Show.What == "variables" {
		if done, err := s.showVariables(rq.sql); done {
			return err
		}
	}
	if err := s.planned(st, rq); err != nil {
		return err
	}
	// Shows need no branch: outside any transaction they see what is committed, as definitions always are.
	s.outside = true
	defer func() { s.outside = false }()
	if len(s.plan.Targets) == 1 {
		return s.single(st, rq)
	}
	return s.scatterRead(st, rq)
}

func (s *session) grants() []row {
	if s.unrestricted() {
		return []row{{"GRANT ALL PRIVILEGES ON *.* TO '" + s.user.Name + "'@'%'"}}
	}
	var rows []row
	for _, d := range s.user.Databases {
		rows = append(rows, row{"GRANT ALL PRIVILEGES ON `" + d + "`.* TO '" + s.user.Name + "'@'%'"})
	}
	return rows
}

// showProcesses lists the sessions of this proxy.
func (s *session) showProcesses(full bool) error {
	var rows []row
	for _, o := range s.p.sessions.all() {
		if r, ok := o.process(full); ok && (s.unrestricted() || r[1] == s.user.Name) {
			rows = append(rows, r)
		}
	}
	sortRows(rows)
	return s.sent(s.writeColumns(s.processColumns(), rows))
}

// process is the session's row of the process list; false before it has logged in.
func (s *session) process(full bool) (row, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.shown.user == "" {
		return nil, false
	}
	info := string(s.text)
	if !full && len(info) > 100 {
		info = info[:100]
	}
	state := ""
	if s.open {
		state = "in transaction"
	}
	return row{strconv.Itoa(int(s.id)), s.shown.user, s.shown.host, s.shown.database, s.command,
		strconv.Itoa(int(time.Since(s.since).Seconds())), state, info}, true
}

// killStatement is KILL [QUERY] id.
func (s *session) killStatement(k sharding.KillTarget) error {
	o := s.p.sessions.find(uint32(k.ID))
	if o == nil || k.ID > 1<<32-1 {
		return protocol.NewError(erNoSuchThread, "Unknown thread id: %d", k.ID)
	}
	o.mu.Lock()
	owner := o.shown.user
	o.mu.Unlock()
	if owner != s.user.Name && !s.unrestricted() {
		return protocol.NewError(erKillDenied, "You are not owner of thread %d", k.ID)
	}
	switch {
	case k.Query && o == s:
		return protocol.NewError(erQueryInterrupted, "Query execution was interrupted")
	case k.Query:
		o.killQuery()
	case o == s:
		err := s.answerError(s.killedItself())
		return &closeError{errors.Join(errOwnKill, err, s.client.Flush())}
	default:
		o.kill()
	}
	return nil
}

var errOwnKill = errors.New("client killed its own connection")

func (s *session) processKill(arg []byte) error {
	id, err := protocol.ParseProcessKill(arg)
	if err != nil {
		return err
	}
	return s.okAfter(s.killStatement(sharding.KillTarget{ID: uint64(id)}))
}
