package catalog

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"strings"
	"sync/atomic"

	"lockstep/backend"
	"lockstep/protocol"
)

// store is the table lockstep.sequence on the home shard. Every statement is a
// transaction of its own on a connection of its own.
type store struct {
	home   *backend.Shard
	logger *slog.Logger
	holder string        // the proxy, for blocks that it has
	flavor atomic.Uint32 // backend.Flavor of the home shard, once known
}

func (st *store) mariaDB() bool { return backend.Flavor(st.flavor.Load()) == backend.MariaDB }

const (
	createDatabase = "CREATE DATABASE IF NOT EXISTS lockstep"
	createTable    = "CREATE TABLE IF NOT EXISTS lockstep.sequence (" +
		"name VARCHAR(270) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL PRIMARY KEY COMMENT 'database.table', " +
		"next BIGINT UNSIGNED NOT NULL COMMENT 'the least id that no proxy has reserved'" +
		") ENGINE=InnoDB COMMENT='AUTO_INCREMENT ids of sharded tables'"
)

// sequenceName is a table's row: database.table, each in backticks where it would not be clear otherwise.
func sequenceName(t tableName) string {
	part := func(s string) string {
		if strings.ContainsAny(s, ".`") {
			return identifier(s)
		}
		return s
	}
	return part(t.database) + "." + part(t.name)
}

// request is what is asked of a sequence.
type request struct {
	floor uint64 // least id that is of use
	need  uint64 // ids that must be had, or the request fails
	size  uint64 // ids that are taken if there are as many
	end   uint64 // the first that is never generated
	has   block  // what the proxy has still, to which the new block is joined if it follows
}

type outcome uint8

const (
	taken outcome = iota
	missing
	raced // another proxy made the row after the statement looked for it
	exhausted
	elsewhere // another proxy has ids of the block: they go up to its end
)

// take reserves a block in one statement. LAST_INSERT_ID(expr) carries the old
// value out in the OK packet, so no second statement is needed to know it.
func (st *store) take(ctx context.Context, name string, ask request) (block, outcome, error) {
	size := min(ask.size, ask.end-1)
	if ask.need > ask.end {
		return block{}, exhausted, nil
	}
	// All operands unsigned: among signed ones the server would calculate in decimals and cut at 2^63.
	first := "GREATEST(next, " + unsigned(ask.floor) + ")"
	update := "UPDATE lockstep.sequence SET next = IF(LAST_INSERT_ID(" + first + ") > " + unsigned(ask.end-size) +
		", " + unsigned(ask.end) + ", " + first + " + " + unsigned(size) + ") WHERE name = " + literal(name) +
		" AND " + first + " <= " + unsigned(ask.end-ask.need)

	var b block
	result := taken
	err := st.with(ctx, func(c *backend.Conn) error {
		ok, err := c.Exec(ctx, update)
		if missingTable(err) {
			if err := st.create(ctx, c); err != nil {
				return err
			}
			result = missing
			return nil
		}
		if err != nil {
			return err
		}
		if ok.AffectedRows == 1 {
			b.next = ok.LastInsertID
			b.end = ask.end
			if b.next <= ask.end-size {
				b.end = b.next + size
			}
			first := b.next
			if ask.has.end == b.next && ask.has.end != 0 {
				first = ask.has.next
			}
			reach, err := st.hold(ctx, c, name, first, ask.need, &b)
			if reach > 0 {
				result, b.end = elsewhere, reach
			}
			return err
		}
		res, err := c.Query(ctx, "SELECT next FROM lockstep.sequence WHERE name = "+literal(name), 1)
		if err != nil {
			return err
		}
		if len(res.Rows) == 0 {
			result = missing
			return nil
		}
		next, err := strconv.ParseUint(string(res.Rows[0][0]), 10, 64)
		if err != nil {
			return fmt.Errorf("read the row of %s: %w", name, err)
		}
		result = exhausted
		if next < ask.end && max(next, ask.floor) <= ask.end-ask.need {
			result = raced
		}
		return nil
	})
	return b, result, err
}

func unsigned(v uint64) string { return "CAST(" + strconv.FormatUint(v, 10) + " AS UNSIGNED)" }

// start makes a table's row; where another proxy was faster, or has reserved
// ids meanwhile, its value stays unless ours is larger.
func (st *store) start(ctx context.Context, name string, next uint64) error {
	return st.with(ctx, func(c *backend.Conn) error {
		n := strconv.FormatUint(next, 10)
		_, err := c.Exec(ctx, "INSERT INTO lockstep.sequence (name, next) VALUES ("+literal(name)+", "+n+") ON DUPLICATE KEY UPDATE next = GREATEST(next, "+n+")")
		return err
	})
}

func (st *store) forget(ctx context.Context, name string) error {
	return st.with(ctx, func(c *backend.Conn) error {
		for _, what := range []string{
			"lockstep.sequence WHERE name = " + literal(name),
			"lockstep.sequence_block WHERE name = " + literal(name) + " AND holder = " + literal(st.holder),
		} {
			if _, err := c.Exec(ctx, "DELETE FROM "+what); err != nil && !missingTable(err) {
				return err
			}
		}
		return nil
	})
}

// create makes the database and the table. A user who may not create databases
// is fine as long as it exists.
func (st *store) create(ctx context.Context, c *backend.Conn) error {
	var refused *protocol.ServerError
	if _, err := c.Exec(ctx, createDatabase); err != nil && (!errors.As(err, &refused) || refused.Code != 1044) {
		return fmt.Errorf("create database lockstep: %w", err)
	}
	if _, err := c.Exec(ctx, createTable); err != nil {
		return fmt.Errorf("create table lockstep.sequence: %w", err)
	}
	st.logger.Info("created table lockstep.sequence", "shard", st.home.Name())
	return nil
}

// with runs f on an autocommit connection of the home shard.
func (st *store) with(ctx context.Context, f func(*backend.Conn) error) error {
	c, err := st.home.Acquire(ctx, anyState, true)
	if err != nil {
		return err
	}
	defer c.Release()
	st.flavor.Store(uint32(c.Flavor()))
	return f(c)
}

// missingTable says whether the database or the table is not there.
func missingTable(err error) bool {
	var e *protocol.ServerError
	return errors.As(err, &e) && (e.Code == 1049 || e.Code == 1146)
}
