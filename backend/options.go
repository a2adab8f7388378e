package backend

import (
	"crypto/tls"
	"log/slog"
	"maps"
	"strings"
	"time"

	"lockstep/eventloop"
)

// Flavor is the server family.
type Flavor uint8

const (
	MariaDB Flavor = iota + 1
	MySQL
)

func (f Flavor) String() string {
	switch f {
	case MariaDB:
		return "MariaDB"
	case MySQL:
		return "MySQL"
	}
	return "unknown"
}

// Options of one shard. Zero durations and counts take their defaults.
type Options struct {
	Name, Address   string // Address: host:port, or an absolute path of a Unix socket
	User, Password  string
	MaxConns        int           // server connections at once, beside RecoveryConns and one that is watched; default 64
	MaxIdle         int           // kept open when idle; default MaxConns: closing and dialing anew under load costs more than keeping
	IdleTime        time.Duration // an idle connection is closed after; default 5m
	QueueLength     int           // waiting for a connection at once; default 1024; past it *QueueFullError
	AcquireTimeout  time.Duration // waiting for a connection; default 10s; past it *AcquireTimeoutError
	DialTimeout     time.Duration // connecting and logging in; default 3s
	MaxPacket       int           // largest packet in bytes; 0: the protocol package's default
	MaxStatements   int           // prepared statements per server connection; default 256, least recently used is closed
	ProbeInterval   time.Duration // how often a shard that is down is tried; default 500ms
	RecoveryConns   int           // connections beside the pool, for recovery and KILL; default 8
	GateTimeout     time.Duration // how long FreeXIDs waits for the server to let go of branches; default 3s
	RecoveryTimeout time.Duration // one statement of recovery, when the caller's context has no earlier end; default 10s
	// NameTimeout is how long the server keeps a name (HoldName) for a process that shows
	// no sign of life but has not ended, in whole seconds, rounded up; default 10m.
	NameTimeout time.Duration
	MaxPrepared int // rows of XA RECOVER that are taken; default 1,000,000; past it an error
	// TLS gives the configuration of the next connection; nil: no TLS. TLSOptional speaks in clear to a
	// server that offers no TLS; otherwise such a server counts as down.
	TLS         func() (*tls.Config, error)
	TLSOptional bool
	Attributes  map[string]string // of connections, for the server's lists of sessions, beside program_name
	Logger      *slog.Logger
	Reached     func() bool        // says that another pool reaches the server: then this one asks it, though it has found it down; must not block
	OnUp        func(shard string) // called when a shard that was not reachable answers (also the first time); must not block

	// Loop, if not nil, gives the event loop that a new connection is adopted by.
	Loop func() *eventloop.Loop
}

// Bounds of what is remembered beside connections.
const (
	maxOwners = 65536 // branches whose owning session is remembered
	maxKills  = 1024  // server sessions waiting to be ended in the background
)

func orDefault[T int | time.Duration](v, d T) T {
	if v <= 0 {
		return d
	}
	return v
}

func (o Options) withDefaults() Options {
	o.MaxConns = orDefault(o.MaxConns, 64)
	o.MaxIdle = min(orDefault(o.MaxIdle, o.MaxConns), o.MaxConns)
	o.IdleTime = orDefault(o.IdleTime, 5*time.Minute)
	o.QueueLength = orDefault(o.QueueLength, 1024)
	o.AcquireTimeout = orDefault(o.AcquireTimeout, 10*time.Second)
	o.DialTimeout = orDefault(o.DialTimeout, 3*time.Second)
	o.MaxStatements = orDefault(o.MaxStatements, 256)
	o.ProbeInterval = orDefault(o.ProbeInterval, 500*time.Millisecond)
	o.RecoveryConns = orDefault(o.RecoveryConns, 8)
	o.GateTimeout = orDefault(o.GateTimeout, 3*time.Second)
	o.RecoveryTimeout = orDefault(o.RecoveryTimeout, 10*time.Second)
	o.NameTimeout = orDefault(o.NameTimeout, 10*time.Minute)
	o.MaxPrepared = orDefault(o.MaxPrepared, 1_000_000)
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	o.Logger = o.Logger.With("shard", o.Name)
	return o
}

// network is the net package's name for the address's kind.
func (o *Options) network() string {
	if strings.HasPrefix(o.Address, "/") {
		return "unix"
	}
	return "tcp"
}

// attributes of a connection. They are the proxy's own: a server connection serves many clients in turn, so none
// of theirs can be on it.
func (o *Options) attributes() map[string]string {
	all := maps.Clone(o.Attributes)
	if all == nil {
		all = map[string]string{}
	}
	all["program_name"] = "lockstep"
	return all
}
