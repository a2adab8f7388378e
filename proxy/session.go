package proxy

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"lockstep/backend"
	"lockstep/config"
	"lockstep/eventloop"
	"lockstep/protocol"
	"lockstep/sharding"
)

// session is one client: its connection, its state, its transaction. All
// fields but those under mu belong to the session's own goroutine.
type session struct {
	p      *Proxy
	id     uint32
	nc     net.Conn
	client *protocol.Conn

	// On an event loop between commands, and while a statement that it can serve runs; see quick.go.
	event   *eventloop.Conn // nc, where it is one; else nil
	loop    *frontLoop      // nil: there is none
	onLoop  bool            // the loop runs this session's code now: nothing may block
	parking bool            // under mu: the session is the loop's, or about to be
	flight  flight
	quickRq request
	served  struct { // the command that the loop has read
		command protocol.Command
		arg     []byte
	}
	begunAnew bool // under mu: the statement that runs next is the one that was begun on a shared connection

	ctx    context.Context // ends when the session is killed or the proxy closes
	cancel context.CancelFunc

	user     *config.User
	peer     string // the client's address, as process lists show it
	host     string
	via      string // the proxy's in front of us
	pending  bool   // not logged in yet; of the registry's mu
	vars     variables
	env      sharding.Env
	tx       *transaction
	stmts    map[uint32]*prepared
	texts    map[string]*prepared // of PREPARE as SQL text, by name in lower case
	nextStmt uint32
	binary   bool  // the running command is a prepared statement's: rows are binary
	named    named // of that prepared statement
	outside  bool  // the running statement takes no part in the open transaction
	locks    bool  // the running statement may lock what it reads
	more     bool  // further statements of the same packet follow
	limited  bool  // the running statement has a time limit
	seated   bool  // the running statement may use the scratch server
	diag     diagnostics

	tracking   sessionTrack
	attributes queryAttributes

	loginCharset byte   // the collation of the handshake
	lastStmt     uint32 // id of the statement that was prepared last; 0: that failed, or none was

	locksConn *backend.Conn // holds the session's locks by name; nil: it has not asked for any

	temps *temporaries // nil: it has no temporary table

	lastGTRID    string // of the last transaction that had one
	lastInsertID uint64
	rowCount     int64
	foundRows    uint64

	// Reused from statement to statement.
	literals []sharding.Literal
	plan     sharding.Plan
	inputs   sharding.Inputs
	slots    sharding.Session
	out      []byte

	writeLimit atomic.Int64 // nanoseconds that the client may take nothing of its answer

	digest string                // of the running statement
	trail  atomic.Pointer[trail] // of the open transaction, from its first branch on

	mu      sync.Mutex
	counted string // the user this session counts for
	waiting bool   // between commands
	open    bool   // inside a transaction
	killed  bool
	active  []*backend.Conn // running a statement now
	number  uint64          // of the statement, so that a late KILL QUERY does not hit the next one
	killing int             // KILL QUERYs under way
	victim  uint64          // the statement of this number is ended to break a deadlock
	overdue uint64          // the statement of this number is ended for its time limit
	stop    uint64          // the statement of this number was asked to end
	bereft  uint64          // the statement of this number is ended because one of its shards is lost

	condemned uint64     // KILL QUERY met the statement of this number on no connection
	spared    *sync.Cond // of mu: killing has fallen
	command   string
	text      []byte
	since     time.Time
	shown     shown
}

// shown is who the session is, as others see it.
type shown struct {
	user, host, database   string
	via, transport, plugin string
	attributes             map[string]string
}

func newSession(p *Proxy, nc net.Conn, loop *frontLoop) *session {
	s := &session{p: p, nc: nc, loop: loop, stmts: map[uint32]*prepared{}, since: time.Now(), command: "Connect"}
	s.ctx, s.cancel = context.WithCancel(p.ctx)
	s.spared = sync.NewCond(&s.mu)
	s.peer, s.host = peerOf(nc)
	s.event, _ = nc.(*eventloop.Conn)
	s.flight.s = s
	s.client = protocol.NewConn(nc, protocol.Options{MaxPacket: p.cfg.Limits.MaxLoginPacket})
	return s
}

// serve runs the session from the greeting to where it waits for commands.
func (s *session) serve() {
	err := s.login()
	s.p.sessions.arrived(s)
	if err != nil {
		s.p.metrics.loginFailures.Inc()
		s.p.metrics.refused.WithLabelValues(refusalOf(err)).Inc()
		s.p.log.Debug("client could not log in", "conn", s.id, "from", s.peer, "err", err)
		s.ended()
		return
	}
	s.p.metrics.logins.Inc()
	s.drive(nil)
}

