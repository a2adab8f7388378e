package proxy

import (
	"bytes"
	"encoding/binary"
	"slices"
	"strings"

	"lockstep/backend"
	"lockstep/protocol"
	"lockstep/sharding"
)

// prepared is one prepared statement of a session.
type prepared struct {
	id       uint32
	sql      string
	text     []byte // sql
	database string // current when it was prepared: it runs there, whatever USE says later
	parsed   *sharding.Statement
	env      sharding.Env // under which parsed was made
	version  uint64       // of the schema under which parsed was made
	types    []protocol.ParamType
	long     [][]byte
	longSize int
	longErr  error // of a piece that could not be kept: said at the next EXECUTE
	execute  protocol.Execute
	values   []sharding.Value
	bound    bound
	named    named
	cursor   *cursor // open: its rows have not all been fetched
}

// bound is what the parameters of the running execution are written from.
type bound struct {
	execute *protocol.Execute
	charset string
	literal func(dst []byte, i int) ([]byte, error)
}

// named are the columns of a prepared statement whose names hold a parameter's mark. Where its
// values are written into a shard's text, the shard names the column after the value.
type named struct {
	columns int // of the result
	names   map[int]string
}

func namedBy(cols []protocol.Column) named {
	n := named{columns: len(cols)}
	for i := range cols {
		if strings.Contains(cols[i].Name, "?") {
			if n.names == nil {
				n.names = make(map[int]string)
			}
			n.names[i] = cols[i].Name
		}
	}
	return n
}

// restore gives a result's columns the names that they were prepared with.
func (n named) restore(cols []protocol.Column) {
	if len(cols) != n.columns {
		return // made of SELECT * before a table changed
	}
	for i, name := range n.names {
		if cols[i].OrgTable == "" {
			cols[i].Name = name
		}
	}
}

// stmtPrepare answers COM_STMT_PREPARE. Statements on tables are prepared on a
// shard at once, so that the client gets the server's own metadata and errors.
func (s *session) stmtPrepare(text []byte) error {
	s.diag.clear()
	s.lastStmt = 0
	if err := s.oneMoreStatement(); err != nil {
		return err
	}
	st := &prepared{sql: string(text), text: bytes.Clone(text), database: s.vars.database}
	parsed, err := st.analysis(s)
	if err != nil {
		return err
	}
	if parsed.Kind == sharding.KindLoad || parsed.Kind == sharding.KindPrepareText {
		return protocol.NewError(erUnsupportedPS, "This command is not supported in the prepared statement protocol yet")
	}
	s.nextStmt++
	st.id = s.nextStmt
	st.long = make([][]byte, parsed.Params)
	if !onTables(parsed.Kind) {
		if parsed.Params > 0 && !writtenOut(parsed.Kind) {
			return protocol.NewError(erUnsupportedPS, "This command is not supported in the prepared statement protocol yet with parameters")
		}
		if err := s.describeOwn(st, parsed.Params); err != nil {
			return s.sent(err)
		}
		s.stmts[st.id], s.lastStmt = st, st.id
		return nil
	}
	if err := s.describe(st, parsed); err != nil {
		return err
	}
	s.stmts[st.id], s.lastStmt = st, st.id
	return nil
}

// oneMoreStatement refuses a prepared statement too many.
func (s *session) oneMoreStatement() error {
	if limit := s.p.cfg.Limits.MaxStatements; limit > 0 && len(s.stmts)+len(s.texts) >= limit {
		return protocol.NewError(erTooManyStatements, "Can't create more than max_prepared_stmt_count statements (limits.max_prepared_statements is %d)", limit)
	}
	return nil
}

// onTables says whether a shard prepares this kind of statement.
func onTables(k sharding.Kind) bool {
	switch k {
	case sharding.KindSelect, sharding.KindInsert, sharding.KindUpdate, sharding.KindDelete,
		sharding.KindDo, sharding.KindCall, sharding.KindExplain:
		return true
	}
	return false
}

// describe has a shard prepare the statement and passes its description on.
func (s *session) describe(st *prepared, parsed *sharding.Statement) error {
	if changesApart(parsed) {
		return s.sent(s.describeOwn(st, parsed.Params))
	}
	p, err := s.prepareSomewhere(parsed)
	if err != nil {
		return err
	}
	st.named = namedBy(p.Columns)
	s.out = protocol.AppendPrepareOK(s.out[:0], protocol.PrepareOK{StatementID: st.id, Columns: uint16(len(p.Columns)), Params: uint16(len(p.Params))})
	if err := s.client.WritePacket(s.out); err != nil {
		return s.sent(err)
	}
	for _, cols := range [][]protocol.Column{p.Params, p.Columns} {
		if len(cols) == 0 {
			continue
		}
		for i := range cols {
			s.out = protocol.AppendColumn(s.out[:0], &cols[i])
			if err := s.client.WritePacket(s.out); err != nil {
				return s.sent(err)
			}
		}
		if err := s.writeEndOfColumns(); err != nil {
			return s.sent(err)
		}
	}
	return nil
}

