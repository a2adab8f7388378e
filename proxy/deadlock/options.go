package deadlock

import (
	"context"
	"log/slog"
	"time"

	"lockstep/backend"
)

// Source is a database server, as far as this package needs it; *backend.Shard is one.
type Source interface {
	LockWaits(ctx context.Context, limit int) (backend.LockWaits, error)
	AnnouncedWaits(ctx context.Context, maxAge int64, limit int) (rows []backend.AnnouncedWait, clock int64, err error)
	AnnounceWaits(ctx context.Context, rows []backend.AnnouncedWait, gone []string) error
	MarkVictim(ctx context.Context, gtrid string, wait uint64) error
	PurgeAnnouncedWaits(ctx context.Context, before int64, limit int) error
}

// Server is a database server with the shards that are on it. Several shards of one server must
// be one Server: its connections are numbered once, and so are its readings.
type Server struct {
	Name   string // for logs: the first shard's
	Shards []string
	Source Source
}

// Options of a detector. Zero values take their defaults.
type Options struct {
	Coordinator string // cluster and name of this proxy, the same for all its life
	Servers     []Server
	Wait        time.Duration // how long a statement is under way before anybody looks; default 100ms
	MaxWaits    int           // lock waits, and transactions, read of one server; default 20,000. What is past it is not seen
	MaxRows     int           // rows of lockstep.waiter read and written on one server; default 4096
	MaxEnding   int           // statements being ended at once; default 16
	History     int           // deadlocks that History remembers; default 100
	Timeout     time.Duration // one statement of the detector on one server; default 400ms
	Logger      *slog.Logger
	Broken      func(took time.Duration) // a deadlock was broken, so long after it came to be; may be nil
}

// Times that follow from how servers behave.
const (
	tick            = 20 * time.Millisecond
	cacheIdle       = 103 * time.Millisecond // MariaDB renews its cache when nobody has read it for 100 ms
	restReading     = 250 * time.Millisecond // between readings when every wait is old and none is suspect
	young           = time.Second            // a wait is, for that long
	boardInterval   = 35 * time.Millisecond  // between exchanges with other proxies
	renewBesides    = 100 * time.Millisecond // own rows, while other proxies have some
	renewAlone      = time.Second            // and while none has
	rowExpiry       = 3 * time.Second        // of rows whose proxy is dead
	purgeAge        = 30 * time.Second       // rows that old are removed by whoever comes along
	purgeInterval   = 30 * time.Second
	deniedInterval  = time.Minute            // between attempts on a server that refused
	failureInterval = 2 * time.Second        // between attempts on one that did not answer
	victimPatience  = 500 * time.Millisecond // before a victim that goes on waiting is ended once more
)

func orDefault[T int | time.Duration](v, d T) T {
	if v <= 0 {
		return d
	}
	return v
}

func (o Options) withDefaults() Options {
	o.Wait = orDefault(o.Wait, 100*time.Millisecond)
	o.MaxWaits = orDefault(o.MaxWaits, 20_000)
	o.MaxRows = orDefault(o.MaxRows, 4096)
	o.MaxEnding = orDefault(o.MaxEnding, 16)
	o.History = orDefault(o.History, 100)
	o.Timeout = orDefault(o.Timeout, 400*time.Millisecond)
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Broken == nil {
		o.Broken = func(time.Duration) {}
	}
	return o
}
