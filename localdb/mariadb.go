package localdb

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
)

// makeMariaDB initialises a data directory whose only account is root over the socket, without a password.
func makeMariaDB(ctx context.Context, p programs, dir, tmp string) error {
	args := append([]string{"--no-defaults", "--datadir=" + dir, "--tmpdir=" + tmp, "--innodb-log-file-size=16M"}, asRoot()...)
	install := append(slices.Clone(args), "--auth-root-authentication-method=normal", "--skip-test-db", "--skip-name-resolve")
	if err := run(ctx, "", p.installer, install...); err != nil {
		return fmt.Errorf("initialise a data directory: %w", err)
	}
	// The installer also makes root accounts that TCP can use.
	const closeToTCP = "DELETE FROM mysql.global_priv WHERE Host <> 'localhost' OR User = '';\n" +
		"DELETE FROM mysql.proxies_priv WHERE Host <> 'localhost';\n"
	if err := run(ctx, closeToTCP, p.server, append(args, "--bootstrap")...); err != nil {
		return fmt.Errorf("close the data directory to TCP: %w", err)
	}
	return nil
}

// mariadbArgs are the settings that MySQL does not have or has by another name.
func (s *Server) mariadbArgs(o Options) []string {
	args := []string{
		"--character-set-server=utf8mb4",
		"--collation-server=utf8mb4_general_ci",
		"--performance-schema=OFF",
		"--innodb-log-file-size=64M",
	}
	if o.BinLog {
		args = append(args, "--log-bin="+filepath.Join(s.Dir, "binlog"), "--binlog-format=ROW", "--sync-binlog=1")
	}
	return args
}
