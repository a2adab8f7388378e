package backend

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strconv"

	"lockstep/protocol"
)

// LockParty is one side of a lock wait: an engine transaction, and the server
// connection that runs it (0 when none does).
type LockParty struct {
	Transaction uint64
	Connection  uint32
}

// LockWait says that Waiter's statement cannot go on before Blocker lets go. Two that are equal,
// seen one after the other, are one and the same wait.
type LockWait struct {
	Waiter, Blocker LockParty
	// Wait tells one wait of a transaction from another: the lock that is asked for, and since when
	// (MariaDB, in whole seconds) or by which statement event (MySQL).
	Wait string
}

// LockWaits is what a server showed of its lock waits.
type LockWaits struct {
	Waits []LockWait
	// Fresh: as of a moment during the call. Otherwise MariaDB answered from its cache, which it
	// renews only when nobody has read it for 100 ms: the rows are older, nobody knows how old.
	Fresh bool
	Cut   bool // there were more transactions or waits than the limit
}

// LockWaits reads who waits for whom on the server, of all its sessions, at most limit
// waits. MariaDB: information_schema.innodb_trx and innodb_lock_waits (PROCESS privilege);
// MySQL: performance_schema.data_lock_waits and threads. *protocol.ServerError where the user may not.
func (s *Shard) LockWaits(ctx context.Context, limit int) (LockWaits, error) {
	var w LockWaits
	err := s.onSide(ctx, func(ctx context.Context, c *Conn) (err error) {
		if c.flavor == MySQL {
			w, err = c.dataLockWaits(ctx, limit)
		} else {
			w, err = c.innodbLockWaits(ctx, limit)
		}
		return err
	})
	if err != nil {
		return LockWaits{}, fmt.Errorf("reading the lock waits of shard %s: %w", s.o.Name, err)
	}
	return w, nil
}

// LockWaitsDenied says whether the error of LockWaits means that this user cannot read them
// on this server, now or later: a privilege or the table itself is missing.
func LockWaitsDenied(err error) bool { return deniedOrMissing(err) }

func deniedOrMissing(err error) bool {
	var se *protocol.ServerError
	if !errors.As(err, &se) {
		return false
	}
	switch se.Code {
	case 1044, 1142, 1143, 1227, // access denied
		1049, 1109, 1146, // no such database, table
		1290, 1836: // read-only server
		return true
	}
	return false
}

// innodbLockWaits reads MariaDB's tables. Both come from one cache; whether it was renewed
// for this call shows in our own transaction, whose row carries the text of this very query.
func (c *Conn) innodbLockWaits(ctx context.Context, limit int) (w LockWaits, err error) {
	if _, err := c.Exec(ctx, "START TRANSACTION WITH CONSISTENT SNAPSHOT"); err != nil {
		return w, err
	}
	defer func() { err = errors.Join(err, c.endSnapshot(ctx)) }()
	nonce := []byte(strconv.FormatUint(rand.Uint64(), 36))
	type transaction struct {
		connection uint32
		started    string // of its wait
	}
	byID := map[uint64]transaction{}
	n := 0
	_, err = c.each(ctx, fmt.Sprintf("SELECT /*%s*/ trx_id, trx_mysql_thread_id, trx_wait_started, IF(trx_mysql_thread_id = CONNECTION_ID(), trx_query, NULL) "+
		"FROM information_schema.innodb_trx ORDER BY trx_mysql_thread_id = CONNECTION_ID() DESC LIMIT %d", nonce, limit+1),
		func(row []protocol.Field) error {
			if n++; n > limit {
				w.Cut = true
				return nil
			}
			if len(row) != 4 {
				return fmt.Errorf("row of %d columns", len(row))
			}
			id, thread, err := parseParty(row[0], row[1])
			if err != nil {
				return err
			}
			if thread == c.id {
				w.Fresh = bytes.Contains(row[3], nonce)
				return nil
			}
			byID[id] = transaction{thread, string(row[2])}
			return nil
		})
	if err != nil {
		return w, fmt.Errorf("reading innodb_trx (needs the PROCESS privilege): %w", err)
	}
	_, err = c.each(ctx, fmt.Sprintf("SELECT requesting_trx_id, requested_lock_id, blocking_trx_id FROM information_schema.innodb_lock_waits LIMIT %d", limit+1),
		func(row []protocol.Field) error {
			if len(w.Waits) >= limit {
				w.Cut = true
				return nil
			}
			if len(row) != 3 {
				return fmt.Errorf("row of %d columns", len(row))
			}
			waiter, err := strconv.ParseUint(string(row[0]), 10, 64)
			if err != nil {
				return err
			}
			blocker, err := strconv.ParseUint(string(row[2]), 10, 64)
			if err != nil {
				return err
			}
			from, known := byID[waiter]
			if !known {
				return nil // began between the two reads, or past the limit
			}
			w.Waits = append(w.Waits, LockWait{
				Waiter:  LockParty{waiter, from.connection},
				Blocker: LockParty{blocker, byID[blocker].connection},
				Wait:    string(row[1]) + " " + from.started,
			})
			return nil
		})
	if err != nil {
		return w, fmt.Errorf("reading innodb_lock_waits: %w", err)
	}
	return w, nil
}

// dataLockWaits reads MySQL's tables, which are never cached. A blocker that was prepared and
// let go of shows the thread that prepared it, which may run another transaction by now: so parties are
// told apart by their transaction first, and only then by their connection.
func (c *Conn) dataLockWaits(ctx context.Context, limit int) (w LockWaits, err error) {
	w.Fresh = true
	_, err = c.each(ctx, fmt.Sprintf("SELECT w.REQUESTING_ENGINE_TRANSACTION_ID, r.PROCESSLIST_ID, w.BLOCKING_ENGINE_TRANSACTION_ID, b.PROCESSLIST_ID, "+
		"CONCAT(w.REQUESTING_ENGINE_LOCK_ID, ' ', w.REQUESTING_EVENT_ID) "+
		"FROM performance_schema.data_lock_waits w "+
		"LEFT JOIN performance_schema.threads r ON r.THREAD_ID = w.REQUESTING_THREAD_ID "+
		"LEFT JOIN performance_schema.threads b ON b.THREAD_ID = w.BLOCKING_THREAD_ID LIMIT %d", limit+1),
		func(row []protocol.Field) error {
			if len(w.Waits) >= limit {
				w.Cut = true
				return nil
			}
			if len(row) != 5 {
				return fmt.Errorf("row of %d columns", len(row))
			}
			waiter, thread, err := parseParty(row[0], row[1])
			if err != nil {
				return err
			}
			blocker, holder, err := parseParty(row[2], row[3])
			if err != nil {
				return err
			}
			w.Waits = append(w.Waits, LockWait{Waiter: LockParty{waiter, thread}, Blocker: LockParty{blocker, holder}, Wait: string(row[4])})
			return nil
		})
	if err != nil {
		return w, fmt.Errorf("reading performance_schema.data_lock_waits: %w", err)
	}
	return w, nil
}

// parseParty reads a transaction id and a connection id, which is NULL or 0 for a detached one.
func parseParty(transaction, connection protocol.Field) (uint64, uint32, error) {
	t, err := strconv.ParseUint(string(transaction), 10, 64)
	if err != nil {
		return 0, 0, fmt.Errorf("reading a transaction id: %w", err)
	}
	if connection == nil {
		return t, 0, nil
	}
	id, err := strconv.ParseUint(string(connection), 10, 32)
	if err != nil {
		return 0, 0, fmt.Errorf("reading a connection id: %w", err)
	}
	return t, uint32(id), nil
}
