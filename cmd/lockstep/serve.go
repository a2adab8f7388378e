package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/signal"

	"golang.org/x/sys/unix"

	"lockstep/config"
)

const serveAbout = `Runs the proxy with a configuration file until SIGINT or SIGTERM. Then it takes no
new clients, waits for open transactions up to timeouts.drain, and ends with 0. A second
signal ends it at once; what was being committed is settled at the next start. SIGHUP reads the
files of TLS again, which also happens by itself when they change.

It is refused (1) while another proxy runs with the same cluster and coordinator id, and ends
with 1 when one shows up on a shard that could not be reached before.
`

func runServe(ctx context.Context, t terminal, args []string) error {
	f := newFlags(t, "serve", "serve --config FILE [flags]", serveAbout)
	file := f.String("config", "", "configuration `file`; required")
	var logs logFlags
	logs.register(f, slog.LevelInfo)
	if _, err := parseFlags(f, args, 0); err != nil {
		return err
	}
	if *file == "" {
		return usagef("--config is missing")
	}
	log, err := logs.logger(t)
	if err != nil {
		return err
	}
	cfg, err := loadConfig(*file)
	if err != nil {
		return err
	}
	p, err := startProxy(ctx, cfg, log)
	if err != nil {
		return err
	}
	log.Info("serving", "clients", p.Addr(), "admin", p.AdminAddr(), "shards", len(cfg.Shards))
	failed := untilEnd(ctx, p, log)
	log.Info("draining", "limit", cfg.Timeouts.Drain)
	if err := errors.Join(failed, finish(p, cfg, log)); err != nil {
		return err
	}
	log.Info("ended")
	return nil
}

// untilEnd waits until the proxy is asked to end, or must. SIGHUP meanwhile reads certificates again.
func untilEnd(ctx context.Context, p gateway, log *slog.Logger) error {
	again := make(chan os.Signal, 1)
	signal.Notify(again, unix.SIGHUP)
	defer signal.Stop(again)
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-again:
			p.ReadCertificates()
		case err := <-p.Failed():
			log.Error("the proxy must end", "err", err)
			return err
		}
	}
}

// loadConfig is config.Load; its findings begin on a line of their own.
func loadConfig(file string) (*config.Config, error) {
	cfg, err := config.Load(file)
	if err != nil {
		return nil, fmt.Errorf("the configuration cannot be used\n%w", err)
	}
	return cfg, nil
}