// drive does first, if it is not nil, and then serves the session until it waits on its loop or ends.
func (s *session) drive(first func() error) {
	err := s.flushLeft()
	if err == nil && first != nil {
		err = first()
	}
	if err == nil {
		err = s.commands()
	}
	if errors.Is(err, errParked) {
		return
	}
	if s.tx != nil {
		s.abandon()
	}
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, net.ErrClosed) {
		s.p.log.Debug("session ended", "conn", s.id, "err", err)
	}
	s.ended()
}

// ended lets go of a session that is over.
func (s *session) ended() {
	s.closeCursors()
	s.dropOwn()
	s.close()
	s.p.sessions.remove(s)
	s.p.running.Done()
}

func (s *session) close() {
	s.cancel()
	// The peer may be gone already; there is nobody left to tell.
	_ = s.nc.Close()
}

// login greets the client and checks who it is.
func (s *session) login() error {
	if err := s.nc.SetDeadline(time.Now().Add(s.p.cfg.Timeouts.Handshake)); err != nil {
		return err
	}
	g := s.p.greeting(s.id)
	if err := s.takeOrigin(&g); err != nil {
		return err
	}
	login, err := s.p.auth.Handshake(s.client, g)
	s.mu.Lock()
	s.nc = s.client.NetConn() // another one if TLS began
	if s.event, _ = s.nc.(*eventloop.Conn); s.event == nil {
		s.loop = nil
	}
	s.mu.Unlock()
	if err != nil {
		return s.notAuthenticated(err)
	}
	if err := s.enter(login); err != nil {
		return s.turnAway(err)
	}
	s.client.SetMaxPacket(s.p.cfg.Limits.MaxPacket)
	if err := s.nc.SetDeadline(time.Time{}); err != nil {
		return err
	}
	if err := s.writeOK(protocol.OK{}); err != nil {
		return err
	}
	if err := s.client.Flush(); err != nil {
		return err
	}
	if s.client.StartCompression() {
		s.p.metrics.compressed.Inc()
		s.mu.Lock()
		s.event, s.loop = nil, nil // what arrives are no packets: a goroutine's
		s.mu.Unlock()
	}
	return nil
}

// notAuthenticated tells the client why its login failed, unless the connection broke: then there is nobody to tell.
func (s *session) notAuthenticated(cause error) error {
	var se *protocol.ServerError
	var cf clientFacing
	if errors.As(cause, &se) || errors.As(cause, &cf) {
		return s.turnAway(cause)
	}
	return cause
}

// turnAway tells the client why it may not come in.
func (s *session) turnAway(cause error) error {
	if err := s.client.WritePacket(protocol.AppendError(nil, toClient(cause))); err != nil {
		return err
	}
	return errors.Join(cause, s.client.Flush())
}

// enter makes the session that of an authenticated user, with fresh state.
func (s *session) enter(login *protocol.Login) error {
	u := s.p.users[login.User]
	if u == nil {
		return protocol.NewError(1045, "Access denied for user '%s'@'%s'", login.User, s.host)
	}
	if err := s.mayCome(u); err != nil {
		return err
	}
	if !s.p.sessions.login(s, u.Name, s.p.cfg.Limits.MaxUserConnections) {
		return protocol.NewError(erTooManyUserConns, "User '%s' has exceeded the 'max_user_connections' resource (limits.max_user_connections)", u.Name)
	}
	s.user = u
	s.introduce(login)
	s.reset()
	s.loginCharset = login.Charset
	s.vars.setLoginCharset(s.p, login.Charset)
	if s.client.Capabilities()&protocol.ClientFoundRows != 0 {
		s.vars.foundRows = true
	}
	s.vars.changed()
	s.syncMode(s.p.defaultMode())
	if login.Database != "" {
		if err := s.use(login.Database); err != nil {
			return err
		}
	}
	s.show()
	return nil
}

// reset drops everything a session may have piled up, except who it is.
func (s *session) reset() {
	s.vars = newVariables(s.p)
	s.writeLimit.Store(int64(s.vars.netWriteTimeout()))
	s.env = sharding.Env{}
	s.closeCursors()
	s.dropOwn()
	s.stmts, s.lastStmt, s.texts = map[uint32]*prepared{}, 0, nil
	s.diag.clear()
	s.tracking = sessionTrack{}
	s.lastGTRID = ""
	s.lastInsertID, s.rowCount, s.foundRows = 0, 0, 0
}

// show publishes who this session is, for the process list.
func (s *session) show() {
	s.mu.Lock()
	s.shown.user, s.shown.host, s.shown.database = s.user.Name, s.peer, s.env.Database
	s.mu.Unlock()
}

