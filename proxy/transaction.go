package proxy

import (
	"context"
	"errors"
	"strconv"
	"strings"

	"lockstep/backend"
	"lockstep/coordinator"
	"lockstep/protocol"
	"lockstep/proxy/deadlock"
)

// transaction is what is open between BEGIN and COMMIT, or around one
// autocommit statement that changes several shards.
type transaction struct {
	named      *coordinator.Transaction // from the first branch on
	explicit   bool                     // by BEGIN; otherwise by autocommit=0 or by the proxy itself
	implicit   bool                     // around one statement
	readOnly   bool
	readWrite  bool   // asked for, whatever the session's default
	isolation  string // of this transaction only; empty: the session's
	branches   []*branch
	byShard    []*branch
	savepoints []string // in order, as the client wrote them (with quotes)
	dead       error    // the server ended it: only ROLLBACK is left
	trail      trail
	watched    *deadlock.Transaction // from the second branch on
	work       transactionWork
}

// branch is the part of a transaction on one shard.
type branch struct {
	shard int
	conn  *backend.Conn
	xa    *backend.Branch
	wrote bool
	fresh bool // XA START is buffered but not answered yet (of a transaction without XA, its first statement)

	locked bool // it may have locked what it read

	called bool // a procedure ran here, and may have left something
}

func (s *session) newTransaction() *transaction {
	t := &transaction{byShard: make([]*branch, len(s.p.shards)), isolation: s.vars.nextIsolation}
	s.vars.nextIsolation = ""
	if ro := s.vars.nextReadOnly; ro != nil {
		t.readOnly = *ro
		s.vars.nextReadOnly = nil
	}
	return t
}

// begin is BEGIN: what is open is committed first, and nothing is sent. After a
// deadlock and the like nothing is open any more, as the client has been told:
// there BEGIN starts afresh, as on a server.
func (s *session) begin(readOnly, readWrite bool) error {
	if s.tx != nil && s.tx.dead != nil {
		s.rollbackNow()
	}
	if s.tx != nil {
		if err := s.commitNow(); err != nil {
			return err
		}
	}
	s.tx = s.newTransaction()
	s.tx.explicit = true
	if readOnly {
		s.tx.readOnly = true
	}
	if readWrite {
		s.tx.readOnly, s.tx.readWrite = false, true
	}
	return nil
}

// ensureTransaction opens one where autocommit=0 calls for it.
func (s *session) ensureTransaction() {
	if s.tx == nil && !s.vars.autocommit {
		s.tx = s.newTransaction()
	}
}

// checkAlive refuses everything but ROLLBACK once the server has ended the transaction.
func (s *session) checkAlive() error {
	if s.tx != nil && s.tx.dead != nil {
		return protocol.NewError(erXARollback, "XA_RBROLLBACK: Transaction branch was rolled back (%s); ROLLBACK is the only statement allowed now", s.tx.dead)
	}
	return nil
}

// stmtSavepoint is where one statement's work on a shard can be taken back to.
const stmtSavepoint = "`lockstep_statement`"

// branchOn returns the transaction's branch on a shard, taking a connection
// and buffering XA START for a new one: whoever gets a fresh branch must
// buffer a statement, flush and call opened before reading the statement's answer.
//
// prepare, if not empty, is a statement that the connection must have prepared
// before: that answer has to be read before XA START is buffered.
func (s *session) branchOn(shard int, savepoint bool, prepare string) (*branch, error) {
	t := s.tx
	if b := t.byShard[shard]; b != nil {
		return b, nil
	}
	if len(t.branches) > 0 && (s.vars.commitMode == modeSingle || t.branches[0].xa.Plain()) {
		return nil, protocol.NewError(erNotSupportedYet, "Lockstep: the transaction already uses shard %s; a second one (%s) is not allowed with lockstep_commit_mode=single",
			s.p.shards[t.branches[0].shard].Name(), s.p.shards[shard].Name())
	}
	conn, err := s.acquire(shard, false, prepare)
	if err != nil {
		return nil, err
	}
	if t.named == nil {
		t.named = s.p.coordinator.Begin()
	}
	b := &branch{shard: shard, conn: conn, fresh: true}
	if len(s.p.shards) == 1 || s.vars.commitMode == modeSingle { // it stays alone
		b.xa = backend.NewPlainBranch(conn, t.named.GTRID(), s.p.shards[shard].Name())
	} else {
		b.xa = backend.NewBranch(conn, t.named.GTRID(), s.p.shards[shard].Name())
	}
	var before, after []string
	if t.isolation != "" {
		before = append(before, "SET TRANSACTION ISOLATION LEVEL "+t.isolation)
	}
	if t.readWrite {
		before = append(before, "SET TRANSACTION READ WRITE")
	}
	for _, name := range t.savepoints {
		after = append(after, "SAVEPOINT "+quoteName(name))
	}
	if savepoint {
		after = append(after, "SAVEPOINT "+stmtSavepoint)
	}
	if err := b.xa.WriteOpen(before, after); err != nil {
		conn.Discard()
		return nil, lostShard(s.p.shards[shard].Name(), err, false)
	}
	t.branches = append(t.branches, b)
	t.byShard[shard] = b
	s.watch(b)
	t.trail.opened(s, t.named.GTRID(), s.p.shards[shard].Name(), conn.ID())
	return b, nil
}

