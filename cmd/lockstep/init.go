package main

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"strings"

	"lockstep/backend"
	"lockstep/config"
	"lockstep/proxy/certs"
	"lockstep/proxy/definition"
)

const initAbout = `Makes on every shard what three-phase commits and client tokens need, the database lockstep and the
table lockstep.branch, what deadlocks over several proxies need, the table lockstep.waiter, and what changes of definitions
need, the tables lockstep.ddl and lockstep.schema_version. A proxy does the same at its start where its user may; init is for
shards where only an administrator may, and says which grants the shard's user lacks. It can be repeated: what is there
stays as it is. A read-only server is left alone.
`

func runInit(ctx context.Context, t terminal, args []string) error {
	f := newFlags(t, "init", "init --config FILE [--user USER [--password-file FILE]]", initAbout)
	file := f.String("config", "", "configuration `file`; required")
	user := f.String("user", "", "`account` that makes the table, on every shard; default: the shard's user of the configuration")
	passwordFile := f.String("password-file", "", "`file` with that account's password, a line; default: no password")
	if _, err := parseFlags(f, args, 0); err != nil {
		return err
	}
	switch {
	case *file == "":
		return usagef("--config is missing")
	case *user == "" && *passwordFile != "":
		return usagef("--password-file without --user")
	}
	cfg, err := loadConfig(*file)
	if err != nil {
		return err
	}
	password := ""
	if *passwordFile != "" {
		text, err := os.ReadFile(*passwordFile)
		if err != nil {
			return fmt.Errorf("read the password: %w", err)
		}
		password, _, _ = strings.Cut(string(text), "\n")
		password = strings.TrimSuffix(password, "\r")
	}
	failed := 0
	for _, s := range cfg.Shards {
		by := s
		if *user != "" {
			by.User, by.Password = *user, password
		}
		fmt.Fprintf(t.out, "shard %s (%s)\n", s.Name, s.Address)
		made := initTable(ctx, t, cfg, by)
		granted := initGrants(ctx, t, cfg, s)
		if !made || !granted {
			failed++
		}
	}
	if failed > 0 {
		return fmt.Errorf("%d of %d shards are not ready for three-phase commits and client tokens", failed, len(cfg.Shards))
	}
	return nil
}

// initTable makes the tables on one shard and says what it did.
func initTable(ctx context.Context, t terminal, cfg *config.Config, s config.Shard) bool {
	shard := initShard(cfg, s)
	defer shard.Close() //nolint:errcheck // it was only looked at
	made, err := shard.CreateMarkerTable(ctx)
	sayTable(t, "branch", s.User, made, err)
	if err != nil {
		return false
	}
	made, err = shard.CreateWaiterTable(ctx)
	sayTable(t, "waiter", s.User, made, err)
	if err != nil {
		return false
	}
	made, err = definition.MakeTables(ctx, shard)
	sayTable(t, "ddl", s.User, made, err)
	return err == nil
}

func sayTable(t terminal, name, user string, made bool, err error) {
	switch {
	case err != nil:
		fmt.Fprintf(t.out, "  table lockstep.%s could not be made as %s: %v\n", name, user, err)
	case made:
		fmt.Fprintf(t.out, "  table lockstep.%s made\n", name)
	default:
		fmt.Fprintf(t.out, "  table lockstep.%s is there\n", name)
	}
}

// initGrants says which grants the shard's own user lacks.
func initGrants(ctx context.Context, t terminal, cfg *config.Config, s config.Shard) bool {
	shard := initShard(cfg, s)
	defer shard.Close() //nolint:errcheck // as above
	account, missing, err := shard.MissingGrants(ctx)
	if err != nil {
		fmt.Fprintf(t.out, "  the grants of %s could not be looked at: %v\n", s.User, err)
		return false
	}
	if len(missing) == 0 {
		fmt.Fprintf(t.out, "  user %s has all grants\n", account)
		return true
	}
	fmt.Fprintf(t.out, "  user %s lacks grants:\n", account)
	for _, g := range missing {
		fmt.Fprintf(t.out, "    GRANT %s TO %s;  -- %s\n", g.Privilege, account, g.For)
	}
	return false
}

func initShard(cfg *config.Config, s config.Shard) *backend.Shard {
	return backend.NewShard(backend.Options{
		Name: s.Name, Address: s.Address, User: s.User, Password: s.Password,
		TLS: certs.ForShard(s, slog.New(slog.DiscardHandler)), TLSOptional: s.TLS.Mode == config.TLSPreferred,
		DialTimeout: cfg.Timeouts.Dial, Logger: slog.New(slog.DiscardHandler),
	})
}
