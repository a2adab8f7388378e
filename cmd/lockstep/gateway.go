package main

import (
	"log/slog"

	"lockstep/config"
	"lockstep/proxy"
)

// newGateway makes the proxy.
func newGateway(cfg *config.Config, log *slog.Logger) (gateway, error) {
	return proxy.New(cfg, proxy.Options{Logger: log, Hook: failpoint()})
}
