package localdb

import (
	"cmp"
	"log/slog"
	"path/filepath"
	"time"
)

// Options of one server.
type Options struct {
	Name string // in messages; default: the folder's name
	Dir  string // the server's folder; made where it does not exist

	// Engine of the server; default: that of the folder's data, MariaDB where there are none.
	Engine Engine

	// Port is the TCP port. 0: the one this folder had before, or a free one.
	Port int

	// BinLog turns the binary log on (row format, synced at every commit).
	BinLog bool

	// ServerID tells servers with a binary log apart; default 1.
	ServerID int

	// ExtraArgs follow all other arguments of the server, so they win.
	ExtraArgs []string

	// StartTimeout is how long a start may take, recovery after a crash included; default 60s.
	StartTimeout time.Duration

	// Logger hears of what is done; default: nobody.
	Logger *slog.Logger
}

func (o Options) withDefaults() (Options, error) {
	dir, err := filepath.Abs(o.Dir)
	if err != nil {
		return o, err
	}
	o.Dir = dir
	if o.Name == "" {
		o.Name = filepath.Base(dir)
	}
	if o.Engine == "" {
		o.Engine = cmp.Or(engineOf(filepath.Join(dir, "data")), MariaDB)
	}
	if o.ServerID == 0 {
		o.ServerID = 1
	}
	if o.StartTimeout == 0 {
		o.StartTimeout = time.Minute
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	return o, nil
}
