package backend

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"lockstep/protocol"
)

// Whose session is it? A marker names its writer by the server's connection id. A server process never
// gives an id twice (MySQL and MariaDB count up; they would have to wrap around at 2^32), but a new process
// begins at 1 again. So the id names the writer exactly if the marker is younger than the server process.
// Uptime is in whole seconds and begins somewhat before the server takes connections. A marker whose age is
// within startDoubt of it needs proof: that the session holds the lock on the marker's row.
// What is left: a server whose clock was put back by some seconds, or more, while it was down.

const startDoubt = 2 * time.Second

// OwnerError says that it cannot be told whether a session is the one that wrote a marker.
type OwnerError struct {
	Shard, GTRID string
	Connection   uint64
	Reason       string
}

func (e *OwnerError) Error() string {
	return fmt.Sprintf("shard %s: connection %d may not be the one that wrote the marker of %s (%s): it is left alone", e.Shard, e.Connection, e.GTRID, e.Reason)
}

// EndMarkerOwner ends the server session that wrote the marker of m.GTRID at this shard, and
// returns once it is gone with what it had open; a prepared branch stays (on MariaDB the gate of FreeXIDs is due before it is settled). Nil also when there is
// nothing to end: the row is gone or committed by now, was written by another session than m says, or its session has
// ended, or serves something else in this process. It never ends a session that began after the marker was written.
// Between the last look at the row and the KILL the branch can end in good order: then the session's next owner loses a connection, never more.
// Errors: *OwnerError, *DownError, ctx's; one when the session does not end within GateTimeout.
func (s *Shard) EndMarkerOwner(ctx context.Context, m Marker) error {
	if gone, err := s.sessionGone(ctx, m.Connection); err != nil || gone {
		if gone && !m.Committed {
			s.noteWriter(m) // the engine may be about to let go
		}
		return err
	}
	err := s.onSide(ctx, func(ctx context.Context, c *Conn) error {
		up, err := uptime(ctx, c)
		if err != nil {
			return err
		}
		now, err := c.markers(ctx, []string{s.among([]string{m.GTRID})})
		if err != nil {
			return err
		}
		if len(now) != 1 || now[0].Committed || m.Connection != 0 && now[0].Connection != m.Connection {
			return nil
		}
		m := now[0]
		s.noteWriter(m)
		if s.busyElsewhere(m) {
			return nil
		}
		switch owner, err := c.ownsMarker(ctx, m, up); {
		case err != nil:
			return err
		case !owner:
			return nil
		}
		return s.endSession(ctx, c, m.Connection)
	})
	if missingMarkerTable(err) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("shard %s: ending the session that wrote the marker of %s: %w", s.o.Name, m.GTRID, s.markerTableError(err))
	}
	return nil
}

// busyElsewhere says whether the id is that of a live connection of this process that does not hold
// the marker's branch. One that does is broken from here on: it is about to be ended.
func (s *Shard) busyElsewhere(m Marker) bool {
	id := uint32(m.Connection)
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.live[id]
	if c == nil || c.broken.Load() {
		return false
	}
	t, ok := s.owners[XID{FormatID: formatID, GTRID: m.GTRID, BQUAL: s.o.Name}]
	if !ok || t.id != id {
		return true
	}
	c.MarkBroken()
	return false
}

// ownsMarker says whether the session with the marker's connection id can be the one that wrote it.
func (c *Conn) ownsMarker(ctx context.Context, m Marker, up time.Duration) (bool, error) {
	switch {
	case m.Age < -startDoubt:
		return false, &OwnerError{c.shard.o.Name, m.GTRID, m.Connection, "the marker was written in the future of the server's clock"}
	case m.Age <= up-startDoubt:
		return true, nil
	case m.Age > up+startDoubt:
		return false, nil // its server process is gone
	}
	return c.holdsMarker(ctx, m)
}

// holdWait is how long the proof may take: a look at MariaDB's cached tables is good only now and then.
const holdWait = 3 * time.Second

