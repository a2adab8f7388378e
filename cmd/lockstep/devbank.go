package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/go-sql-driver/mysql"
)

const (
	bankAccounts = 1000
	bankBalance  = 1000
	bankBatch    = 100 // rows of one INSERT
)

// openBank connects to the proxy as an application would.
func openBank(addr, database string) (*sql.DB, error) {
	cfg := mysql.NewConfig()
	cfg.Net, cfg.Addr, cfg.User, cfg.Passwd, cfg.DBName = "tcp", addr, "app", "app", database
	cfg.Timeout = 10 * time.Second
	connector, err := mysql.NewConnector(cfg)
	if err != nil {
		return nil, fmt.Errorf("connect to the proxy: %w", err)
	}
	return sql.OpenDB(connector), nil
}

// prepareBank makes the sample database through the proxy, at the first start of
// a folder only: what becomes of it later is up to its user.
func (d *devDir) prepareBank(ctx context.Context, t terminal, addr string) error {
	if _, err := os.Stat(d.file("prepared")); err == nil {
		return nil
	}
	fmt.Fprintf(t.err, "Making database bank with %d accounts, through the proxy\n", bankAccounts)
	db, err := openBank(addr, "")
	if err != nil {
		return err
	}
	defer db.Close()
	if err := makeBank(ctx, db); err != nil {
		return fmt.Errorf("make the sample database: %w", err)
	}
	if err := os.WriteFile(d.file("prepared"), nil, 0o600); err != nil {
		return fmt.Errorf("note that the sample database is made: %w", err)
	}
	return nil
}

// makeBank puts all rows into one transaction: one that was interrupted left
// none, and can be made again.
func makeBank(ctx context.Context, db *sql.DB) error {
	for _, q := range []string{
		"CREATE DATABASE IF NOT EXISTS bank",
		"CREATE TABLE IF NOT EXISTS bank.account (id BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY, owner VARCHAR(64) NOT NULL, balance BIGINT NOT NULL)",
	} {
		if _, err := db.ExecContext(ctx, q); err != nil {
			return fmt.Errorf("%s: %w", q, err)
		}
	}
	var rows int
	if err := db.QueryRowContext(ctx, "SELECT COUNT(*) FROM bank.account").Scan(&rows); err != nil {
		return fmt.Errorf("count the accounts: %w", err)
	}
	if rows > 0 {
		return nil
	}
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return fmt.Errorf("begin: %w", err)
	}
	for first := 1; first <= bankAccounts; first += bankBatch {
		var values []string
		for id := first; id < first+bankBatch; id++ {
			values = append(values, fmt.Sprintf("(%d,'%s',%d)", id, ownerName(id), bankBalance))
		}
		if _, err := tx.ExecContext(ctx, "INSERT INTO bank.account (id, owner, balance) VALUES "+strings.Join(values, ",")); err != nil {
			return errors.Join(fmt.Errorf("insert accounts: %w", err), tx.Rollback())
		}
	}
	if err := tx.Commit(); err != nil {
		return fmt.Errorf("commit the accounts: %w", err)
	}
	return nil
}

var firstNames = []string{"Ada", "Alan", "Barbara", "Edgar", "Edsger", "Grace", "Jim", "Leslie", "Michael", "Tony"}

func ownerName(id int) string { return fmt.Sprintf("%s %d", firstNames[id%len(firstNames)], id) }
