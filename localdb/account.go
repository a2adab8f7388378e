package localdb

import (
	"context"
	"database/sql"
	"fmt"
	"log/slog"
	"strings"

	"github.com/go-sql-driver/mysql"
)

// Root opens a pool as root over the socket. The caller closes it.
func (s *Server) Root() (*sql.DB, error) {
	cfg := mysql.NewConfig()
	cfg.Net, cfg.Addr, cfg.User = "unix", s.Socket, "root"
	// The driver's own logger would print each try while a server starts.
	cfg.Logger = log{}
	connector, err := mysql.NewConnector(cfg)
	if err != nil {
		return nil, fmt.Errorf("connect to server %s as root: %w", s.Name, err)
	}
	return sql.OpenDB(connector), nil
}

// log passes the driver's remarks on at debug level.
type log struct{}

func (log) Print(v ...any) { slog.Debug("mysql driver", "message", fmt.Sprint(v...)) }

// Exec runs statements as root, in order, and stops at the first error.
func (s *Server) Exec(ctx context.Context, statements ...string) error {
	db, err := s.Root()
	if err != nil {
		return err
	}
	defer db.Close()
	conn, err := db.Conn(ctx)
	if err != nil {
		return fmt.Errorf("connect to server %s as root: %w", s.Name, err)
	}
	defer conn.Close()
	for i, q := range statements {
		if _, err := conn.ExecContext(ctx, q); err != nil {
			// Not the statement itself: it may hold a password.
			return fmt.Errorf("run statement %d of %d on server %s: %w", i+1, len(statements), s.Name, err)
		}
	}
	return nil
}

// AddUser makes an account that may do everything, over TCP and over the socket, or
// gives an existing one that password.
func (s *Server) AddUser(ctx context.Context, name, password string) error {
	account := quote(name) + "@'%'"
	// MySQL's default authentication, caching_sha2_password, works over plain TCP with the server's RSA key.
	if err := s.Exec(ctx,
		"CREATE USER IF NOT EXISTS "+account,
		"ALTER USER "+account+" IDENTIFIED BY "+quote(password),
		"GRANT ALL PRIVILEGES ON *.* TO "+account+" WITH GRANT OPTION",
	); err != nil {
		return fmt.Errorf("add user %s: %w", name, err)
	}
	return nil
}

// quote writes an SQL string literal for the server's default sql_mode.
func quote(s string) string {
	return "'" + strings.NewReplacer(`\`, `\\`, `'`, `''`, "\x00", `\0`).Replace(s) + "'"
}
