package proxy

import (
	"bytes"
	"errors"
	"slices"
	"time"

	"lockstep/protocol"
	"lockstep/sharding"
)

// request is one statement to run: its text and, for a prepared one, its bound parameters.
type request struct {
	sql     []byte
	lits    []sharding.Literal
	stmt    *prepared         // nil for a text statement
	execute *protocol.Execute // nil for a text statement
	inner   bool              // a part of the text that was sent: it runs as text, also for who prepared it
	gathers bool              // information_schema is gathered for it
	text    []byte            // with the parameters' values in it; nil: the shard gets them as parameters
}

// query answers COM_QUERY: one statement, or several where the client asked for that.
func (s *session) query(text []byte) error {
	if bytes.IndexByte(text, ';') < 0 {
		return s.textStatement(text, false)
	}
	parts := sharding.Split(s.env, text)
	switch {
	case len(parts) == 0:
		return s.textStatement(text, false)
	case len(parts) > 1 && s.client.Capabilities()&protocol.ClientMultiStatements == 0:
		return s.answerError(protocol.NewError(1064, "You have an error in your SQL syntax; several statements in one query need the client's multi-statements option, near '%s'", near(parts[1])))
	}
	// LOAD DATA LOCAL reads its file into the memory that the packet is in.
	if len(parts) > 1 {
		parts = sharding.Split(s.env, bytes.Clone(text))
	}
	for i, part := range parts {
		if err := s.textStatement(part, i < len(parts)-1); err != nil {
			return err
		}
		if s.diag.failed {
			break // the statements behind a failed one do not run
		}
	}
	return nil
}

func near(text []byte) []byte { return text[:min(len(text), 80)] }

// textStatement runs one statement of a COM_QUERY. The error it returns ends the
// session; what the statement itself met has been answered.
func (s *session) textStatement(sql []byte, more bool) error {
	s.more, s.binary = more, false
	s.diag.failed = false // what SHOW WARNINGS shows of the last one stays
	s.running(sql)
	st, lits, err := s.planner().Parse(&s.env, sql, s.literals[:0])
	if unknownTable(err) && s.p.reloadSince(s.ctx, time.Now().Add(-staleAfter)) == nil {
		st, lits, err = s.planner().Parse(&s.env, sql, s.literals[:0])
	}
	if err != nil {
		return s.answer(s.judged(sql, err))
	}
	s.literals = lits
	return s.answer(s.run(st, &request{sql: sql, lits: lits}))
}

// answer sends err to the client, if it is one that the client has not been
// told; only what ends the session comes back.
func (s *session) answer(err error) error {
	if err == nil {
		return nil
	}
	var end *closeError
	if errors.As(err, &end) {
		return end.err
	}
	if s.silenced() {
		return errKilled
	}
	return s.answerError(toClient(err))
}

func (s *session) answerError(e *protocol.ServerError) error {
	s.diag.setError(e)
	s.rowCount = -1
	s.p.metrics.errors.Inc()
	return s.writeError(e)
}

// run runs a statement and answers it. A returned error has not been answered yet.
func (s *session) run(st *sharding.Statement, rq *request) error {
	if st.Kind == sharding.KindShow && diagnosticShow(st.Show.What) {
		return s.showDiagnostics(st)
	}
	s.diag.next()
	switch st.Kind {
	case sharding.KindSelect, sharding.KindInsert, sharding.KindUpdate, sharding.KindDelete,
		sharding.KindDo, sharding.KindCall, sharding.KindExplain:
		return s.data(st, rq)
	case sharding.KindLoad:
		return s.load(st, rq)
	case sharding.KindDDL, sharding.KindAdmin:
		if st.CreateSelect != nil {
			return s.createSelect(st, rq)
		}
		return s.ddl(st, rq)
	case sharding.KindBegin, sharding.KindCommit, sharding.KindRollback, sharding.KindSavepoint,
		sharding.KindRollbackTo, sharding.KindRelease:
		return s.transactionVerb(st)
	case sharding.KindSet:
		return s.okAfter(s.set(st))
	case sharding.KindSetStatement:
		return s.setStatement(st, rq)
	case sharding.KindUse:
		return s.okAfter(s.use(st.Name))
	case sharding.KindShow:
		return s.showStatement(st, rq)
	case sharding.KindExplainLockstep:
		return s.explainLockstep(st, rq)
	case sharding.KindLockstep:
		return s.showLockstep(st)
	case sharding.KindKill:
		return s.okAfter(s.killStatement(st.Kill))
	case sharding.KindUnlockTables:
		return s.okAfter(nil) // it commits only after LOCK TABLES, which there is none of
	case sharding.KindLockTables:
		return s.lockTables()
	case sharding.KindXA:
		return protocol.NewError(erXARMFail, "XAER_RMFAIL: XA statements are not for clients: Lockstep itself makes every transaction over several shards atomic")
	case sharding.KindPrepareText:
		return s.preparedText(&st.Prepare)
	case sharding.KindEmpty:
		return s.okAfter(nil) // comments only
	default:
		return notSupported("this kind of statement")
	}
}