// opened reads the answer to a fresh branch's XA START. If it failed, the
// connection is closed at once: what was sent behind it ran outside any
// branch, in a plain transaction that ends with the connection.
func (s *session) opened(b *branch) error {
	if !b.fresh {
		return nil
	}
	b.fresh = false
	ctx := s.ctx
	if s.onLoop {
		ctx = context.Background() // the answers are there: nothing can be interrupted
	}
	err := b.xa.ReadOpen(ctx)
	if err == nil {
		return nil
	}
	s.dropBranch(b)
	// Its class says nothing of the cause: an opening that failed has certainly done nothing.
	var refusal *protocol.ServerError
	if errors.As(err, &refusal) {
		return err
	}
	return lostShard(s.p.shards[b.shard].Name(), err, false)
}

// dropBranch closes a branch's connection; the server rolls back what it held.
func (s *session) dropBranch(b *branch) {
	s.tx.watched.Remove(s.p.shards[b.shard].Name())
	s.untrack(b.conn)
	b.conn.Discard()
	t := s.tx
	t.byShard[b.shard] = nil
	for i, o := range t.branches {
		if o == b {
			t.branches = append(t.branches[:i], t.branches[i+1:]...)
			break
		}
	}
}

// doom is called when a server has ended the transaction, or a branch's
// connection is lost: every branch is rolled back at once, so that no lock outlives it, and the client must say ROLLBACK.
func (s *session) doom(cause error) {
	if s.tx == nil || s.tx.dead != nil {
		return
	}
	s.rollbackBranches()
	s.tx.dead = cause
}

// noticeServerError looks at an error that a statement met inside a branch, and
// says whether it has ended the transaction.
func (s *session) noticeServerError(b *branch, e *protocol.ServerError) bool {
	if b == nil || s.tx == nil || !backend.EndsTransaction(e, s.p.rollbackOnTimeout.Load()) {
		return false
	}
	s.doom(e)
	return true
}

// gtrid is the open transaction's name; empty before its first branch.
func (s *session) gtrid() string {
	if s.tx == nil || s.tx.named == nil {
		return ""
	}
	return s.tx.named.GTRID()
}

// savepoint is SAVEPOINT name: set on every branch, and on later ones when they open.
func (s *session) savepoint(name string) error {
	s.ensureTransaction()
	if s.tx == nil {
		return nil // outside a transaction it has no effect, as on a server
	}
	if err := s.onBranches("SAVEPOINT " + quoteName(name)); err != nil {
		return err
	}
	t := s.tx
	for i, n := range t.savepoints {
		if strings.EqualFold(n, name) {
			t.savepoints = append(t.savepoints[:i], t.savepoints[i+1:]...)
			break
		}
	}
	if len(t.savepoints) >= maxSavepoints {
		return protocol.NewError(erUnknown, "Too many savepoints in one transaction (at most %s)", strconv.Itoa(maxSavepoints))
	}
	t.savepoints = append(t.savepoints, name)
	return nil
}

// quoteName writes a name as an identifier, whatever is in it.
func quoteName(name string) string { return "`" + strings.ReplaceAll(name, "`", "``") + "`" }

// maxSavepoints bounds what a new branch must repeat when it opens.
const maxSavepoints = 1024

// rollbackTo is ROLLBACK TO name; release is RELEASE SAVEPOINT name.
func (s *session) rollbackTo(name string) error {
	return s.atSavepoint("ROLLBACK TO SAVEPOINT ", name, 1)
}
func (s *session) release(name string) error { return s.atSavepoint("RELEASE SAVEPOINT ", name, 0) }

func (s *session) atSavepoint(verb, name string, keep int) error {
	i := -1
	if s.tx != nil {
		for j, n := range s.tx.savepoints {
			if strings.EqualFold(n, name) {
				i = j
			}
		}
	}
	if i < 0 {
		return protocol.NewError(erSavepointMissing, "SAVEPOINT %s does not exist", name)
	}
	if err := s.onBranches(verb + quoteName(name)); err != nil {
		return err
	}
	s.tx.savepoints = s.tx.savepoints[:i+keep]
	return nil
}

// onBranches runs a statement on every branch, all at once. A failure leaves
// the branches apart, so the transaction cannot go on.
func (s *session) onBranches(sql string) error {
	if err := s.checkAlive(); err != nil {
		return err
	}
	errs := make([]error, len(s.tx.branches))
	for i, b := range s.tx.branches {
		s.track(b.conn)
		errs[i] = b.conn.Wire().WriteCommand(protocol.ComQuery, []byte(sql))
		if errs[i] == nil {
			errs[i] = b.conn.Wire().Flush()
		}
	}
	// Every answer is read, whatever the others say: no branch may keep one unread.
	var failed error
	for i, b := range s.tx.branches {
		if errs[i] == nil {
			_, errs[i] = protocol.ReadOK(b.conn.Wire())
		}
		s.untrack(b.conn)
		if errs[i] == nil {
			continue
		}
		if err := s.verbFailed(b, errs[i]); failed == nil {
			failed = err
		}
	}
	if failed != nil {
		s.doom(failed)
	}
	return failed
}

// verbFailed is a server's refusal as it is, and a broken connection as a lost shard.
func (s *session) verbFailed(b *branch, err error) error {
	if backend.Classify(err) != backend.ClassUnknown {
		return err
	}
	b.conn.MarkBroken()
	return lostShard(s.p.shards[b.shard].Name(), err, false)
}
