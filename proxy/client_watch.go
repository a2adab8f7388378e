package proxy

import (
	"errors"
	"net"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"lockstep/backend"
)

// A session whose statement runs does not read its client's connection, so it would not see it end: the statement would
// go on, with its locks, for nobody. And one that writes an answer that nobody takes would hold a shard's connection for ever.
// A statement on several shards of which one is lost waits for the others, to no purpose. One goroutine looks at the connections of
// statements that have been under way for a while; the many that are quick cost nothing.
const (
	clientLookInterval = 250 * time.Millisecond
	clientLookAfter    = 100 * time.Millisecond // a statement that is younger is not looked at
	// clientHalfTime is how long a client that has closed its direction still gets the answers it waits for. A client that
	// has closed both looks the same until something is sent to it.
	clientHalfTime = 400 * time.Millisecond
)

// Why a session was ended by the watch.
const (
	clientGone  = "gone"
	clientStuck = "takes_nothing"
)

// half is a client that has closed its direction, and takes nothing.
type half struct {
	command time.Time // when the command came that is under way
	acked   uint64    // as of clientState
	since   time.Time // of the last change
}

// stuck is an answer that waits to be taken.
type stuck struct {
	acked uint64    // as of clientState
	since time.Time // of the last change
}

// watchClients runs until the proxy closes.
func (p *Proxy) watchClients() {
	tick := time.NewTicker(clientLookInterval)
	defer tick.Stop()
	waiting := map[*session]stuck{}
	halves := map[*session]half{}
	for {
		select {
		case <-p.ctx.Done():
			return
		case <-tick.C:
		}
		now := time.Now()
		still, stillHalf := make(map[*session]stuck), make(map[*session]half)
		for _, s := range p.sessions.all() {
			nc := s.underWay(now)
			if nc == nil {
				continue
			}
			s.lookAtShards()
			c, err := lookAtClient(nc)
			if err != nil {
				continue // it is being closed
			}
			if c.gone {
				p.endForClient(s, clientGone)
				continue
			}
			if c.half {
				h, known := halves[s]
				if command := s.commandSince(); !known || h.acked != c.acked || !h.command.Equal(command) {
					h = half{command: command, acked: c.acked, since: now}
				}
				stillHalf[s] = h
				if c.queued == 0 && now.Sub(h.since) >= clientHalfTime {
					p.endForClient(s, clientGone)
					continue
				}
			}
			if c.queued == 0 {
				continue
			}
			w, known := waiting[s]
			if !known || w.acked != c.acked {
				w = stuck{acked: c.acked, since: now}
			}
			still[s] = w
			if now.Sub(w.since) >= time.Duration(s.writeLimit.Load()) {
				p.endForClient(s, clientStuck)
			}
		}
		waiting, halves = still, stillHalf
	}
}

func (p *Proxy) endForClient(s *session, why string) {
	p.log.Info("session is ended in the middle of a statement: its client is gone, or takes nothing of its answer", "conn", s.id, "why", why)
	p.metrics.clientsLost.WithLabelValues(why).Inc()
	s.kill()
}

// underWay is the client's connection where a command has been under way for long enough to look at it, otherwise nil.
func (s *session) underWay(now time.Time) net.Conn {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.waiting || s.killed || s.shown.user == "" || now.Sub(s.since) < clientLookAfter {
		return nil
	}
	return s.nc // settled before shown was
}

// commandSince is when the command came that is under way.
func (s *session) commandSince() time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.since
}

// lookAtShards ends the running statement on its other shards when the connection to one of them is lost: it cannot succeed
// any more, and its client would hear so only when the slowest has answered.
func (s *session) lookAtShards() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.active) < 2 || s.bereft == s.number {
		return
	}
	var left []*backend.Conn
	for _, c := range s.active {
		if !c.PeerGone() {
			left = append(left, c)
		}
	}
	if len(left) == len(s.active) {
		return
	}
	s.bereft = s.number
	s.killing++
	s.p.running.Go(func() {
		for _, c := range left {
			s.interrupt(c)
		}
		s.mu.Lock()
		s.killing--
		s.mu.Unlock()
		s.spared.Broadcast()
	})
}

// clientState is what the kernel knows of a client's connection.
type clientState struct {
	gone   bool   // it has ended, or broken
	half   bool   // the client has closed its direction, or both
	queued int    // bytes that were sent and are not taken yet
	acked  uint64 // changes whenever some of them are taken
}

// lookAtClient asks the kernel without reading: bytes that the client has sent ahead stay where they are.
func lookAtClient(nc net.Conn) (c clientState, err error) {
	for {
		under, ok := nc.(interface{ NetConn() net.Conn }) // TLS
		if !ok {
			break
		}
		nc = under.NetConn()
	}
	sc, ok := nc.(syscall.Conn)
	if !ok {
		return c, errors.New("connection has no file descriptor")
	}
	raw, err := sc.SyscallConn()
	if err != nil {
		return c, err
	}
	var serr error
	err = raw.Control(func(fd uintptr) {
		fds := [1]unix.PollFd{{Fd: int32(fd), Events: unix.POLLRDHUP}}
		if _, serr = unix.Poll(fds[:], 0); serr != nil {
			return
		}
		if c.gone = fds[0].Revents&(unix.POLLHUP|unix.POLLERR) != 0; c.gone {
			return
		}
		c.half = fds[0].Revents&unix.POLLRDHUP != 0
		if c.queued, serr = unix.IoctlGetInt(int(fd), unix.SIOCOUTQ); serr != nil || c.queued == 0 && !c.half {
			return
		}
		var info *unix.TCPInfo
		if info, serr = unix.GetsockoptTCPInfo(int(fd), unix.IPPROTO_TCP, unix.TCP_INFO); serr == nil {
			c.acked = info.Bytes_acked
		} else if errors.Is(serr, unix.EOPNOTSUPP) { // a Unix socket: its queue grows or falls unless it is stuck
			c.acked, serr = uint64(c.queued), nil
		}
	})
	return c, errors.Join(err, serr)
}
