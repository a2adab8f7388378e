package localdb

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
)

// makeMySQL initialises a data directory whose only account is root at localhost, without a password.
func makeMySQL(ctx context.Context, p programs, dir, tmp string) error {
	args := append([]string{
		"--no-defaults", "--initialize-insecure", "--datadir=" + dir, "--tmpdir=" + tmp,
		"--secure-file-priv=NULL", "--skip-log-bin", "--innodb-redo-log-capacity=8M", "--innodb-flush-log-at-trx-commit=0",
	}, asRoot()...)
	if err := run(ctx, "", p.server, args...); err != nil {
		return fmt.Errorf("initialise a data directory: %w", err)
	}
	// The server's UUID: each copy of a template makes one of its own.
	if err := os.Remove(filepath.Join(dir, "auto.cnf")); err != nil {
		return fmt.Errorf("take the identity out of a data directory: %w", err)
	}
	return nil
}

// mysqlArgs are the settings that MariaDB does not have or has by another name.
func (s *Server) mysqlArgs(o Options) []string {
	args := []string{
		"--character-set-server=utf8mb4", // with the collation that MySQL itself takes for it
		"--mysqlx=OFF",
		"--secure-file-priv=NULL",
		"--innodb-redo-log-capacity=64M",
		// The performance schema, without which lock waits cannot be seen, is sized by these; 130 MB in place of 300.
		"--table-open-cache=400",
		"--table-definition-cache=400",
		"--performance-schema-max-digest-length=256",
		"--performance-schema-max-sql-text-length=256",
		"--performance-schema-digests-size=500",
	}
	if o.BinLog { // row format is the only one
		return append(args, "--log-bin="+filepath.Join(s.Dir, "binlog"), "--sync-binlog=1")
	}
	return append(args, "--skip-log-bin")
}
