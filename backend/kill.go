package backend

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"lockstep/protocol"
)

// KillQuery ends the statement that a server connection runs (KILL QUERY): the
// session and its branch stay. A connection that is gone is no error.
func (s *Shard) KillQuery(ctx context.Context, id uint32) error {
	return s.kill(ctx, "QUERY", id)
}

// KillConnection ends a server connection (KILL CONNECTION): what it had open is
// rolled back, except a prepared branch. A connection that is gone is no error.
func (s *Shard) KillConnection(ctx context.Context, id uint32) error {
	return s.kill(ctx, "CONNECTION", id)
}

func (s *Shard) kill(ctx context.Context, what string, id uint32) error {
	s.mu.Lock()
	t := session{id: id}
	if c := s.live[id]; c != nil {
		t.since = c.since
	}
	s.mu.Unlock()
	err := s.onSide(ctx, func(ctx context.Context, c *Conn) error { return t.end(ctx, c, what) })
	if err != nil {
		return fmt.Errorf("ending connection %d (KILL %s): %w", id, what, err)
	}
	return nil
}

// session is a server session as its id and the time when it was opened (zero:
// not known). The id alone would name a stranger after a restart of the server.
type session struct {
	id    uint32
	since time.Time
}

// end kills the session from c. Nothing happens when the server started after
// the session did: it is gone then.
func (t session) end(ctx context.Context, c *Conn, what string) error {
	if !t.since.IsZero() {
		up, err := uptime(ctx, c)
		if err != nil {
			return err
		}
		if up+time.Second < time.Since(t.since) {
			return nil
		}
	}
	_, err := c.Exec(ctx, fmt.Sprintf("KILL %s %d", what, t.id))
	var se *protocol.ServerError
	if errors.As(err, &se) && se.Code == 1094 { // ER_NO_SUCH_THREAD
		return nil
	}
	return err
}

// uptime is how long the server has been running, in whole seconds (rounded down).
func uptime(ctx context.Context, c *Conn) (time.Duration, error) {
	res, err := c.Query(ctx, "SHOW GLOBAL STATUS LIKE 'Uptime'", 1)
	if err != nil {
		return 0, fmt.Errorf("asking the server's uptime: %w", err)
	}
	if len(res.Rows) != 1 || len(res.Rows[0]) != 2 {
		return 0, errors.New("asking the server's uptime: unexpected answer")
	}
	n, err := strconv.ParseInt(string(res.Rows[0][1]), 10, 64)
	if err != nil {
		return 0, fmt.Errorf("asking the server's uptime: %w", err)
	}
	return time.Duration(n) * time.Second, nil
}

// killLater has the keeper end a server session that this process gave up.
func (s *Shard) killLater(t session) {
	s.mu.Lock()
	full := len(s.kills) >= maxKills
	if !full && !s.closed {
		s.kills = append(s.kills, t)
	}
	s.mu.Unlock()
	if full {
		s.o.Logger.Warn("abandoned server session is left to the server: too many to end", "connection", t.id, "limit", maxKills)
		return
	}
	s.nudge()
}

// runKills ends the sessions in the list while the server can be reached; when it
// was down, they ended with it or with their sockets.
func (s *Shard) runKills() {
	s.mu.Lock()
	kills := s.kills
	s.kills = nil
	up := s.health.up
	s.mu.Unlock()
	if !up || len(kills) == 0 {
		return
	}
	ctx, cancel := context.WithTimeout(s.ctx, s.o.DialTimeout)
	defer cancel()
	err := s.onSide(ctx, func(ctx context.Context, c *Conn) error {
		for _, t := range kills {
			if err := t.end(ctx, c, "CONNECTION"); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil && s.ctx.Err() == nil {
		s.o.Logger.Info("abandoned server sessions could not all be ended", "count", len(kills), "error", err)
	}
}
