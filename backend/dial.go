package backend

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"strings"
	"syscall"
	"time"

	"github.com/go-mysql-org/go-mysql/client"
	"github.com/go-mysql-org/go-mysql/mysql"
	"golang.org/x/sys/unix"

	"lockstep/eventloop"
	"lockstep/protocol"
)

// Half-open connections are noticed after about keepAliveIdle + 3 intervals when
// idle, and after userTimeout when sent bytes stay unacknowledged.
const (
	keepAliveIdle     = 10 * time.Second
	keepAliveInterval = 5 * time.Second
	keepAliveCount    = 3
	userTimeout       = 25 * time.Second
)

// capabilities of every server connection. Left out on purpose: DEPRECATE_EOF,
// QUERY_ATTRIBUTES, SESSION_TRACK, and MULTI_STATEMENTS (a client's text can never become
// two statements). A server's request for a file is answered only where LOAD DATA LOCAL was sent.
const capabilities = mysql.CLIENT_PROTOCOL_41 | mysql.CLIENT_SECURE_CONNECTION | mysql.CLIENT_LONG_PASSWORD |
	mysql.CLIENT_TRANSACTIONS | mysql.CLIENT_PLUGIN_AUTH | mysql.CLIENT_LONG_FLAG | mysql.CLIENT_CONNECT_ATTRS |
	mysql.CLIENT_MULTI_RESULTS | mysql.CLIENT_PS_MULTI_RESULTS | mysql.CLIENT_LOCAL_FILES

// dial connects and logs in within DialTimeout, and keeps the shard's up/down
// state. It counts nothing against the pool. Errors: *DownError, ctx's.
func (s *Shard) dial(ctx context.Context, foundRows bool) (*Conn, error) {
	s.dials.Add(1)
	s.mu.Lock()
	before := s.lastID
	s.mu.Unlock()
	c, err := s.handshake(ctx, foundRows)
	if err == nil {
		s.reached(c.id, before)
		return c, nil
	}
	s.dialErrors.Add(1)
	if ctx.Err() != nil {
		return nil, fmt.Errorf("shard %s: connecting: %w", s.o.Name, context.Cause(ctx))
	}
	down := &DownError{Shard: s.o.Name, Address: s.o.Address, Err: err}
	var me *mysql.MyError
	if errors.As(err, &me) {
		down.Err = &protocol.ServerError{Code: me.Code, SQLState: me.State, Message: me.Message}
		if me.Code == 1040 || me.Code == 1203 || me.Code == 1226 {
			return nil, &fullError{down} // it is up, and full
		}
	}
	s.unreachable(down)
	return nil, down
}

// fullError is a server that answers but has no connection left for us.
type fullError struct{ *DownError }

func (e *fullError) Unwrap() error { return e.DownError }

func (e *fullError) Error() string {
	return fmt.Sprintf("shard %s (%s) accepts no more connections: %v", e.Shard, e.Address, e.Err)
}

