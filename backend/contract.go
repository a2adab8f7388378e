// CONTRACT (temporary file): the backend owner moves each into its own file.

package backend

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"lockstep/protocol"
)

var errContract = errors.New("not implemented")

// Flavor is the server family.
type Flavor uint8

const (
	MariaDB Flavor = iota + 1
	MySQL
)

// Options of one shard. Zero durations and counts take their defaults.
type Options struct {
	Name, Address  string // Address: host:port, or an absolute path of a Unix socket
	User, Password string
	MaxConns       int           // server connections at once; default 64
	MaxIdle        int           // kept open when idle; default 16
	IdleTime       time.Duration // an idle connection is closed after; default 5m
	QueueLength    int           // waiting for a connection at once; default 1024; past it *QueueFullError
	AcquireTimeout time.Duration // waiting for a connection; default 10s; past it *AcquireTimeoutError
	DialTimeout    time.Duration // default 3s
	MaxPacket      int
	MaxStatements  int           // prepared statements per server connection; default 256, least recently used is closed
	ProbeInterval  time.Duration // how often a shard that is down is tried; default 500ms
	Logger         *slog.Logger
	OnUp           func(shard string) // called when a shard that was not reachable answers (also the first time)
}

// Shard is one database server: its pool and what recovery needs of it. Safe for concurrent use.
type Shard struct{}

func NewShard(o Options) *Shard { return nil } // does not dial; a shard that is down is no error
func (s *Shard) Name() string   { return "" }
func (s *Shard) Up() bool       { return false }
func (s *Shard) Close() error   { return errContract }

// Stats of the pool, for metrics.
type Stats struct {
	Open, Idle, InUse, Waiting            int
	Dials, DialErrors, Timeouts, Rejected uint64
}

func (s *Shard) Stats() Stats { return Stats{} }

// State is the session state a statement needs on its server connection.
// Immutable: make a new one to change it. Equal pointers are equal states.
type State struct {
	Database  string     // physical name; empty: does not matter
	FoundRows bool       // CLIENT_FOUND_ROWS: part of the pool's key
	Vars      []Variable // sorted by Name
}

// Variable is a session variable ("sql_mode") or a user variable ("@x") with its value as an SQL literal or expression without side effects.
type Variable struct{ Name, Value string }

// Acquire hands out a connection whose session state equals want and whose
// autocommit is as asked, brought in line by difference (one extra round trip where they differ; none
// where an idle connection fits). FIFO-fair among waiters. Errors: *protocol.ServerError (a SET was refused),
// *DownError, *QueueFullError, *AcquireTimeoutError.
func (s *Shard) Acquire(ctx context.Context, want *State, autocommit bool) (*Conn, error) {
	return nil, errContract
}

// Conn is a server connection, owned by one session at a time.
type Conn struct{}

func (c *Conn) ID() uint32                                      { return 0 } // the server's connection id
func (c *Conn) Shard() *Shard                                   { return nil }
func (c *Conn) Flavor() Flavor                                  { return 0 }
func (c *Conn) Wire() *protocol.Conn                            { return nil } // no CLIENT_DEPRECATE_EOF, no CLIENT_MULTI_STATEMENTS; CLIENT_MULTI_RESULTS and PS_MULTI_RESULTS on
func (c *Conn) Release()                                        {}             // back to the pool; discarded when broken or when a branch or transaction is open on it
func (c *Conn) Discard()                                        {}             // closed; never reused
func (c *Conn) MarkBroken()                                     {}
func (c *Conn) SetState(ctx context.Context, want *State) error { return errContract } // brings a held connection in line

// Interrupt makes blocking reads and writes on the connection fail once ctx ends; call stop when done.
func (c *Conn) Interrupt(ctx context.Context) (stop func()) { return func() {} }

// Exec runs a statement that returns no rows. *protocol.ServerError, or a transport error (then the connection is broken).
func (c *Conn) Exec(ctx context.Context, sql string) (protocol.OK, error) {
	return protocol.OK{}, errContract
}

// Query runs a statement and collects its rows (for small internal look-ups; at most maxRows).
func (c *Conn) Query(ctx context.Context, sql string, maxRows int) (*Result, error) {
	return nil, errContract
}

type Result struct {
	Columns []protocol.Column
	Rows    [][]protocol.Field // owned by the caller
}

// Prepare returns the statement's id on this connection, preparing it if it is not cached there.
type Prepared struct {
	ID      uint32
	Params  []protocol.Column
	Columns []protocol.Column
}

func (c *Conn) Prepare(ctx context.Context, sql string) (*Prepared, error) { return nil, errContract }

// Branch is an XA branch on a connection that has autocommit=0: its states are
// new → active → idle → prepared → ended. Not safe for concurrent use.
type Branch struct{}

func NewBranch(c *Conn, gtrid, bqual string) *Branch { return nil }
func (b *Branch) Conn() *Conn                        { return nil }

// WriteOpen buffers (no flush) what opens the branch: setup statements (e.g. SET TRANSACTION …,
// run before), XA START, then after (e.g. SAVEPOINTs). The caller buffers its statement behind
// it, flushes, calls ReadOpen, and then reads its statement's answer.
func (b *Branch) WriteOpen(before, after []string) error { return errContract }

// ReadOpen reads the answers to WriteOpen. On any error the caller must Discard the
// connection without reading on: what followed ran in a plain transaction (autocommit=0) that the disconnect undoes.
func (b *Branch) ReadOpen(ctx context.Context) error { return errContract }

// Open is WriteOpen, flush, ReadOpen.
func (b *Branch) Open(ctx context.Context, before, after []string) error { return errContract }

// Prepare: XA END | XA PREPARE in one write. Classify tells what an error means: a definite no (branch is gone or is rolled back here) or unknown.
func (b *Branch) Prepare(ctx context.Context) error        { return errContract }
func (b *Branch) Commit(ctx context.Context) error         { return errContract } // prepared branch
func (b *Branch) CommitOnePhase(ctx context.Context) error { return errContract } // XA END | XA COMMIT ONE PHASE; active branch
func (b *Branch) Rollback(ctx context.Context) error       { return errContract } // from any state; the clean-up of facts.md A that always works
func (b *Branch) Prepared() bool                           { return false }
func (b *Branch) Ended() bool                              { return false } // the last verb was acknowledged: the connection may be reused

// Class says what an error means for the verb that met it.
type Class uint8

const (
	ClassNone      Class = iota // nil error
	ClassDefinite               // the server said no; the verb had no effect
	ClassRetryable              // definite, and the same verb may succeed later (1205, 1317 on XA COMMIT; shard read_only)
	ClassUnknown                // connection lost or timed out in mid-verb
)

func Classify(err error) Class { return 0 }

// EndsTransaction says whether a server error means that the branch is dead (1213, 1205 with
// innodb_rollback_on_timeout, 1402, 1614, 1613 …): only ROLLBACK may follow.
func EndsTransaction(e *protocol.ServerError, rollbackOnTimeout bool) bool { return false }

// XID of a prepared branch.
type XID struct {
	FormatID     int64
	GTRID, BQUAL string
}

// For the resolver; each uses its own connections, not the pool's queue.
func (s *Shard) PreparedXIDs(ctx context.Context) ([]XID, error)         { return nil, errContract } // XA RECOVER
func (s *Shard) FreeXIDs(ctx context.Context, xids []XID) error          { return errContract }
func (s *Shard) SettleXID(ctx context.Context, x XID, commit bool) error { return errContract } // verified; Classify the error
