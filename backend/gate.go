package backend

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"lockstep/protocol"
)

// The gate. When a MariaDB session with a prepared branch ends, the server first
// lets others find the XID and only then detaches the engine's transaction. An XA COMMIT in between
// answers OK, commits nothing, and takes the XID out of XA RECOVER: the transaction
// stays prepared, unseen, with its locks, until the server restarts (MDEV-26652 and kin; 1 to 4 % of commits
// sent at once after a disconnect, on 10.11).
//
// So before a branch is settled from elsewhere, InnoDB itself must show that no
// session holds it. It does not show XIDs; but all branches in question were prepared before the
// gate looks, so it is enough that every prepared transaction that a session holds at that moment,
// apart from our own live ones, has been let go of. Where markers tell which sessions wrote them, it is
// enough that these have: others, say of a proxy that is frozen with two-phase transactions of its own, hold nobody up.

const (
	gatePollMin = 2 * time.Millisecond
	gatePollMax = 100 * time.Millisecond
	gateDoubt   = 300 * time.Millisecond // held for longer: is it really a transaction, or a forged line?
	gateSettle  = 5 * time.Millisecond   // after the engine let go, as SHOW ENGINE INNODB STATUS shows it
	gateCached  = 120 * time.Millisecond // the same, as innodb_trx shows it
)

// HeldError says that sessions still hold prepared transactions, which may be the
// branches that were to be freed. Trying again later is the remedy, or KILL by
// somebody who knows whose they are.
type HeldError struct {
	Shard       string
	Connections []uint32 // connection ids on the server
	Waited      time.Duration
	Sessions    []string // the same, with user, host and seconds of inactivity where the server shows them
}

func (e *HeldError) Error() string {
	return fmt.Sprintf("shard %s: after %v, server sessions still hold prepared transactions: %s",
		e.Shard, e.Waited.Round(time.Millisecond), strings.Join(e.Sessions, "; "))
}

// FreeXIDs returns once no server session holds any of these prepared branches, so that
// settling them is safe. Sessions of this process that prepared them are ended. On MySQL a branch is
// free as soon as it is prepared. Errors: *HeldError after GateTimeout, *DownError, ctx's.
func (s *Shard) FreeXIDs(ctx context.Context, xids []XID) error {
	if len(xids) == 0 {
		return nil
	}
	flavor := Flavor(0)
	err := s.onSide(ctx, func(ctx context.Context, c *Conn) error {
		if flavor = c.flavor; flavor == MySQL {
			return nil
		}
		return s.endOwners(ctx, c, xids)
	})
	if err == nil && flavor != MySQL {
		if writers := s.writersOf(xids); writers != nil {
			if err = s.runGate(ctx, writers); err == nil {
				s.forgetWriters(xids)
			}
		} else {
			_, err = s.gate.do(ctx, func() (struct{}, error) { return struct{}{}, s.runGate(s.ctx, nil) })
		}
	}
	if err != nil {
		return fmt.Errorf("freeing %d prepared branches: %w", len(xids), err)
	}
	return nil
}

// ownersOf finds the sessions of this process that prepared these branches. Their
// connections are broken from here on: they are about to be ended, and do not count as ours.
func (s *Shard) ownersOf(xids []XID) []session {
	s.mu.Lock()
	defer s.mu.Unlock()
	var owners []session
	for _, x := range xids {
		if t, ok := s.owners[x]; ok {
			owners = append(owners, t)
			if c := s.live[t.id]; c != nil {
				c.MarkBroken()
			}
		}
	}
	return owners
}

// endOwners kills the sessions of this process that prepared these branches, where
// they are still there.
func (s *Shard) endOwners(ctx context.Context, c *Conn, xids []XID) error {
	owners := s.ownersOf(xids)
	if len(owners) == 0 {
		return nil
	}
	alive := map[string]bool{}
	_, err := c.each(ctx, "SELECT id FROM information_schema.processlist", func(row []protocol.Field) error {
		alive[string(row[0])] = true
		return nil
	})
	if err != nil {
		return fmt.Errorf("listing the server's sessions: %w", err)
	}
	for _, t := range owners {
		if !alive[strconv.FormatUint(uint64(t.id), 10)] {
			continue
		}
		if err := t.end(ctx, c, "CONNECTION"); err != nil {
			return fmt.Errorf("ending session %d, which prepared one of them: %w", t.id, err)
		}
	}
	return nil
}

// ours are the connections of this process that serve live transactions. A broken one
// is left out: the server may be ending it right now.
func (s *Shard) ours() map[uint32]bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	ids := make(map[uint32]bool, len(s.live))
	for id, c := range s.live {
		if !c.broken.Load() {
			ids[id] = true
		}
	}
	return ids
}

