package backend

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"
)

// fenceWait is the shortest lock wait that a server can be asked for: MariaDB none, MySQL one second.
var fenceWait = map[Flavor]*State{
	MariaDB: {Vars: []Variable{{"innodb_lock_wait_timeout", "0"}}},
	MySQL:   {Vars: []Variable{{"innodb_lock_wait_timeout", "1"}}},
}

// InsertFence commits a row in state aborted for m.GTRID at this shard, by itself. Nil: from now on no
// branch of that transaction can write its marker here (its INSERT gets 1062). *MarkerExistsError: a committed row is there
// already; *MarkerLockedError: a transaction that has not ended has one; *MarkerTableError; retryable on a server that is
// read-only or cannot be reached. Of any other error Classify tells; after an unknown one the row may be there.
func (s *Shard) InsertFence(ctx context.Context, m Marker) error {
	m.State = MarkerAborted
	if err := m.check(); err != nil {
		return fmt.Errorf("shard %s: fencing a transaction: %w", s.o.Name, err)
	}
	return s.fence(ctx, []*Marker{&m}, "gtrid = "+hexLiteral(m.GTRID))
}

// InsertFences commits a row in state aborted for each of these, in one statement: all or none. Errors as
// of InsertFence, for any of them.
func (s *Shard) InsertFences(ctx context.Context, ms []Marker) error {
	if len(ms) == 0 {
		return nil
	}
	gtrids := make([]string, len(ms))
	rows := make([]*Marker, len(ms))
	for i := range ms {
		ms[i].State = MarkerAborted
		if err := ms[i].check(); err != nil {
			return fmt.Errorf("shard %s: fencing transactions: %w", s.o.Name, err)
		}
		gtrids[i], rows[i] = hexLiteral(ms[i].GTRID), &ms[i]
	}
	return s.fence(ctx, rows, "gtrid IN ("+strings.Join(gtrids, ",")+")")
}

// FenceToken commits a row in state aborted that takes the token: no transaction can write a marker with it here
// any more. Errors as of InsertFence. The row's gtrid is made of the token, and cannot be a transaction's.
func (s *Shard) FenceToken(ctx context.Context, token, coordinator string) error {
	m := Marker{GTRID: tokenGTRID(token), State: MarkerAborted, Token: token, Coordinator: coordinator}
	if err := m.check(); err != nil {
		return fmt.Errorf("shard %s: fencing a token: %w", s.o.Name, err)
	}
	if token == "" {
		return fmt.Errorf("shard %s: fencing a token: it is empty", s.o.Name)
	}
	return s.fence(ctx, []*Marker{&m}, "token = "+hexLiteral(token))
}

// tokenGTRID names the row that takes a token, within 64 bytes.
func tokenGTRID(token string) string {
	sum := sha256.Sum256([]byte(token))
	return "token." + hex.EncodeToString(sum[:28])
}

// fence inserts the row with autocommit on. The statement leaves no lock behind, whatever it answers.
func (s *Shard) fence(ctx context.Context, rows []*Marker, key string) error {
	m := rows[0]
	err := s.onSide(ctx, func(ctx context.Context, c *Conn) error {
		if err := c.checkPrimary(ctx); err != nil {
			return err
		}
		if err := c.SetState(ctx, fenceWait[c.flavor]); err != nil {
			return err
		}
		if c.flavor == MySQL {
			// Its INSERT would wait a second for a row that is not committed.
			res, err := c.Query(ctx, "SELECT 1 FROM lockstep.branch WHERE "+key+" AND shard = "+hexLiteral(s.o.Name)+" FOR UPDATE NOWAIT", 1)
			if err != nil {
				return err
			}
			if len(res.Rows) > 0 {
				return &MarkerExistsError{s.o.Name, m.GTRID}
			}
		}
		insert := m.appendInsert(nil, s.o.Name)
		for _, more := range rows[1:] {
			insert = more.appendRow(append(insert, ", "...), s.o.Name)
		}
		_, err := c.Exec(ctx, string(insert))
		return err
	})
	if err != nil {
		return fmt.Errorf("shard %s: fencing %q: %w", s.o.Name, m.GTRID, s.markerError(m, err))
	}
	return nil
}
