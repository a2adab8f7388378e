package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"lockstep/localdb"
)

const devStopAbout = `Stops the shards that a dev left behind when it was killed. Their data stay.
`

// shardStopLimit is how long a shard may take to shut down.
const shardStopLimit = time.Minute

func runDevStop(ctx context.Context, t terminal, args []string) error {
	f := newFlags(t, "dev stop", "dev stop [--dir FOLDER]", devStopAbout)
	dir := f.String("dir", ".lockstep", "the `folder` of that dev")
	if _, err := parseFlags(f, args, 0); err != nil {
		return err
	}
	if _, err := os.Stat(*dir); errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("there is no folder %s", *dir)
	}
	// A dev that runs stops its shards itself, and would start them again.
	d, err := openDevDir(*dir)
	if err != nil {
		return err
	}
	defer d.close()
	folders, err := filepath.Glob(filepath.Join(d.path, "shard[0-9]*"))
	if err != nil {
		return fmt.Errorf("list the shards: %w", err)
	}
	var servers []*localdb.Server
	for _, folder := range folders {
		s, err := localdb.Find(folder)
		if err != nil {
			return err
		}
		if s != nil {
			servers = append(servers, s)
		}
	}
	if len(servers) == 0 {
		fmt.Fprintln(t.err, "No shard is running.")
		return nil
	}
	return stopServers(ctx, t, servers)
}

// stopServers stops servers at the same time and says so.
func stopServers(ctx context.Context, t terminal, servers []*localdb.Server) error {
	ctx, cancel := context.WithTimeoutCause(ctx, shardStopLimit, fmt.Errorf("not ended after %s", shardStopLimit))
	defer cancel()
	ends := make(chan error)
	for _, s := range servers {
		go func() { ends <- s.Stop(ctx) }()
	}
	var err error
	for range servers {
		err = errors.Join(err, <-ends)
	}
	if err == nil {
		fmt.Fprintf(t.err, "Stopped %d shards.\n", len(servers))
	}
	return err
}