// noteWriter remembers which session has a prepared branch, from the branch's own marker.
func (s *Shard) noteWriter(m Marker) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.writers == nil {
		s.writers = map[XID]uint32{}
	}
	if len(s.writers) >= maxOwners {
		clear(s.writers) // of branches that were fenced off instead; without it the gate is only slower
	}
	if m.Connection > 0 && m.Connection < 1<<32 {
		s.writers[XID{FormatID: formatID, GTRID: m.GTRID, BQUAL: s.o.Name}] = uint32(m.Connection)
	}
}

// writersOf gives the sessions of these branches that noteWriter knows, with the branches of each; nil where it
// does not know all.
func (s *Shard) writersOf(xids []XID) map[uint32][]XID {
	s.mu.Lock()
	defer s.mu.Unlock()
	ids := make(map[uint32][]XID, len(xids))
	for _, x := range xids {
		id, ok := s.writers[x]
		if !ok {
			return nil
		}
		ids[id] = append(ids[id], x)
	}
	return ids
}

func (s *Shard) forgetWriters(xids []XID) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, x := range xids {
		delete(s.writers, x)
	}
}

// runGate waits until all foreign sessions that hold a prepared transaction now have let it go, or only these
// where they are given. A session that holds another branch than those of its own that are given, because they have been settled
// meanwhile, is not waited for.
func (s *Shard) runGate(ctx context.Context, only map[uint32][]XID) error {
	ctx, cancel := context.WithTimeout(ctx, s.o.GateTimeout+s.o.RecoveryTimeout)
	defer cancel()
	return s.onSide(ctx, func(ctx context.Context, c *Conn) error {
		began := time.Now()
		// Taken before the look: a connection that opens later cannot hold them either.
		ours := s.ours()
		p, err := c.preparedNow(ctx)
		if err != nil {
			return err
		}
		held := map[uint64]uint32{}
		for trx, id := range p.attached {
			if id == 0 || (only == nil && !ours[id]) || only[id] != nil {
				held[trx] = id
			}
		}
		doubt := gateDoubt
		for poll := gatePollMin; len(held) > 0; poll = min(2*poll, gatePollMax) {
			waited := time.Since(began)
			if waited > s.o.GateTimeout {
				return s.heldError(ctx, c, held, waited)
			}
			if err := sleep(ctx, poll); err != nil {
				return err
			}
			if waited > doubt {
				doubt += gateDoubt
				p, err = c.attachedFromTable(ctx)
			} else {
				p, err = c.preparedNow(ctx)
			}
			if err != nil {
				return err
			}
			for trx := range held {
				if _, ok := p.attached[trx]; !ok {
					delete(held, trx)
				}
			}
			if only != nil && poll == gatePollMax {
				if err := c.letSettledGo(ctx, held, only); err != nil {
					return err
				}
			}
		}
		if p.counted {
			return sleep(ctx, gateSettle)
		}
		return sleep(ctx, gateCached)
	})
}

// letSettledGo takes from held what sessions hold that have none of their branches listed any more: a branch that is
// prepared is listed, so that what they were seen to hold is another one, of a proxy that has woken up and gone on.
func (c *Conn) letSettledGo(ctx context.Context, held map[uint64]uint32, writers map[uint32][]XID) error {
	listed, err := c.recover(ctx)
	if err != nil {
		return fmt.Errorf("listing prepared branches: %w", err)
	}
	for trx, id := range held {
		if id != 0 && !slices.ContainsFunc(writers[id], func(x XID) bool { return slices.Contains(listed, x) }) {
			delete(held, trx)
		}
	}
	return nil
}

func (s *Shard) heldError(ctx context.Context, c *Conn, held map[uint64]uint32, waited time.Duration) error {
	e := &HeldError{Shard: s.o.Name, Waited: waited}
	for _, id := range held {
		e.Connections = append(e.Connections, id)
	}
	slices.Sort(e.Connections)
	e.Connections = slices.Compact(e.Connections)
	ids := make([]string, len(e.Connections))
	for i, id := range e.Connections {
		ids[i] = fmt.Sprint(id)
	}
	res, err := c.Query(ctx, "SELECT id, user, host, command, time FROM information_schema.processlist WHERE id IN ("+strings.Join(ids, ",")+")", len(ids))
	if err != nil {
		return errors.Join(e, fmt.Errorf("asking whose they are: %w", err))
	}
	seen := map[string]bool{}
	for _, r := range res.Rows {
		seen[string(r[0])] = true
		e.Sessions = append(e.Sessions, fmt.Sprintf("connection %s of %s@%s (%s, %s s)", r[0], r[1], r[2], r[3], r[4]))
	}
	for _, id := range ids {
		if !seen[id] {
			e.Sessions = append(e.Sessions, "connection "+id+" (ending)")
		}
	}
	return e
}