// holdsMarker says whether the session with the marker's connection id holds the lock on the marker's row: a
// second session asks for the row, and the server shows whom it waits for.
func (c *Conn) holdsMarker(ctx context.Context, m Marker) (holds bool, err error) {
	s := c.shard
	ctx, cancel := context.WithTimeout(ctx, holdWait)
	defer cancel()
	asker, err := s.dial(ctx, false) // not of the side set: each caller holds one of those already
	if err != nil {
		return false, err
	}
	defer func() { _ = asker.wire.Close() }() // nothing is open on it
	seconds := strconv.FormatInt(int64(holdWait/time.Second), 10)
	if err := asker.SetState(ctx, &State{Vars: []Variable{{"innodb_lock_wait_timeout", seconds}, {"transaction_isolation", "'READ-COMMITTED'"}}}); err != nil {
		return false, err
	}
	var answer error
	answered := make(chan struct{})
	go func() {
		defer close(answered)
		_, answer = asker.Exec(ctx, "SELECT 1 FROM lockstep.branch"+s.among([]string{m.GTRID})+" FOR UPDATE")
	}()
	defer func() {
		select {
		case <-answered:
		default: // it still waits, and the server would not see it leave
			_, kerr := c.Exec(context.WithoutCancel(ctx), "KILL CONNECTION "+strconv.FormatUint(uint64(asker.id), 10))
			if kerr != nil && code(kerr) != 1094 {
				err = errors.Join(err, fmt.Errorf("ending the session that waits for the marker: %w", kerr))
			}
			<-answered
		}
	}()
	for poll := gatePollMin; ; poll = min(2*poll, gatePollMax) {
		holder, known, err := c.blockerOf(ctx, asker.id)
		if err != nil {
			if ctx.Err() != nil {
				err = &OwnerError{s.o.Name, m.GTRID, m.Connection, "the server did not show in time who holds the marker's row"}
			}
			return false, err
		}
		if known {
			return uint64(holder) == m.Connection, nil
		}
		t := time.NewTimer(poll)
		select {
		case <-answered:
			t.Stop()
			return false, answer // nobody holds it
		case <-ctx.Done():
			t.Stop()
			return false, &OwnerError{s.o.Name, m.GTRID, m.Connection, "the server did not show in time who holds the marker's row"}
		case <-t.C:
		}
	}
}

const markerWaitsLimit = 10_000

// blockerOf finds the connection that a waiting one waits for; 0: a transaction of no
// session. Not known when the server does not show it yet.
func (c *Conn) blockerOf(ctx context.Context, waiter uint32) (connection uint32, known bool, err error) {
	waits, err := c.shard.freshWaits(ctx)
	if err != nil {
		return 0, false, err
	}
	for _, w := range waits.Waits {
		if w.Waiter.Connection != waiter {
			continue
		}
		if c.flavor != MySQL {
			return w.Blocker.Connection, true, nil
		}
		// The lock of a row that was only inserted is made by who asks for it first, and
		// MySQL shows that one's thread: its transaction is right.
		res, err := c.Query(ctx, "SELECT trx_mysql_thread_id FROM information_schema.innodb_trx WHERE trx_id = "+strconv.FormatUint(w.Blocker.Transaction, 10), 1)
		if err != nil {
			return 0, false, fmt.Errorf("reading innodb_trx (needs the PROCESS privilege): %w", err)
		}
		if len(res.Rows) == 0 {
			return 0, false, nil // that table is cached
		}
		id, err := strconv.ParseUint(string(res.Rows[0][0]), 10, 32)
		return uint32(id), err == nil, err
	}
	return 0, false, nil
}

// endSession kills a session and waits until the server knows it no more: it takes a session off its
// list after it has undone what was open there. KILL itself is asked, because the list of
// sessions does not show others' without the PROCESS privilege.
func (s *Shard) endSession(ctx context.Context, c *Conn, id uint64) error {
	began := time.Now()
	for poll := gatePollMin; ; poll = min(2*poll, gatePollMax) {
		_, err := c.Exec(ctx, "KILL CONNECTION "+strconv.FormatUint(id, 10))
		var se *protocol.ServerError
		switch {
		case errors.As(err, &se) && se.Code == 1094: // ER_NO_SUCH_THREAD
			return nil
		case errors.As(err, &se) && se.Code == 1095: // ER_KILL_DENIED_ERROR
			return fmt.Errorf("the shard's user may not end connection %d (it needs CONNECTION ADMIN, CONNECTION_ADMIN or SUPER): %w", id, err)
		case err != nil:
			return err
		}
		if waited := time.Since(began); waited > s.o.GateTimeout {
			return fmt.Errorf("connection %d was told to end %v ago and is still there", id, waited.Round(time.Millisecond))
		}
		if err := sleep(ctx, poll); err != nil {
			return err
		}
	}
}
