package backend

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"lockstep/protocol"
)

// Holder is a transaction of the server's engine that is, or may be, a branch.
type Holder struct {
	Transaction                            string // the engine's id
	Connection                             uint64 // 0: of no session
	Certain                                bool   // false: one of several that it may be
	State                                  string
	Seconds                                float64 // since it began; after a restart of the server, since that
	RowsLocked, RowsModified, TablesLocked uint64
}

// Waiter is a session that waits for a lock of a Holder.
type Waiter struct {
	Connection            uint64
	User, Host, Statement string
	Seconds               float64
	Table, Index          string
	For                   string // Holder.Transaction
}

// Bounds of what is shown to an operator.
const (
	maxHolders     = 64
	maxWaiters     = 256
	shownStatement = 1024 // bytes of a waiter's statement
)

// Locks shows what a branch holds at this server and who waits for it: from connection, the
// server connection on which it was opened, where that is known and still has a transaction; otherwise
// from the transactions of no session. The server does not say which XID each of those has: they are
// Certain only where one is there and one is listed. Reading costs the server little, and nothing waits for it. What is
// shown may be a moment old.
func (s *Shard) Locks(ctx context.Context, x XID, connection uint32) (holders []Holder, waiters []Waiter, err error) {
	s.mu.Lock()
	if t, ok := s.owners[x]; ok && connection == 0 {
		connection = t.id
	}
	s.mu.Unlock()
	err = s.onSide(ctx, func(ctx context.Context, c *Conn) error {
		// InnoDB's tables are cached until nobody has read them for a while.
		if err := sleep(ctx, trxCacheIdle+10*time.Millisecond); err != nil {
			return err
		}
		all, err := c.holders(ctx)
		if err != nil {
			return err
		}
		listed, err := c.recover(ctx)
		if err != nil {
			return err
		}
		of := uint64(connection)
		if c.flavor == MySQL && slices.Contains(listed, x) {
			of = 0 // its session was free from XA PREPARE on, and may be in another transaction
		}
		holders = pick(all, of, len(listed))
		if len(holders) == 0 {
			return nil
		}
		waiters, err = c.waiters(ctx, holders)
		return err
	})
	if err != nil {
		return nil, nil, fmt.Errorf("reading locks: %w", err)
	}
	return holders, waiters, nil
}

// pick chooses the transactions that may be the branch.
func pick(all []Holder, connection uint64, listed int) []Holder {
	var detached []Holder
	for _, h := range all {
		if connection != 0 && h.Connection == connection {
			h.Certain = true
			return []Holder{h}
		}
		if h.Connection == 0 {
			detached = append(detached, h)
		}
	}
	if len(detached) == 1 && listed == 1 {
		detached[0].Certain = true
	}
	return detached[:min(len(detached), maxHolders)]
}

// holders lists the engine's transactions that hold or changed something.
func (c *Conn) holders(ctx context.Context) (list []Holder, err error) {
	_, err = c.each(ctx, `SELECT trx_id, trx_mysql_thread_id, trx_state, TIMESTAMPDIFF(MICROSECOND, trx_started, NOW(6)) / 1000000,
		trx_rows_locked, trx_rows_modified, trx_tables_locked FROM information_schema.innodb_trx`, func(row []protocol.Field) error {
		if len(row) != 7 {
			return fmt.Errorf("row of %d columns", len(row))
		}
		n, err := numbers(row[1], row[4], row[5], row[6])
		if err != nil {
			return err
		}
		list = append(list, Holder{
			Transaction: string(row[0]), Connection: n[0], State: string(row[2]), Seconds: seconds(row[3]),
			RowsLocked: n[1], RowsModified: n[2], TablesLocked: n[3],
		})
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("reading innodb_trx (needs the PROCESS privilege): %w", err)
	}
	return list, nil
}

const waitersOfMariaDB = `SELECT r.trx_mysql_thread_id, COALESCE(p.user, ''), COALESCE(p.host, ''), COALESCE(r.trx_query, ''),
	TIMESTAMPDIFF(MICROSECOND, r.trx_wait_started, NOW(6)) / 1000000, COALESCE(l.lock_table, ''), COALESCE(l.lock_index, ''), w.blocking_trx_id
	FROM information_schema.innodb_lock_waits w
	JOIN information_schema.innodb_trx r ON r.trx_id = w.requesting_trx_id
	LEFT JOIN information_schema.innodb_locks l ON l.lock_id = w.requested_lock_id
	LEFT JOIN information_schema.processlist p ON p.id = r.trx_mysql_thread_id
	WHERE w.blocking_trx_id IN (%s)`

const waitersOfMySQL = `SELECT t.processlist_id, COALESCE(t.processlist_user, ''), COALESCE(t.processlist_host, ''), COALESCE(r.trx_query, ''),
	TIMESTAMPDIFF(MICROSECOND, r.trx_wait_started, NOW(6)) / 1000000,
	COALESCE(CONCAT('` + "`" + `', l.object_schema, '` + "`.`" + `', l.object_name, '` + "`" + `'), ''), COALESCE(l.index_name, ''), w.blocking_engine_transaction_id
	FROM performance_schema.data_lock_waits w
	JOIN information_schema.innodb_trx r ON r.trx_id = w.requesting_engine_transaction_id
	JOIN performance_schema.threads t ON t.thread_id = w.requesting_thread_id
	LEFT JOIN performance_schema.data_locks l ON l.engine_lock_id = w.requesting_engine_lock_id
	WHERE w.blocking_engine_transaction_id IN (%s)`

// waiters lists who waits for these transactions.
func (c *Conn) waiters(ctx context.Context, holders []Holder) (list []Waiter, err error) {
	ids := make([]string, len(holders))
	for i, h := range holders {
		if _, err := strconv.ParseUint(h.Transaction, 10, 64); err != nil {
			return nil, fmt.Errorf("reading innodb_trx: %w", err)
		}
		ids[i] = h.Transaction
	}
	sql := waitersOfMariaDB
	if c.flavor == MySQL {
		sql = waitersOfMySQL
	}
	seen := map[Waiter]bool{} // a session may wait for several locks of one transaction
	_, err = c.each(ctx, fmt.Sprintf(sql, strings.Join(ids, ",")), func(row []protocol.Field) error {
		if len(row) != 8 {
			return fmt.Errorf("row of %d columns", len(row))
		}
		n, err := numbers(row[0])
		if err != nil {
			return err
		}
		w := Waiter{
			Connection: n[0], User: string(row[1]), Host: string(row[2]), Statement: string(row[3][:min(len(row[3]), shownStatement)]),
			Table: string(row[5]), Index: string(row[6]), For: string(row[7]),
		}
		if seen[w] || len(list) >= maxWaiters {
			return nil
		}
		seen[w] = true
		w.Seconds = seconds(row[4])
		list = append(list, w)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("reading lock waits: %w", err)
	}
	return list, nil
}

func numbers(fields ...protocol.Field) ([]uint64, error) {
	out := make([]uint64, len(fields))
	for i, f := range fields {
		n, err := strconv.ParseUint(string(f), 10, 64)
		if err != nil {
			return nil, err
		}
		out[i] = n
	}
	return out, nil
}

// seconds of a time difference; what cannot be told is 0.
func seconds(f protocol.Field) float64 {
	n, err := strconv.ParseFloat(string(f), 64)
	if err != nil || n < 0 {
		return 0
	}
	return n
}
