// CONTRACT (temporary file): the catalog owner moves each into its own file.

// Package catalog reads the tables from the shards and hands out AUTO_INCREMENT ids.
package catalog

import (
	"context"
	"errors"
	"log/slog"

	"lockstep/backend"
	"lockstep/sharding"
)

var errContract = errors.New("not implemented")

// Read lists all tables and views of user databases (not mysql, information_schema, performance_schema, sys, lockstep) with columns and keys, from the first shard
// that answers; physical database names are mapped back to logical ones by logical(physical) ("" = skip).
func Read(ctx context.Context, shards []*backend.Shard, logical func(shard, physical string) string) ([]sharding.TableInfo, []string, error) {
	return nil, nil, errContract // tables, databases
}

// ReadTable reads one table only (after a DDL on it); ok is false when it does not exist.

// Sequences hands out AUTO_INCREMENT ids in blocks kept in the table lockstep.sequence of one shard:
// never twice the same id, also over crashes and several proxies. Safe for concurrent use.
type Sequences struct{}

type SequenceOptions struct {
	Home     *backend.Shard   // keeps the table
	Shards   []*backend.Shard // asked for MAX(column) when a table is first used
	Block    int
	Physical func(shard, logical string) string
	Logger   *slog.Logger
}

func NewSequences(o SequenceOptions) *Sequences { return nil }

// Reserve returns the first of n consecutive ids of a table. On the first use of a table the
// sequence starts above the largest value found on any shard.
func (s *Sequences) Reserve(ctx context.Context, t *sharding.Table, n int) (uint64, error) {
	return 0, errContract
}

// Explicit raises the sequence above an id that a client gave itself; no server is asked while the id lies below what is already reserved.
func (s *Sequences) Explicit(ctx context.Context, t *sharding.Table, highest uint64) error {
	return errContract
}

// Forget drops what is known and stored of a table's sequence (DROP TABLE, TRUNCATE, RENAME, ALTER … AUTO_INCREMENT).
func (s *Sequences) Forget(ctx context.Context, database, table string) error { return errContract }
