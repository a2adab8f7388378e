package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"

	"golang.org/x/sys/unix"

	"lockstep/config"
)

// gateway is a proxy as commands see it.
type gateway interface {
	Start(ctx context.Context) error // listens; returns once clients can connect
	Addr() string                    // host:port for clients
	AdminAddr() string               // host:port for operators
	ReadCertificates()               // reads the files of TLS again
	Failed() <-chan error            // gives an error when the proxy must end by itself
	Drain(ctx context.Context) error // no new clients; waits for open transactions until ctx ends
	Close() error
}

// startProxy makes a proxy and starts it. What it has opened is closed again
// where it cannot start.
func startProxy(ctx context.Context, cfg *config.Config, log *slog.Logger) (gateway, error) {
	p, err := newGateway(cfg, log)
	if err != nil {
		return nil, fmt.Errorf("prepare the proxy: %w", err)
	}
	if err := p.Start(ctx); err != nil {
		if errors.Is(err, unix.EADDRINUSE) {
			err = portInUse(err, cfg.Listen, cfg.Admin.Listen)
		}
		return nil, errors.Join(fmt.Errorf("start the proxy: %w", err), p.Close())
	}
	return p, nil
}

// portInUse says what to do about an address that another program has.
func portInUse(err error, addresses ...string) error {
	return fmt.Errorf("%w: another program (or another lockstep) listens on one of %s: stop it, or choose other addresses",
		err, strings.Join(addresses, " and "))
}

// finish ends a proxy in order: no new clients, open transactions get until the
// drain time limit, then everything is closed.
func finish(p gateway, cfg *config.Config, log *slog.Logger) error {
	// The context of the command has ended: that is why we are here.
	ctx, cancel := context.WithTimeout(context.Background(), cfg.Timeouts.Drain)
	defer cancel()
	err := p.Drain(ctx)
	if errors.Is(err, context.DeadlineExceeded) {
		log.Warn("transactions were cut off at the drain time limit", "drain", cfg.Timeouts.Drain)
		err = nil
	}
	if err != nil {
		err = fmt.Errorf("drain the proxy: %w", err)
	}
	if closing := p.Close(); closing != nil {
		err = errors.Join(err, fmt.Errorf("close the proxy: %w", closing))
	}
	return err
}
