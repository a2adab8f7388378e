package sim

import (
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
	"time"

	"lockstep/coordinator"
	"lockstep/txlog"
)

// family of a server: whose ownership rules it has.
type family uint8

const (
	mariadb family = iota
	mysql
)

func (f family) String() string { return [...]string{"MariaDB", "MySQL"}[f] }

// server is one shard.
type server struct {
	w        *world
	index    int
	name     string
	family   family
	up       bool
	beside   *server // another shard on the same server
	booted   time.Duration
	sessions []*session
	lastID   uint64
	branches []*branch // not ended
	rows     [keys]uint64
	locks    [keys]*branch
	markers  []*row
}

// keys is the number of rows of each server's table. Each transaction sets its own bit.
const keys = 5

// session of a server: a connection with a branch.
type session struct {
	s      *server
	life   *life
	id     uint64
	began  time.Duration
	alive  bool        // the server has it
	closed atomic.Bool // the client's end is; the server will see it some time
	killed bool        // the server will end it
	b      *branch
}

// branchStatus is the server's own view. IDLE never outlives a request here: END travels with what follows it.
type branchStatus uint8

const (
	active branchStatus = iota
	prepared
	committed
	rolledBack
)

func (s branchStatus) String() string {
	return [...]string{"active", "prepared", "committed", "rolled back"}[s]
}

// branch of a transaction, or a stranger's.
type branch struct {
	x      coordinator.XID
	s      *server
	tx     *transaction // nil: a stranger's
	status branchStatus
	owner  *session // the session that it is tied to
	was    bool     // prepared, ever
	gap    bool     // MariaDB: its session has ended, the engine has not let go of it yet
	hidden bool     // MariaDB: committed in the gap: prepared still, and not listed until a restart
	writes []int
	born   time.Duration
}

var (
	errNota     = errors.New("1397 XAER_NOTA")
	errLockWait = errors.New("1205 lock wait timeout")
	errQuery    = errors.New("1317 query interrupted")
	errDup      = errors.New("1062 duplicate entry")
	errRefused  = errors.New("1402 XA_RBROLLBACK")
)

func newServer(w *world, index int) *server {
	return &server{w: w, index: index, name: fmt.Sprint("s", index+1), family: family(w.rng.IntN(2)), up: true}
}

func (s *server) branch(x coordinator.XID) *branch {
	for _, b := range s.branches {
		if b.x == x {
			return b
		}
	}
	return nil
}

// begin is connect, XA START.
func (s *server) begin(l *life, gtrid string) *session {
	s.lastID++
	sess := &session{s: s, life: l, id: s.lastID, began: s.w.now, alive: true}
	s.sessions = append(s.sessions, sess)
	x := coordinator.XID{FormatID: coordinator.FormatID, GTRID: gtrid, BQUAL: s.name}
	if s.branch(x) != nil {
		return sess // 1440
	}
	sess.b = &branch{x: x, s: s, tx: s.w.byGTRID[gtrid], owner: sess, born: s.w.now}
	sess.b.tx.branches = append(sess.b.tx.branches, sess.b)
	s.branches = append(s.branches, sess.b)
	return sess
}

// change sets the transaction's bit in a row; false: another branch has locked it.
func (b *branch) change(key int) bool {
	if o := b.s.locks[key]; o != nil && o != b {
		return false
	}
	b.s.locks[key] = b
	b.s.rows[key] |= b.tx.bit
	b.writes = append(b.writes, key)
	return true
}

// end a branch. The locks go, and its changes stay or are undone.
func (b *branch) end(status branchStatus) {
	b.status, b.gap = status, false
	for _, k := range b.writes {
		if status == rolledBack {
			b.s.rows[k] &^= b.tx.bit
		}
		if b.s.locks[k] == b {
			b.s.locks[k] = nil
		}
	}
	b.s.endMarker(b)
	if b.owner != nil {
		b.owner.b = nil
		b.owner = nil
	}
	b.s.branches = slices.DeleteFunc(b.s.branches, func(o *branch) bool { return o == b })
}