// noCommand is what servers take an empty packet for: COM_SLEEP, which nobody may send.
var noCommand = [...]byte{byte(protocol.ComSleep)}

// commands reads and answers commands until the client goes.
func (s *session) commands() error {
	for {
		if !s.wait() {
			return s.unaskedGoodbye()
		}
		if s.parking {
			s.park()
			return errParked
		}
		s.client.ResetSequence()
		packet, err := s.client.ReadPacket()
		if err != nil {
			return s.readFailed(err)
		}
		if len(packet) == 0 {
			packet = noCommand[:]
		}
		if !s.work(protocol.Command(packet[0]), packet[1:]) {
			return s.goodbye()
		}
		if err := s.execute(protocol.Command(packet[0]), packet[1:]); err != nil {
			return err
		}
		if err := s.client.Flush(); err != nil {
			return err
		}
	}
}

// wait marks the session as between commands; false: it shall end.
func (s *session) wait() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.waiting, s.open = true, s.tx != nil
	s.parking = s.loop != nil && s.event != nil && s.client.Buffered() == 0
	s.command, s.text = "Sleep", s.text[:0]
	s.since = time.Now()
	if s.tx == nil && s.trail.Load() != nil {
		s.trail.Store(nil)
	}
	if s.killed || (s.p.draining.Load() && s.tx == nil) {
		return false
	}
	if s.p.draining.Load() {
		s.p.sessions.signal()
	}
	// Under the lock: a KILL wakes the reader by a deadline in the past, which must not be overwritten.
	if err := s.nc.SetReadDeadline(time.Now().Add(s.vars.idleTimeout())); err != nil {
		return true // the connection is closed: reading says so
	}
	return true
}

// shownText bounds what the process list keeps of a statement.
const shownText = 1024

// work marks the session as busy; false: it was killed meanwhile.
func (s *session) work(cmd protocol.Command, arg []byte) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.killed {
		return false
	}
	s.waiting = false
	s.stop = 0 // that was the command before
	s.command = cmd.String()
	s.since = time.Now()
	return true
}

// running publishes the statement's text for the process list.
func (s *session) running(text []byte) {
	if len(text) > shownText {
		text = text[:shownText]
	}
	s.mu.Lock()
	s.text = append(s.text[:0], text...)
	if !s.begunAnew {
		s.number++
	}
	s.begunAnew = false
	s.mu.Unlock()
}

// readFailed says a last word where the client can still hear it.
func (s *session) readFailed(err error) error {
	var big *protocol.PacketTooLargeError
	var order *protocol.SequenceError
	switch {
	case errors.As(err, &big):
		defer s.hearOut()
		return s.fail(big.ServerError())
	case errors.As(err, &order):
		return s.fail(order.ServerError())
	case s.p.ctx.Err() != nil || s.wasKilled():
		return s.unaskedGoodbye()
	case errors.Is(err, os.ErrDeadlineExceeded):
		return s.idleEnd(err)
	default:
		return err
	}
}

// hearOutTime bounds how long a client may go on sending what is not taken any more.
const hearOutTime = 5 * time.Second

// hearOut reads and drops what the client still sends. Closing on it would reset
// the connection, and the client would never see the error that waits for it.
func (s *session) hearOut() {
	if half, ok := s.nc.(interface{ CloseWrite() error }); !ok || half.CloseWrite() != nil {
		return
	}
	s.mu.Lock()
	killed := s.killed
	if !killed {
		_ = s.nc.SetReadDeadline(time.Now().Add(hearOutTime)) // a closed connection ends the copy too
		s.waiting = true                                      // a KILL may wake the reader
	}
	s.mu.Unlock()
	if !killed {
		_, _ = io.Copy(io.Discard, s.nc) // whatever it meets, the session ends
	}
}

// fail answers with an error and ends the session.
func (s *session) fail(e *protocol.ServerError) error {
	if err := s.nc.SetWriteDeadline(time.Now().Add(time.Second)); err != nil {
		return err
	}
	if err := s.writeError(e); err != nil {
		return err
	}
	if err := s.client.Flush(); err != nil {
		return err
	}
	return e
}

// unaskedGoodbye ends a session before a command has come, without a word, as servers do: pools know a closed
// connection for what it is, but would take an error for the answer to what they ask next.
func (s *session) unaskedGoodbye() error { return errEnded }

var errEnded = errors.New("the proxy ended an idle client's session")

// goodbye is what a client hears when the proxy ends its session.
func (s *session) goodbye() error {
	if s.silenced() {
		return errKilled
	}
	return s.fail(shutdownError())
}