// okAfter answers OK where err is nil.
func (s *session) okAfter(err error) error {
	if err != nil {
		return err
	}
	s.rowCount = 0
	return s.sent(s.writeOK(protocol.OK{Warnings: s.diag.count()}))
}

// sent marks an error of writing to the client as the session's end.
func (s *session) sent(err error) error {
	if err == nil {
		return nil
	}
	return &closeError{err}
}

func (s *session) transactionVerb(st *sharding.Statement) error {
	again := s.tx
	var err error
	switch st.Kind {
	case sharding.KindBegin:
		return s.okAfter(s.begin(st.Begin.ReadOnly, st.Begin.ReadWrite))
	case sharding.KindSavepoint:
		return s.okAfter(s.savepoint(st.Name))
	case sharding.KindRollbackTo:
		return s.okAfter(s.rollbackTo(st.Name))
	case sharding.KindRelease:
		return s.okAfter(s.release(st.Name))
	case sharding.KindCommit:
		err = s.commitNow()
	default:
		s.rollbackNow()
	}
	if again == nil { // SET TRANSACTION is for the transaction that ends here
		s.vars.nextIsolation, s.vars.nextReadOnly = "", nil
	}
	if err == nil && st.Chain {
		s.tx = s.newTransaction()
		s.tx.explicit = true
		if again != nil {
			s.tx.readOnly, s.tx.isolation = again.readOnly, again.isolation
		}
	}
	if err := s.okAfter(err); err != nil {
		return err
	}
	if st.ReleaseAfter {
		return &closeError{errors.Join(errReleased, s.client.Flush())}
	}
	return nil
}

var errReleased = errors.New("client asked to be released")

// readOnly says whether the statement may change nothing: by its transaction, or by SET
// TRANSACTION before one that is a transaction of its own.
func (s *session) readOnly() bool {
	if s.tx != nil {
		return s.tx.readOnly
	}
	return s.vars.nextReadOnly != nil && *s.vars.nextReadOnly
}

// characteristics gives an autocommit statement those of SET TRANSACTION, which hold for it alone.
func (s *session) characteristics() (restore func()) {
	v := &s.vars
	level := v.nextIsolation
	v.nextIsolation, v.nextReadOnly = "", nil
	if level == "" {
		return func() {}
	}
	own, set := v.vars["tx_isolation"]
	v.set("tx_isolation", isolationLiteral(level))
	return func() {
		if set {
			v.set("tx_isolation", own)
		} else {
			v.unset("tx_isolation")
		}
	}
}

// implicitCommit is what DDL and the like do first.
func (s *session) implicitCommit() error {
	if s.tx == nil {
		return nil
	}
	return s.commitNow()
}

