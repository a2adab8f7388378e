package chaos

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"time"

	"lockstep/integration/history"
)

// transfer moves money inside a group: mostly between two shards, now and then among three, or on one.
func (s *session) transfer() history.Outcome {
	group := s.l.tb.groups[s.rnd.IntN(groupCount)]
	shards := s.rnd.Perm(shardCount)
	switch dice := s.rnd.IntN(10); {
	case dice == 0:
		shards = []int{shards[0], shards[0]}
	case dice > 2:
		shards = shards[:2]
	}
	var ids []int
	for _, shard := range shards {
		id := group[s.rnd.IntN(len(group))]
		for s.l.tb.home[id] != shard || slices.Contains(ids, id) {
			id = group[s.rnd.IntN(len(group))]
		}
		ids = append(ids, id)
	}
	s.sortMostly(ids)
	legs := make([]history.Leg, len(ids))
	for i, id := range ids[1:] {
		amount := s.rnd.Int64N(50) + 1
		legs[i+1] = history.Leg{Account: id, Amount: amount}
		legs[0].Amount -= amount
	}
	legs[0].Account = ids[0]
	name := fmt.Sprintf("c%d-%d", s.n, s.l.appended.Add(1))
	op := s.l.rec.Invoke(history.Op{Client: s.n, Kind: history.Transfer, Transfer: name, Legs: legs})
	s.transaction(op, func() error {
		for _, l := range legs {
			if err := s.exec("UPDATE account SET balance = balance + ? WHERE id = ?", l.Amount, l.Account); err != nil {
				return err
			}
			if err := s.exec("INSERT INTO ledger (account, transfer, amount) VALUES (?, ?, ?)", l.Account, name, l.Amount); err != nil {
				return err
			}
		}
		return nil
	})
	s.l.rec.Done(op)
	return op.Outcome
}

// sortMostly keeps the order of most transactions' locks: some deadlock over shards, most only wait.
func (s *session) sortMostly(ids []int) {
	if s.rnd.IntN(20) > 0 {
		slices.Sort(ids)
	}
}

const (
	accountQuery = "SELECT a.id, a.balance, COALESCE(SUM(l.amount), 0), COUNT(l.transfer) FROM account a LEFT JOIN ledger l ON l.account = a.id"
	oneAccount   = accountQuery + " WHERE a.id = ? GROUP BY a.id, a.balance"
	allAccounts  = accountQuery + " GROUP BY a.id, a.balance"
)

// audit reads accounts with their ledger, each of one shard at one moment.
func (s *session) audit() history.Outcome {
	time.Sleep(readerPause)
	op := s.l.rec.Invoke(history.Op{Client: s.n, Kind: history.Audit, Via: s.proxy.ID})
	op.Outcome = history.Failed
	group := s.l.tb.groups[s.rnd.IntN(groupCount)]
	id := group[s.rnd.IntN(len(group))]
	var err error
	switch dice := s.rnd.IntN(20); {
	case dice == 0: // all shards, each with its own moment
		err = s.read(op, s.conn, allAccounts)
	case dice < 10: // one statement
		err = s.read(op, s.conn, oneAccount, id)
	default: // one snapshot of several statements, now and then of another shard too
		err = s.snapshot(op, id, group[s.rnd.IntN(len(group))])
	}
	if err == nil {
		op.Outcome = history.OK
	} else {
		op.Error = err.Error()
		s.rollBack(err)
	}
	s.l.rec.Done(op)
	return op.Outcome
}

func (s *session) snapshot(op *history.Op, id, other int) error {
	ctx := context.Background()
	tx, err := s.conn.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback() // after COMMIT there is nothing to roll back; after an error the session says it again
	if err := s.read(op, tx, oneAccount, id); err != nil {
		return err
	}
	if err := s.read(op, tx, oneAccount, other); err != nil {
		return err
	}
	// The same account again, in three statements.
	r := history.AccountRead{Account: id, Transfers: []string{}}
	if err := tx.QueryRowContext(ctx, "SELECT balance FROM account WHERE id = ?", id).Scan(&r.Balance); err != nil {
		return err
	}
	if err := tx.QueryRowContext(ctx, "SELECT COALESCE(SUM(amount), 0), COUNT(*) FROM ledger WHERE account = ?", id).Scan(&r.Sum, &r.Count); err != nil {
		return err
	}
	if s.rnd.IntN(10) == 0 {
		if err := each(tx, "SELECT transfer FROM ledger WHERE account = ?", []any{id}, func(rows *sql.Rows) error {
			var name string
			err := rows.Scan(&name)
			r.Transfers = append(r.Transfers, name)
			return err
		}); err != nil {
			return err
		}
	} else {
		r.Transfers = nil
	}
	op.Reads = append(op.Reads, r)
	return tx.Commit()
}

// total locks a group of accounts over all shards and reads them.
func (s *session) total() history.Outcome {
	time.Sleep(4 * readerPause) // it locks more than others do
	group := s.l.tb.groups[s.rnd.IntN(groupCount)]
	op := s.l.rec.Invoke(history.Op{Client: s.n, Kind: history.Total})
	lock := " FOR UPDATE"
	if s.rnd.IntN(2) == 0 {
		lock = " LOCK IN SHARE MODE"
	}
	ids := slices.Clone(group)
	s.sortMostly(ids)
	s.transaction(op, func() error {
		for _, id := range ids {
			r := history.AccountRead{Account: id}
			if err := s.conn.QueryRowContext(context.Background(), "SELECT balance FROM account WHERE id = ?"+lock, id).Scan(&r.Balance); err != nil {
				return err
			}
			op.Reads = append(op.Reads, r)
		}
		return nil
	})
	s.l.rec.Done(op)
	return op.Outcome
}

// querier is a connection or a transaction.
type querier interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
}

// read accounts into op.
func (s *session) read(op *history.Op, q querier, query string, args ...any) error {
	return each(q, query, args, func(rows *sql.Rows) error {
		var r history.AccountRead
		err := rows.Scan(&r.Account, &r.Balance, &r.Sum, &r.Count)
		op.Reads = append(op.Reads, r)
		return err
	})
}

func each(q querier, query string, args []any, take func(*sql.Rows) error) error {
	rows, err := q.QueryContext(context.Background(), query, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		if err := take(rows); err != nil {
			return err
		}
	}
	return rows.Err()
}
