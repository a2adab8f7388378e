package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
)

const (
	demoTransfers = 3
	demoAmount    = 10
	demoTries     = 50 // accounts tried for one transfer until two live on different shards
)

// branch is a row of SHOW LOCKSTEP BRANCHES.
type branch struct{ shard, xid, state string }

// demo runs a few transfers between accounts on different shards, and shows how
// each of them commits.
func demo(ctx context.Context, t terminal, addr string) error {
	db, err := openBank(addr, "bank")
	if err != nil {
		return err
	}
	defer db.Close()
	before, err := total(ctx, db)
	if err != nil {
		return err
	}
	for i := range demoTransfers {
		if err := transferAcross(ctx, t, db, 1+i*demoTries); err != nil {
			return err
		}
	}
	after, err := total(ctx, db)
	if err != nil {
		return err
	}
	fmt.Fprintf(t.out, "All balances together: %d before, %d after\n\n", before, after)
	if before != after {
		return fmt.Errorf("money was made or lost: %d before, %d after", before, after)
	}
	return nil
}

func total(ctx context.Context, db *sql.DB) (sum int64, err error) {
	if err := db.QueryRowContext(ctx, "SELECT SUM(balance) FROM account").Scan(&sum); err != nil {
		return 0, fmt.Errorf("sum up the balances: %w", err)
	}
	return sum, nil
}

// transferAcross moves money from one account to the first one after it that
// lives on another shard.
func transferAcross(ctx context.Context, t terminal, db *sql.DB, from int) error {
	for to := from + 1; to < from+demoTries; to++ {
		done, err := transfer(ctx, t, db, from, to)
		if err != nil {
			return fmt.Errorf("transfer from account %d to %d: %w", from, to, err)
		}
		if done {
			return nil
		}
	}
	fmt.Fprintf(t.out, "Accounts %d to %d are all on one shard: there is nothing to commit across\n", from, from+demoTries-1)
	return nil
}

// transfer commits only a transaction with several branches; another one it rolls back.
func transfer(ctx context.Context, t terminal, db *sql.DB, from, to int) (done bool, err error) {
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return false, err
	}
	defer func() {
		if err := tx.Rollback(); err != nil && !errors.Is(err, sql.ErrTxDone) {
			fmt.Fprintf(t.err, "rollback: %v\n", err)
		}
	}()
	if _, err := tx.ExecContext(ctx, fmt.Sprintf("UPDATE account SET balance = balance - %d WHERE id = %d", demoAmount, from)); err != nil {
		return false, err
	}
	if _, err := tx.ExecContext(ctx, fmt.Sprintf("UPDATE account SET balance = balance + %d WHERE id = %d", demoAmount, to)); err != nil {
		return false, err
	}
	branches, err := readBranches(ctx, tx)
	if err != nil || len(branches) < 2 {
		return false, err
	}
	var gtrid string
	if err := tx.QueryRowContext(ctx, "SELECT @@lockstep_gtrid").Scan(&gtrid); err != nil {
		return false, fmt.Errorf("read the transaction's id: %w", err)
	}
	fmt.Fprintf(t.out, "Transfer of %d from account %d to %d: transaction %s\n", demoAmount, from, to, gtrid)
	for _, b := range branches {
		fmt.Fprintf(t.out, "  branch on shard %s  %s  %s\n", b.shard, b.xid, b.state)
	}
	if err := tx.Commit(); err != nil {
		return false, fmt.Errorf("commit: %w", err)
	}
	fmt.Fprintf(t.out, "  committed: prepared on %d shards, decision logged, committed on all\n", len(branches))
	return true, nil
}

func readBranches(ctx context.Context, tx *sql.Tx) ([]branch, error) {
	rows, err := tx.QueryContext(ctx, "SHOW LOCKSTEP BRANCHES")
	if err != nil {
		return nil, fmt.Errorf("read the branches: %w", err)
	}
	defer rows.Close()
	var branches []branch
	for rows.Next() {
		var b branch
		if err := rows.Scan(&b.shard, &b.xid, &b.state); err != nil {
			return nil, fmt.Errorf("read a branch: %w", err)
		}
		branches = append(branches, b)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("read the branches: %w", err)
	}
	return branches, nil
}