// data plans and runs a statement on tables.
func (s *session) data(st *sharding.Statement, rq *request) error {
	if err := s.checkAlive(); err != nil {
		return err
	}
	if err := s.keepsOwn(); err != nil {
		return err
	}
	if err := s.checkAccess(st); err != nil {
		return err
	}
	begin := time.Now()
	rq.gathers = true
	st, err := s.withTables(st, rq)
	if err == nil {
		err = s.planned(st, rq)
	}
	if unknownTable(err) && s.p.reloadSince(s.ctx, begin.Add(-staleAfter)) == nil {
		if st, err = s.parseAgain(rq); err == nil {
			err = s.planned(st, rq)
		}
	}
	if err != nil {
		return err
	}
	if s.plan.Evaluate != nil {
		resume, err := s.evaluateFirst(st, rq)
		if err != nil {
			return err
		}
		defer resume()
	}
	if !s.plan.Write && s.p.catalog.hasFunction(st.Functions) {
		s.plan.Write, s.plan.AnyShard = true, false // a stored function may change data
	}
	if s.attributes.any && slices.Contains(st.Functions, attributeFunction) {
		return notSupported("%s: query attributes are not passed on to the shards", attributeFunction)
	}
	if err := leavesState(st, rq.sql, s.plan.AnyShard); err != nil {
		return err
	}
	if asksForLocks(st) {
		return s.lockStatement(st, rq)
	}
	if !s.plan.AnyShard {
		s.ensureTransaction()
	}
	s.locks = s.locking(st)
	s.trackWork(st)
	if s.digest = st.Digest; s.tx != nil {
		s.tx.trail.add(st.Digest)
	}
	if s.plan.Write && s.readOnly() {
		return protocol.NewError(erReadOnlyTransaction, "Cannot execute statement in a READ ONLY transaction")
	}
	switch {
	case !s.plan.AnyShard && s.tx == nil:
		defer s.characteristics()()
	case s.plan.AnyShard && !s.plan.Write && s.tx != nil && len(s.tx.branches) == 0:
		// Nothing to see or to lock there: the transaction need not begin for it.
		s.outside = true
		defer func() { s.outside = false }()
	}
	defer s.limitTime(st)()
	switch {
	case s.plan.Fill != nil:
		s.p.metrics.scattered.Inc()
		return s.fillTable()
	case len(s.plan.System) > 0:
		return s.systemRead(st)
	case s.plan.Scratch != nil:
		return s.scratch(st, rq)
	case s.plan.Change != nil:
		return s.changeByKeys(rq)
	case s.plan.Load != nil:
		return s.loadFile(st, rq)
	case s.vars.token != "" && s.plan.Write && s.tx == nil:
		return s.tokenStatement(st, rq)
	case len(s.plan.Targets) == 1:
		s.p.metrics.single.Inc()
		return s.single(st, rq)
	case s.plan.Write:
		s.p.metrics.scattered.Inc()
		return s.scatterWrite(st, rq)
	default:
		s.p.metrics.scattered.Inc()
		return s.scatterRead(st, rq)
	}
}

// parseAgain is for a statement whose tables the catalog did not know.
func (s *session) parseAgain(rq *request) (*sharding.Statement, error) {
	if rq.stmt != nil {
		return rq.stmt.analysis(s)
	}
	st, lits, err := s.planner().Parse(&s.env, rq.sql, s.literals[:0])
	s.literals, rq.lits = lits, lits
	return st, err
}

func unknownTable(err error) bool {
	var e *sharding.Error
	return errors.As(err, &e) && (e.Code == 1146 || e.Code == 1049 || e.Code == 1305)
}

// planned plans the statement into s.plan.
func (s *session) planned(st *sharding.Statement, rq *request) error {
	in := &s.inputs
	in.SQL, in.Literals = rq.sql, rq.lits
	in.Params, in.AppendParam = nil, nil
	if rq.execute != nil {
		rq.stmt.bind(in, rq.execute, s.vars.charset())
	}
	if in.Reserve == nil {
		in.Reserve = func(t *sharding.Table, n int) (uint64, error) {
			if s.onLoop {
				return 0, errNotNow
			}
			return s.p.sequences.Reserve(s.ctx, t, n)
		}
		in.Explicit = func(t *sharding.Table, highest uint64) error {
			if s.onLoop {
				return s.p.sequences.Explicit(noWait, t, highest)
			}
			return s.p.sequences.Explicit(s.ctx, t, highest)
		}
		in.FileCharset = s.fileCharset
		if s.p.mapped() {
			in.PhysicalDatabase = s.p.physical
		}
	}
	in.Prefer, in.MayScratch, in.InTransaction = s.preferred(), s.vars.scratch, s.tx != nil || !s.vars.autocommit
	in.Gather = rq.gathers
	in.Session = nil
	if st.SessionSlots {
		in.Session = s.sessionSlots()
	}
	if err := st.Plan(&s.plan, in); err != nil || rq.text == nil {
		return scratchOff(err)
	}
	for i := range s.plan.Targets {
		if t := &s.plan.Targets[i]; t.SQL == nil {
			t.SQL = rq.text
		}
	}
	return nil
}

// sessionSlots gives the values of LAST_INSERT_ID() and its like.
func (s *session) sessionSlots() *sharding.Session {
	s.slots = sharding.Session{
		LastInsertID: s.lastInsertID, RowCount: s.rowCount, FoundRows: s.foundRows,
		ConnectionID: s.id, User: s.user.Name, Host: s.host, Database: s.vars.database,
		SystemVariables: s.systemVariable,
	}
	return &s.slots
}
