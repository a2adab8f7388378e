package proxy

import (
	"errors"
	"time"

	"lockstep/config"
	"lockstep/protocol"
	"lockstep/sharding"
)

// LOAD DATA LOCAL INFILE. A file for one shard passes through as it is; one for a sharded table is cut into lines, and
// each goes to the LOAD DATA LOCAL of its shard (load_streams.go).

// load checks that the client may send a file, and runs the statement.
func (s *session) load(st *sharding.Statement, rq *request) error {
	if !s.client.Capabilities().Has(protocol.ClientLocalFiles) {
		return s.p.localInfileDisabled()
	}
	return s.data(st, rq)
}

// localInfileDisabled is what a server says that, or whose client, allows no LOAD DATA LOCAL.
func (p *Proxy) localInfileDisabled() error {
	if p.mariaDB() {
		return &protocol.ServerError{Code: 4166, SQLState: "HY000",
			Message: "The used command is not allowed because the MariaDB server or client has disabled the local infile capability"}
	}
	return &protocol.ServerError{Code: 3948, SQLState: "42000",
		Message: "Loading local data is disabled; this must be enabled on both the client and server sides"}
}

// fileCharset is the character set of a file whose statement names none. It also asks whether the shards take files at
// all: those that are dealt to them are sent by the client before any of them is asked.
func (s *session) fileCharset() (string, error) {
	shard := s.anyShard()
	conn, err := s.p.shards[shard].Acquire(s.ctx, s.vars.state(shard), true)
	if err != nil {
		return "", err
	}
	defer conn.Release()
	res, err := conn.Query(s.ctx, "SELECT @@character_set_database, @@local_infile", 1)
	if err != nil {
		return "", err
	}
	if string(res.Rows[0][1]) == "0" {
		return "", s.p.localInfileDisabled()
	}
	return string(res.Rows[0][0]), nil
}

// loadFile runs a planned LOAD DATA LOCAL.
func (s *session) loadFile(st *sharding.Statement, rq *request) error {
	if st.Leaves && len(s.plan.Targets) > 1 {
		return notSupported("a user variable that is assigned in a load into several shards: it would have another value on each of them")
	}
	file := s.plan.Load
	several := len(s.plan.Targets) > 1
	if file.Lines != nil {
		file.Lines.SetLimit(s.p.cfg.Limits.MaxLoadLine)
	}
	limit := s.vars.netReadTimeout() // of the client, whatever the shards are told
	if s.plan.SameTime {
		defer s.stopClock()()
	}
	if several {
		s.p.metrics.scattered.Inc()
		defer s.patientShards()()
	} else {
		s.p.metrics.single.Inc()
	}
	switch {
	case s.tx == nil && several && file.Lines == nil && s.vars.commitMode == config.OneShard:
		return protocol.NewError(erNotSupportedYet, "Lockstep: the statement changes %d shards, which lockstep_commit_mode=single does not allow", len(s.plan.Targets))
	case s.tx == nil && (several || file.Lines != nil || s.vars.token != ""):
		return s.alone(func() (protocol.OK, error) { return s.runLoad(rq, false, limit) })
	case !several && file.Lines == nil:
		return s.relayFile(st, rq, limit)
	}
	ok, err := s.runLoad(rq, true, limit)
	if err != nil {
		return err
	}
	return s.sent(s.writeOK(ok))
}

// patientShards lets a shard wait for its part of a file for as long as the client sends lines for others.
// It returns what ends that.
func (s *session) patientShards() (restore func()) {
	const name = "net_read_timeout"
	own, set := s.vars.vars[name]
	s.vars.set(name, "86400")
	return func() {
		if set {
			s.vars.set(name, own)
		} else {
			s.vars.unset(name)
		}
	}
}

// askForFile asks the client for its file.
func (s *session) askForFile(name []byte) error {
	s.out = protocol.AppendFileRequest(s.out[:0], name)
	return s.sent(errors.Join(s.client.WritePacket(s.out), s.client.Flush()))
}

// readFile reads the next piece of the client's file, which is valid until the next call; empty at its
// end. limit is how long the client may say nothing. An error ends the session.
func (s *session) readFile(limit time.Duration) ([]byte, error) {
	s.mu.Lock()
	if !s.killed { // a KILL wakes the reader by a deadline in the past
		_ = s.nc.SetReadDeadline(time.Now().Add(limit)) // a closed connection says so when it is read
	}
	s.mu.Unlock()
	p, err := s.client.ReadPacket()
	if err != nil {
		return nil, &closeError{s.readFailed(err)}
	}
	s.p.metrics.loadBytes.Add(float64(len(p)))
	return p, nil
}

// dropFile reads the rest of the client's file, so that what is said next is heard.
func (s *session) dropFile(limit time.Duration) error {
	for {
		p, err := s.readFile(limit)
		if err != nil || len(p) == 0 {
			return err
		}
	}
}

// relayFile runs the statement on one shard, inside a transaction or not, and passes the file through.
func (s *session) relayFile(st *sharding.Statement, rq *request, limit time.Duration) error {
	target := &s.plan.Targets[0]
	l, err := s.lease(target.Shard, false, "")
	if err != nil {
		return err
	}
	if l.branch != nil {
		l.branch.wrote = true
	}
	if err := s.writeStatement(&l, target, rq); err != nil {
		return s.lost(&l, err, false)
	}
	if l.branch != nil {
		if err := s.opened(l.branch); err != nil {
			s.untrack(l.conn)
			return err
		}
	}
	wire := l.conn.Wire()
	if err := protocol.ReadFileRequest(wire); err != nil {
		var refused *protocol.ServerError
		if !errors.As(err, &refused) {
			return s.lost(&l, err, false)
		}
		b := l.branch
		s.answered(&l, refused)
		s.noticeServerError(b, refused)
		return refused
	}
	if err := s.passFile(&l, limit); err != nil {
		return err
	}
	sum, err := protocol.Relay(s.client, wire, s.patch(s.more))
	if err != nil {
		return s.relayFailed(&l, &sum, err)
	}
	return s.relayed(&l, st, rq, sum)
}

// passFile sends the client's file to the one shard that waits for it. Where the client breaks off, the
// shard must not take what it has for the whole: its connection ends.
func (s *session) passFile(l *lease, limit time.Duration) error {
	if err := s.askForFile(s.plan.Load.File); err != nil {
		l.conn.Abort()
		_ = s.lost(l, err, false)
		return err
	}
	wire := l.conn.Wire()
	for {
		p, err := s.readFile(limit)
		if err != nil {
			l.conn.Abort()
			_ = s.lost(l, err, false)
			return err
		}
		last := len(p) == 0
		err = wire.WritePacket(p)
		if err == nil && last {
			err = wire.Flush()
		}
		switch {
		case err == nil && last:
			return nil
		case err != nil:
			lost := s.lost(l, err, last)
			if !last {
				if err := s.dropFile(limit); err != nil {
					return err
				}
			}
			return lost
		}
	}
}