// describer is the shard that says what a statement's parameters and columns are: one that
// has its tables, all of them if there is one, and where the transaction is already.
func (s *session) describer(parsed *sharding.Statement) int {
	shard := s.anyShard()
	var have []int // the tables so far
	for _, t := range parsed.Tables {
		if len(t.Rule.Shards) == 0 {
			continue
		}
		if have == nil {
			have = slices.Clone(t.Rule.Shards)
			continue
		}
		both := slices.DeleteFunc(slices.Clone(have), func(i int) bool { return !slices.Contains(t.Rule.Shards, i) })
		if len(both) > 0 {
			have = both
		}
	}
	if len(have) > 0 && !slices.Contains(have, shard) {
		return have[0]
	}
	return shard
}

// prepareOn prepares on the branch where the transaction has one on that shard, as on
// a connection of its own the statement could wait for a table definition lock that
// waits for this very transaction.
func (s *session) prepareOn(shard int, sql string) (*backend.Prepared, error) {
	before := "" // beside the transaction a KILL must reach it while it is prepared
	if s.tx != nil && s.tx.byShard[shard] != nil {
		before = sql
	}
	l, err := s.near(shard, before)
	if err != nil {
		return nil, err
	}
	defer s.done(&l)
	return l.conn.Prepare(s.ctx, sql)
}

// analysis is the statement's parse, made again when what it depends on has changed.
func (st *prepared) analysis(s *session) (*sharding.Statement, error) {
	version := s.planner().Schema().Version()
	if st.parsed != nil && st.version == version && st.env == s.env {
		return st.parsed, nil
	}
	parsed, err := s.planner().ParsePrepared(&s.env, []byte(st.sql))
	if err != nil {
		return nil, s.judged([]byte(st.sql), err)
	}
	st.parsed, st.version, st.env = parsed, version, s.env
	return parsed, nil
}

// stmtExecute answers COM_STMT_EXECUTE.
func (s *session) stmtExecute(arg []byte) error {
	s.binary, s.named = true, named{}
	st, err := s.statementOf(arg, "mysqld_stmt_execute")
	if err != nil {
		return err
	}
	s.running(st.text)
	s.named = st.named
	if st.longErr != nil {
		return st.longErr // until COM_STMT_RESET, as on a server
	}
	defer st.forgetLong()
	if st.database != s.vars.database {
		defer s.visit(st.database)()
	}
	parsed, err := st.analysis(s)
	if err != nil {
		return err
	}
	if err := s.parseExecute(st, arg); err != nil {
		return err
	}
	if parsed.Params > 0 && writtenOut(parsed.Kind) {
		return s.runWrittenOut(st, parsed)
	}
	st.closeCursor()
	rq := &request{sql: st.text, stmt: st, execute: &st.execute}
	if opensCursor(st.execute.Flags, parsed) {
		return s.openCursor(st, parsed, rq)
	}
	return s.run(parsed, rq)
}

// visit makes a database the current one for a while, as a server does for a statement
// that was prepared in it.
func (s *session) visit(database string) (leave func()) {
	home := s.vars.database
	s.vars.database = database
	s.vars.changed()
	s.syncEnv()
	return func() {
		s.vars.database = home
		s.vars.changed()
		s.syncEnv()
	}
}

// lastPrepared stands for the id of the statement that was prepared last: MariaDB's clients write PREPARE and EXECUTE
// together, before they know the id.
const lastPrepared = 0xffffffff

func (s *session) statementOf(arg []byte, verb string) (*prepared, error) {
	if len(arg) < 4 {
		return nil, protocol.NewError(erMalformedPacket, "Malformed communication packet: %s without a statement id", verb)
	}
	id := binary.LittleEndian.Uint32(arg)
	if id == lastPrepared {
		id = s.lastStmt
	}
	st, ok := s.stmts[id]
	if !ok {
		return nil, protocol.NewError(erUnknownStmtHandler, "Unknown prepared statement handler (%d) given to %s", id, verb)
	}
	return st, nil
}

// stmtLongData keeps a piece of a parameter. The command has no answer: what is
// wrong with it is said at the next EXECUTE.
func (s *session) stmtLongData(arg []byte) {
	st, err := s.statementOf(arg, "mysqld_stmt_send_long_data")
	if err != nil || len(arg) < 6 {
		return
	}
	n := int(binary.LittleEndian.Uint16(arg[4:]))
	if n >= len(st.long) {
		st.longErr = protocol.NewError(erWrongArguments, "Incorrect arguments to mysqld_stmt_send_long_data")
		return
	}
	piece := arg[6:]
	if len(piece) > s.p.cfg.Limits.MaxPacket-st.longSize {
		clear(st.long)
		st.longErr = protocol.NewError(erUnknown, "Parameters of a prepared statement which are sent in pieces are longer than %d bytes (limits.max_packet)", s.p.cfg.Limits.MaxPacket)
	}
	if st.longErr != nil {
		return
	}
	st.longSize += len(piece)
	if st.long[n] == nil {
		st.long[n] = []byte{}
	}
	st.long[n] = append(st.long[n], piece...)
}

func (st *prepared) forgetLong() {
	clear(st.long)
	st.longSize, st.longErr = 0, nil
}

func (s *session) stmtReset(arg []byte) error {
	st, err := s.statementOf(arg, "mysqld_stmt_reset")
	if err != nil {
		return err
	}
	st.forgetLong()
	st.closeCursor()
	return s.sent(s.writeOK(protocol.OK{}))
}

// stmtClose has no answer, whatever is asked to be closed.
func (s *session) stmtClose(arg []byte) {
	if st, err := s.statementOf(arg, "mysqld_stmt_close"); err == nil {
		st.closeCursor()
		delete(s.stmts, st.id)
	}
}
