package main

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"lockstep/localdb"
)

// devDir is the folder of a playground:
//
//	lock           held while a dev runs; holds its process id
//	shards         their number
//	engine         of the shards; a folder without it is MariaDB's
//	prepared       the sample database was made
//	lockstep.yaml  the configuration, written anew at every start
//	lockstep.db    the decision log
//	lockstep.sock  the proxy's Unix socket
//	shard1/ …      the servers
type devDir struct {
	path string
	lock *os.File
}

// openDevDir makes the folder where there is none and locks it.
func openDevDir(path string) (*devDir, error) {
	if err := os.MkdirAll(path, 0o700); err != nil {
		return nil, fmt.Errorf("make the folder: %w", err)
	}
	f, err := os.OpenFile(filepath.Join(path, "lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open the folder's lock: %w", err)
	}
	d := &devDir{path: path, lock: f}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		defer f.Close()
		if !errors.Is(err, unix.EWOULDBLOCK) {
			return nil, fmt.Errorf("lock the folder: %w", err)
		}
		return nil, fmt.Errorf("another lockstep dev%s uses %s: stop it, or choose another folder with --dir", d.owner(), path)
	}
	if err := errors.Join(f.Truncate(0), writeAt(f, fmt.Sprintf("%d\n", os.Getpid()))); err != nil {
		return nil, errors.Join(fmt.Errorf("write the folder's lock: %w", err), f.Close())
	}
	return d, nil
}

func writeAt(f *os.File, text string) error {
	_, err := f.WriteAt([]byte(text), 0)
	return err
}

// owner names the process that holds the lock, where it can be read.
func (d *devDir) owner() string {
	text := make([]byte, 20)
	n, _ := d.lock.ReadAt(text, 0) // a message without the number is as true
	if pid := strings.TrimSpace(string(text[:n])); pid != "" {
		return " (process " + pid + ")"
	}
	return ""
}

// close gives the folder free: the lock goes with the file.
func (d *devDir) close() { _ = d.lock.Close() }

func (d *devDir) file(name string) string { return filepath.Join(d.path, name) }

func (d *devDir) configFile() string { return d.file("lockstep.yaml") }

// maxSocketPath is what fits into a sockaddr_un.
const maxSocketPath = 107

// socket is the proxy's own; "" where the folder's path is too long for one.
func (d *devDir) socket() string {
	if path := d.file("lockstep.sock"); len(path) <= maxSocketPath {
		return path
	}
	return ""
}

// fixShards notes the number of shards at the first start and holds later ones to it.
func (d *devDir) fixShards(n int) error {
	text, err := os.ReadFile(d.file("shards"))
	if errors.Is(err, fs.ErrNotExist) {
		if err := os.WriteFile(d.file("shards"), fmt.Appendf(nil, "%d\n", n), 0o600); err != nil {
			return fmt.Errorf("note the number of shards: %w", err)
		}
		return nil
	}
	if err != nil {
		return fmt.Errorf("read the number of shards: %w", err)
	}
	before, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil {
		return fmt.Errorf("read the number of shards from %s: %w", d.file("shards"), err)
	}
	if before != n {
		return fmt.Errorf("%s was made with %d shards and cannot be started with %d: where a row lives follows from the number of shards, so rows would no longer be found.\n"+
			"Start it with --shards %d, or choose another folder with --dir", d.path, before, n, before)
	}
	return nil
}

// servers describes the shards' servers.
func (d *devDir) servers(o devOptions, log *slog.Logger) []localdb.Options {
	var servers []localdb.Options
	for i := 1; i <= o.shards; i++ {
		servers = append(servers, localdb.Options{
			Name: fmt.Sprintf("s%d", i), Dir: d.file(fmt.Sprintf("shard%d", i)), Engine: o.engine, ServerID: i, Logger: log,
		})
	}
	return servers
}
