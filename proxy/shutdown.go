package proxy

import (
	"errors"
	"net"
	"time"

	"lockstep/protocol"
)

// refuseInShutdown tells a new client that the proxy is about to end, and closes.
func (p *Proxy) refuseInShutdown(nc net.Conn) {
	c := protocol.NewConn(nc, protocol.Options{ReadBuffer: 1, WriteBuffer: 1})
	defer c.Close() //nolint:errcheck // the client is turned away: that it may not hear why changes nothing
	_ = nc.SetDeadline(time.Now().Add(time.Second))
	_ = c.WritePacket(protocol.AppendError(nil, shutdownError()))
	_ = c.Flush()
}

func shutdownError() *protocol.ServerError {
	return protocol.NewError(erServerShutdown, "Server shutdown in progress")
}

var errKilled = errors.New("session was killed")

// silenced says whether the session was ended by KILL, or its client is lost: like a server's it closes without a word.
func (s *session) silenced() bool {
	return s.wasKilled() && !s.p.draining.Load() && s.p.ctx.Err() == nil
}

// killedItself answers KILL of the own connection.
func (s *session) killedItself() *protocol.ServerError {
	if s.p.mariaDB() {
		return &protocol.ServerError{Code: 1927, SQLState: "70100", Message: "Connection was killed"}
	}
	return protocol.NewError(erQueryInterrupted, "Query execution was interrupted")
}
