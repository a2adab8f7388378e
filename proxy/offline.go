package proxy

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"

	"lockstep/backend"
	"lockstep/config"
	"lockstep/coordinator"
	"lockstep/proxy/admin"
	"lockstep/txlog"
)

// Offline is an operator's access to the log and the shards while the proxy does
// not run. It decides by the same rules: the epochs that the log knows, the last proxy's among
// them, are older epochs of this coordinator, which nobody drives any more.
type Offline struct {
	*admin.Operator
	log      *txlog.Log
	shards   []*backend.Shard
	identity *identity // nil: nothing is settled
}

// OpenOffline opens the log and the shards. To settle something the log must be
// writable; this takes it and the coordinator's id from any proxy until Close, and adds an epoch to the log. Otherwise nothing is changed.
// Errors: those of txlog.Open, *txlog.LockedError where a proxy has the log; *IdentityError where one has the
// coordinator's id, with another copy of the log; a log that does not exist is not made, since without its decisions
// there is nothing to go by.
func OpenOffline(cfg *config.Config, settle bool, log *slog.Logger) (*Offline, error) {
	epoch := coordinator.NewEpoch()
	l, err := openExistingLog(cfg, settle, epoch)
	if err != nil {
		return nil, err
	}
	o := &Offline{log: l}
	for _, s := range cfg.Shards {
		o.shards = append(o.shards, backend.NewShard(shardOptions(cfg, s, log, nil)))
	}
	shards := resolverShards(o.shards)
	if settle {
		o.identity = newIdentity(cfg.Cluster, cfg.Coordinator)
		if err := o.identity.claim(context.Background(), o.shards); err != nil {
			return nil, errors.Join(err, o.Close())
		}
		shards = ownedShards(o.shards, o.identity)
	}
	c, err := coordinator.New(coordinator.Options{
		Cluster: cfg.Cluster, ID: cfg.Coordinator, Epoch: epoch, Log: l, Shards: shards, Logger: log,
	})
	if err != nil {
		return nil, errors.Join(fmt.Errorf("make the coordinator: %w", err), o.Close())
	}
	o.Operator = &admin.Operator{Resolver: c, Log: l, Shards: listers(o.shards), Logger: log, FirstLook: true}
	return o, nil
}

func openExistingLog(cfg *config.Config, settle bool, epoch string) (*txlog.Log, error) {
	if _, err := os.Stat(cfg.Log.Path); errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("there is no decision log at %s: without it nothing can be said or settled offline; a proxy that starts makes a new one and leaves in doubt what it does not know", cfg.Log.Path)
	}
	if settle {
		return openLog(cfg, epoch, nil)
	}
	l, err := txlog.OpenReadOnly(cfg.Log.Path)
	if err != nil {
		return nil, err
	}
	if have, expect := l.Identity(), (txlog.Identity{Cluster: cfg.Cluster, Coordinator: cfg.Coordinator}); have != expect {
		return nil, errors.Join(&txlog.IdentityError{Path: cfg.Log.Path, Have: have, Expect: expect}, l.Close())
	}
	return l, nil
}

// Close writes what waits for the log and gives it up.
func (o *Offline) Close() error {
	if o.identity != nil {
		o.identity.release()
	}
	var errs []error
	for _, s := range o.shards {
		errs = append(errs, s.Close())
	}
	return errors.Join(append(errs, o.log.Close())...)
}

// ReadLog reads and checks the log of a configuration, without asking any shard. The
// caller closes it. Errors: those of OpenOffline.
func ReadLog(cfg *config.Config) (*txlog.Log, error) { return openExistingLog(cfg, false, "") }
