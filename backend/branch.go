package backend

import (
	"context"
	"errors"
	"fmt"

	"lockstep/protocol"
)

// branchState is where a branch stands.
//
//	new ─▶ opening ─▶ active ─▶ prepared ─▶ ended
//	          │          │  └──────────────▶ ended   (one phase, rollback)
//	          ▼          ▼
//	        failed    unknown   (PREPARE, COMMIT or ROLLBACK was sent, its answer never came)
//
// The server's IDLE state (after XA END) never outlives a verb here: END always
// travels with what follows it.
type branchState uint8

const (
	branchNew      branchState = iota
	branchOpening              // written, answers not read
	branchActive               //
	branchPrepared             //
	branchUnknown              // may be prepared or ended
	branchFailed               // did not open: the connection must be closed
	branchEnded                //
)

func (s branchState) String() string {
	return [...]string{"new", "opening", "active", "prepared", "unknown", "failed", "ended"}[s]
}

// Branch is an XA branch on a connection that has autocommit=0. Not safe for concurrent use.
type Branch struct {
	c       *Conn
	xid     XID
	sql     string // of xid
	state   branchState
	pending int  // answers of WriteOpen that have not been read
	owned   bool // the shard remembers whose session it is on
	refused bool // its marker cannot be written: it can only be rolled back
	plain   bool // a local transaction without XA; see plain.go
}

// NewBranch names a branch; nothing is sent. The connection belongs to the
// branch until the branch has ended.
func NewBranch(c *Conn, gtrid, bqual string) *Branch {
	x := XID{FormatID: formatID, GTRID: gtrid, BQUAL: bqual}
	return &Branch{c: c, xid: x, sql: x.SQL()}
}

// Conn is the connection that the branch is on.
func (b *Branch) Conn() *Conn { return b.c }

// XID is the branch's name.
func (b *Branch) XID() XID { return b.xid }

// Prepared says whether XA PREPARE was acknowledged and no later verb was.
func (b *Branch) Prepared() bool { return b.state == branchPrepared }

// Ended says whether the last verb was acknowledged: the connection may be reused.
func (b *Branch) Ended() bool { return b.state == branchEnded }

// State is the branch's state in words, for logs and operators.
func (b *Branch) State() string { return b.state.String() }

// WriteOpen buffers (no flush) what opens the branch: setup statements (e.g. SET TRANSACTION …,
// run before), XA START, then after (e.g. SAVEPOINTs). The caller buffers its statement behind
// it, flushes, calls ReadOpen, and then reads its statement's answer. The statement must
// not be one that commits implicitly (DDL): behind a failed XA START it would.
func (b *Branch) WriteOpen(before, after []string) error {
	c := b.c
	if err := c.usable(context.Background(), "opening a branch"); err != nil {
		return err
	}
	switch err := b.xid.check(); {
	case err != nil:
		return fmt.Errorf("opening a branch: %w", err)
	case b.state != branchNew:
		return fmt.Errorf("opening a branch: it is %s already", b.state)
	case c.autocommit:
		return errors.New("opening a branch: its connection has autocommit on: statements behind a failed XA START would be committed")
	case c.branch != nil:
		return fmt.Errorf("opening a branch: its connection has branch %s open", c.branch.xid)
	}
	c.branch, b.state = b, branchOpening
	write := func(sql string) error {
		b.pending++
		return c.writeCommand(protocol.ComQuery, sql)
	}
	for _, sql := range before {
		if err := write(sql); err != nil {
			return b.openFailed(err)
		}
	}
	if !b.plain {
		if err := write("XA START " + b.sql); err != nil {
			return b.openFailed(err)
		}
	}
	for _, sql := range after {
		if err := write(sql); err != nil {
			return b.openFailed(err)
		}
	}
	return nil
}

// ReadOpen reads the answers to WriteOpen. On any error the caller must Discard the
// connection without reading on (Release does it too): what followed ran in a plain
// transaction (autocommit=0) that the disconnect undoes.
func (b *Branch) ReadOpen(ctx context.Context) error {
	if b.state != branchOpening {
		return fmt.Errorf("reading the opening of a branch that is %s", b.state)
	}
	defer b.c.Interrupt(ctx)()
	for b.pending > 0 {
		sum, err := protocol.DrainResponse(b.c.wire)
		if err == nil && sum.Err != nil {
			err = sum.Err
		}
		if err != nil {
			return b.openFailed(err)
		}
		b.pending--
	}
	b.state = branchActive
	if !b.plain {
		b.c.shard.verbs.add(VerbStart, ClassNone)
	}
	return nil
}

// Open is WriteOpen, flush, ReadOpen.
func (b *Branch) Open(ctx context.Context, before, after []string) error {
	if err := b.WriteOpen(before, after); err != nil {
		return err
	}
	if err := b.c.wire.Flush(); err != nil {
		return b.openFailed(err)
	}
	return b.ReadOpen(ctx)
}

// openFailed makes sure that nothing more happens on the connection. The
// verdict is always definite: nothing that came behind can be committed.
func (b *Branch) openFailed(err error) error {
	b.state = branchFailed
	b.c.broken.Store(true)
	k := ClassDefinite
	if classifyFor(VerbStart, err) == ClassRetryable {
		k = ClassRetryable
	}
	return b.c.shard.verdictAs(VerbStart, b.xid, k, err)
}
