package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"os/user"
	"path/filepath"

	"lockstep/config"
	"lockstep/coordinator"
	"lockstep/proxy"
	"lockstep/proxy/admin"
	"lockstep/txlog"
)

// operator carries out an operator's verbs: over the admin port, or offline.
type operator interface {
	List(ctx context.Context) (admin.TransactionList, error)
	Show(ctx context.Context, gtrid string) (admin.TransactionDetail, error)
	Settle(ctx context.Context, gtrid string, v txlog.Verdict, r admin.Request) (admin.Actions, error)
	Forget(ctx context.Context, gtrid string, r admin.Request) (admin.Actions, error)
	Recover(ctx context.Context, dryRun bool) (admin.Actions, error)
	Contents(ctx context.Context, limit int) (admin.LogContents, error)
}

const defaultAdmin = "127.0.0.1:4001"

// Environment variables that stand for flags.
const (
	envAdmin = "LOCKSTEP_ADMIN"
	envToken = "LOCKSTEP_TOKEN"
)

// accessFlags say how a command reaches the proxy, or does without it.
type accessFlags struct {
	admin, token, config string
	offline, json        bool
}

func (a *accessFlags) register(f *flag.FlagSet) {
	f.StringVar(&a.admin, "admin", "", "`address` of the proxy's admin port (default $"+envAdmin+", the configuration's, or "+defaultAdmin+")")
	f.StringVar(&a.token, "token", "", "`token` of the admin port; better in $"+envToken+", where other users do not see it")
	f.StringVar(&a.config, "config", "", "configuration `file`: gives the admin port and its token, and what --offline needs")
	f.BoolVar(&a.offline, "offline", false, "with the proxy down: go by its log and ask the shards, as --config names them")
	f.BoolVar(&a.json, "json", false, "print JSON for programs")
}

// open reaches the proxy, or with --offline the log and the shards. settle: the verb
// may change something. The caller calls done at the end.
func (a *accessFlags) open(settle bool) (op operator, done func() error, err error) {
	var cfg *config.Config
	if a.config != "" {
		if cfg, err = loadConfig(a.config); err != nil {
			return nil, nil, err
		}
	}
	if a.offline {
		switch {
		case cfg == nil:
			return nil, nil, usagef("--offline needs --config FILE, which names the log and the shards")
		case a.admin != "":
			return nil, nil, usagef("--admin and --offline exclude each other")
		}
		o, err := proxy.OpenOffline(cfg, settle, slog.New(slog.DiscardHandler)) // all that matters is in the answers
		if err != nil {
			return nil, nil, asRefusal(err)
		}
		return o, o.Close, nil
	}
	c := &admin.Client{Address: a.admin, Token: a.token}
	if c.Address == "" {
		c.Address = os.Getenv(envAdmin)
	}
	if c.Address == "" && cfg != nil {
		c.Address = reachable(cfg.Admin.Listen)
	}
	if c.Address == "" {
		c.Address = defaultAdmin
	}
	if c.Token == "" {
		c.Token = os.Getenv(envToken)
	}
	if c.Token == "" && cfg != nil && a.admin == "" {
		c.Token = cfg.Admin.Token
	}
	return c, func() error { return nil }, nil
}

// reachable is an address to connect to for one that is listened on.
func reachable(listen string) string {
	host, port, err := net.SplitHostPort(listen)
	if err != nil {
		return listen
	}
	if ip, err := netip.ParseAddr(host); host == "" || err == nil && ip.IsUnspecified() {
		host = "127.0.0.1"
		if err == nil && ip.Is6() {
			host = "::1"
		}
	}
	return net.JoinHostPort(host, port)
}

// refusedError is a verb that was not carried out, for a reason: exit code 3.
type refusedError struct{ err error }

func (e *refusedError) Error() string { return e.err.Error() }
func (e *refusedError) Unwrap() error { return e.err }

// asRefusal marks what is a refusal, and says what to do about common failures.
func asRefusal(err error) error {
	var refused *coordinator.RefusedError
	var locked *txlog.LockedError
	var request *admin.RequestError
	var unreachable *admin.UnreachableError
	var taken *proxy.IdentityError
	switch {
	case errors.As(err, &refused):
		return &refusedError{fmt.Errorf("refused: %w", err)}
	case errors.As(err, &locked):
		return &refusedError{fmt.Errorf("refused: %w; while the proxy runs, ask it: --admin ADDRESS instead of --offline", err)}
	case errors.As(err, &taken):
		return &refusedError{fmt.Errorf("refused: %w; while it runs, or hangs, only it may settle what is its own", err)}
	case errors.As(err, &request):
		return &usageError{request.Reason}
	case errors.As(err, &unreachable):
		return fmt.Errorf("%w; is it another --admin address? With the proxy down: --config FILE --offline", err)
	}
	return err
}

// operatorName is who asks, as far as this machine knows.
func operatorName() string {
	name := "unknown"
	if u, err := user.Current(); err == nil {
		name = filepath.Base(u.Username)
	}
	host, err := os.Hostname()
	if err != nil {
		return name
	}
	return name + "@" + host
}