// prepare is XA END, XA PREPARE.
func (b *branch) prepare() coordinator.Reply {
	w := b.s.w
	if w.chance(w.luck.refusals) {
		w.saw(faultPrepareRefused, w.phaseOf(b.tx))
		b.drop("its server refuses to prepare it")
		return coordinator.Reply{Result: coordinator.Refused, Err: errRefused}
	}
	b.status, b.was = prepared, true
	if b.s.family == mysql { // detached at once
		b.owner = nil
	}
	return coordinator.Reply{Result: coordinator.Done}
}

// drop rolls back what is not prepared.
func (b *branch) drop(why string) {
	b.s.w.tell(b.s.name, "%s is rolled back: %s", short(b.x.GTRID), why)
	b.end(rolledBack)
	b.s.w.rolledBack(b, false)
}

// verdict ends a prepared branch.
func (b *branch) verdict(v txlog.Verdict) {
	b.s.w.tell(b.s.name, "%s: %s", short(b.x.GTRID), v)
	if v == txlog.Commit {
		b.end(committed)
		b.s.w.committed(b)
		return
	}
	b.end(rolledBack)
	b.s.w.rolledBack(b, true)
}

// ended is what the server does when a session is gone.
func (sess *session) ended(why string) {
	s := sess.s
	sess.alive = false
	sess.closed.Store(true)
	s.sessions = slices.DeleteFunc(s.sessions, func(o *session) bool { return o == sess })
	s.w.tell(s.name, "session %d of %s ends: %s", sess.id, sess.life.name, why)
	for _, r := range s.w.requests {
		if r.sess == sess && (r.state == waiting || r.state == sent) {
			s.w.finish(r, result{lost: true})
		}
	}
	b := sess.b
	if b == nil {
		return
	}
	sess.b = nil
	switch {
	case b.status == active:
		b.owner = nil
		b.drop("its session has ended")
	case b.status == prepared && s.family == mariadb:
		b.owner, b.gap = nil, s.up
	}
}

// crash of a server: prepared branches stay.
func (s *server) crash() {
	s.w.tell(s.name, "crashes")
	s.up = false
	for len(s.sessions) > 0 {
		s.sessions[0].ended("the server is down")
	}
	for _, b := range s.branches {
		b.owner, b.gap = nil, false
	}
	for _, r := range s.w.requests {
		if r.to == s && r.state == waiting {
			s.w.finish(r, result{lost: true})
		}
	}
	s.w.sweep()
}

func (s *server) restart() {
	s.w.tell(s.name, "is up")
	s.up, s.booted, s.lastID = true, s.w.now, 0
	for _, b := range s.branches {
		b.hidden = false
	}
}

// listed is XA RECOVER: of all shards on this server.
func (s *server) listed() (out []coordinator.XID) {
	for _, o := range s.host() {
		for _, b := range o.branches {
			if b.status == prepared && !b.hidden {
				out = append(out, b.x)
			}
		}
	}
	return out
}

// host are all shards on the same server.
func (s *server) host() []*server {
	if s.beside == nil {
		return []*server{s}
	}
	if s.index < s.beside.index {
		return []*server{s, s.beside}
	}
	return []*server{s.beside, s}
}

// settle is XA COMMIT or XA ROLLBACK from elsewhere, and the look afterwards.
func (s *server) settle(x coordinator.XID, v txlog.Verdict) coordinator.Reply {
	w := s.w
	b := s.branch(x)
	w.verdictReaches(x, s, b, v)
	switch {
	case b == nil || b.status != prepared || b.hidden:
		return coordinator.Reply{Result: coordinator.Unknown, Err: errNota}
	case s.family == mariadb && b.owner != nil:
		return coordinator.Reply{Result: coordinator.Retry, Err: errNota}
	case b.gap:
		b.hidden = true
		w.violation("%s of %s was sent to %s before its session had let go of it: answered OK, nothing happened, hidden until a restart", v, short(x.GTRID), s.name)
		return coordinator.Reply{Result: coordinator.Unknown, Err: errors.New("hidden")}
	case w.chance(w.luck.retries):
		w.saw(faultRetry, w.phaseOf(b.tx))
		return coordinator.Reply{Result: coordinator.Retry, Err: errLockWait}
	}
	w.resolved = append(w.resolved, b.tx)
	b.verdict(v)
	return coordinator.Reply{Result: coordinator.Done}
}

// hosted are the branches of all shards on this server.
func (s *server) hosted() (out []*branch) {
	for _, o := range s.host() {
		out = append(out, o.branches...)
	}
	return out
}