func (s *Shard) handshake(ctx context.Context, foundRows bool) (c *Conn, err error) {
	// The caller's end cuts the attempt short, but not its deadline: a caller in a
	// hurry must not look like a server that does not answer.
	deadline := time.Now().Add(s.o.DialTimeout)
	dctx, cancel := context.WithDeadline(context.WithoutCancel(ctx), deadline)
	defer cancel()
	defer context.AfterFunc(ctx, cancel)()
	var nc net.Conn
	defer func() {
		// The login code indexes into what the server sent without looking.
		if p := recover(); p != nil {
			err = fmt.Errorf("logging in: server sent a malformed packet: %v", p)
		}
		if err != nil && nc != nil {
			_ = nc.Close() // the error that matters is err
		}
	}()
	dialer := &net.Dialer{
		KeepAliveConfig: net.KeepAliveConfig{Enable: true, Idle: keepAliveIdle, Interval: keepAliveInterval, Count: keepAliveCount},
		Control:         setUserTimeout,
	}
	var tlsConfig *tls.Config
	if s.o.TLS != nil {
		if tlsConfig, err = s.o.TLS(); err != nil {
			return nil, fmt.Errorf("preparing TLS: %w", err)
		}
	}
	var stop func() bool
	open := func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := dialer.DialContext(ctx, network, address)
		if err != nil {
			return nil, err
		}
		if nc, err = s.adopt(conn); err != nil {
			return nil, errors.Join(err, conn.Close())
		}
		if err := nc.SetDeadline(deadline); err != nil {
			return nil, err
		}
		stop = context.AfterFunc(ctx, func() { _ = nc.SetDeadline(longAgo) })
		var login net.Conn
		login, tlsConfig, err = s.chooseTLS(nc, tlsConfig)
		return login, err
	}
	cc, err := client.ConnectWithDialer(dctx, s.o.network(), s.o.Address, s.o.User, s.o.Password, "", open, func(cc *client.Conn) error {
		cc.SetAttributes(s.o.attributes())
		if tlsConfig != nil {
			cc.SetTLSConfig(tlsConfig)
		}
		cc.UnsetCapability(mysql.CLIENT_DEPRECATE_EOF)
		cc.UnsetCapability(mysql.CLIENT_QUERY_ATTRIBUTES)
		cc.UnsetCapability(mysql.CLIENT_MULTI_STATEMENTS)
		cc.UnsetCapability(mysql.CLIENT_SESSION_TRACK)
		if err := cc.SetCollation(handshakeCollation); err != nil {
			return err
		}
		caps := []uint32{mysql.CLIENT_MULTI_RESULTS, mysql.CLIENT_PS_MULTI_RESULTS, mysql.CLIENT_LOCAL_FILES}
		if foundRows {
			caps = append(caps, mysql.CLIENT_FOUND_ROWS)
		}
		for _, f := range caps {
			if err := cc.SetCapability(f); err != nil {
				return err
			}
		}
		return nil
	})
	if stop != nil && !stop() && err == nil {
		err = dctx.Err()
	}
	if err != nil {
		return nil, err
	}
	if err := nc.SetDeadline(time.Time{}); err != nil {
		return nil, err
	}
	wire := wireOf(cc.Conn.Conn, nc)
	event, _ := wire.(*eventloop.Conn)
	pk, err := newPeek(nc)
	if err != nil {
		return nil, err
	}
	c = &Conn{
		shard: s, id: cc.GetConnectionID(), nc: wire, event: event, peek: pk, foundRows: foundRows, since: time.Now(),
		flavor: MySQL, autocommit: cc.IsAutoCommit(),
		wire: protocol.NewConn(wire, protocol.Options{MaxPacket: s.o.MaxPacket}),
	}
	if strings.Contains(strings.ToLower(cc.GetServerVersion()), "mariadb") {
		c.flavor = MariaDB
	}
	s.flavor.Store(uint32(c.flavor))
	caps := protocol.Capability(capabilities)
	if foundRows {
		caps |= protocol.Capability(mysql.CLIENT_FOUND_ROWS)
	}
	c.wire.SetCapabilities(caps)
	if err := c.mustDetach(dctx); err != nil {
		return nil, err
	}
	return c, nil
}

// adopt makes a new connection one that an event loop can own, where there is a loop.
func (s *Shard) adopt(nc net.Conn) (net.Conn, error) {
	if s.o.Loop == nil {
		return nc, nil
	}
	c, err := s.o.Loop().Adopt(nc)
	if err != nil {
		return nil, fmt.Errorf("handing the connection to an event loop: %w", err)
	}
	return c, nil
}

// setUserTimeout bounds how long sent bytes may stay unacknowledged: keep-alive
// does not run while data is in flight.
func setUserTimeout(network, _ string, rc syscall.RawConn) error {
	if !strings.HasPrefix(network, "tcp") {
		return nil
	}
	var serr error
	if err := rc.Control(func(fd uintptr) {
		serr = unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_USER_TIMEOUT, int(userTimeout/time.Millisecond))
	}); err != nil {
		return err
	}
	return serr
}
