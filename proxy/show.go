package proxy

import (
	"cmp"
	"errors"
	"slices"
	"strconv"
	"strings"
	"time"

	"lockstep/backend"
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
	case "variables", "status":
		if st.Show.Plain && s.checkAccess(st) == nil {
			if st.Show.What == "status" {
				return s.showStatus(&st.Show)
			}
			return s.showVariables(&st.Show)
		}
	case "create user":
		return notSupported("SHOW CREATE USER: users are in the proxy's configuration")
	case "grants":
		if !st.Show.Plain {
			return notSupported("SHOW GRANTS FOR a user: users are in the proxy's configuration; SHOW GRANTS tells of the session's own")
		}
		return s.sent(s.writeResult([]string{"Grants for " + s.user.Name + "@%"}, s.grants()))
	case "master status", "replica status", "binary logs", "binlog events", "relaylog events", "replicas", "engine status", "open tables":
		if st.Show.Plain {
			return notSupported("SHOW %s: it tells of one server; the hint /*+ shard(name) */ says which", strings.ToUpper(st.Show.What))
		}
	}
	if d := st.Show.Database; d != "" && st.Show.Table == "" && st.Show.What != "other" && !s.may(d) {
		return s.checkDatabase(d)
	}
	if err := s.checkAccess(st); err != nil {
		return err
	}
	if st.Show.Table != "" && s.temps.find(st.Show.Database, st.Show.Table) >= 0 {
		return s.showTemporary(st, rq)
	}
	if !s.showsIndex(&st.Show) {
		if text, err := s.shownQuery(&st.Show); err != nil {
			return err
		} else if text != "" {
			return s.showQuery(text)
		}
	}
	if err := s.planned(st, rq); err != nil {
		return err
	}
	// Shows need no branch: outside any transaction they see what is committed, as definitions always are.
	s.outside = true
	defer func() { s.outside = false }()
	switch {
	case len(s.plan.Targets) == 1 && s.showsIndex(&st.Show):
		return s.showIndex(st, rq)
	case st.Show.What == "create table" && len(s.plan.Targets) == 1 && st.Show.Plain:
		return s.showCreate(st, rq)
	case len(s.plan.Targets) == 1:
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
	res := &backend.Result{Columns: s.processColumns()}
	for _, p := range s.processes(full) {
		res.Rows = append(res.Rows, []protocol.Field{protocol.Field(p.id), protocol.Field(p.user), protocol.Field(p.host), nullable(p.database),
			protocol.Field(p.command), protocol.Field(strconv.Itoa(int(p.since.Seconds()))), protocol.Field(p.state), nullable(p.info)})
	}
	s.foundRows = uint64(len(res.Rows))
	return s.sent(s.writeRows(res))
}

// process is a session's row of the process list.
type process struct {
	id, user, host, database, command, state, info string
	since                                          time.Duration
}

// processes are the sessions that the user may see: all, or the user's own, in the order of their ids.
func (s *session) processes(full bool) []process {
	var list []process
	for _, o := range s.p.sessions.all() {
		if p, ok := o.process(full); ok && (s.unrestricted() || p.user == s.user.Name) {
			list = append(list, p)
		}
	}
	slices.SortFunc(list, func(a, b process) int {
		return cmp.Or(cmp.Compare(len(a.id), len(b.id)), cmp.Compare(a.id, b.id))
	})
	return list
}

// process is the session's own; false before it has logged in.
func (s *session) process(full bool) (process, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.shown.user == "" {
		return process{}, false
	}
	info := string(s.text)
	if !full && len(info) > 100 {
		info = info[:100]
	}
	command := s.command
	if name, ok := commandNames[command]; ok {
		command = name
	}
	state := ""
	if s.open {
		state = "in transaction"
	}
	return process{id: strconv.Itoa(int(s.id)), user: s.shown.user, host: s.shown.host, database: s.shown.database, command: command,
		since: time.Since(s.since), state: state, info: info}, true
}

// commandNames are the words of servers' process lists for commands.
var commandNames = map[string]string{
	protocol.ComQuery.String(): "Query", protocol.ComStmtPrepare.String(): "Prepare", protocol.ComStmtExecute.String(): "Execute",
	protocol.ComStmtSendLongData.String(): "Long Data", protocol.ComStmtClose.String(): "Close stmt", protocol.ComStmtReset.String(): "Reset stmt",
	protocol.ComStmtFetch.String(): "Fetch", protocol.ComInitDB.String(): "Init DB", protocol.ComFieldList.String(): "Field List", protocol.ComQuit.String(): "Quit",
	protocol.ComPing.String(): "Ping", protocol.ComStatistics.String(): "Statistics", protocol.ComSetOption.String(): "Set option",
	protocol.ComResetConnection.String(): "Reset connection", protocol.ComChangeUser.String(): "Change user", protocol.ComProcessKill.String(): "Kill",
	protocol.ComStmtBulkExecute.String(): "Bulk_execute",
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
