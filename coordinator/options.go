package coordinator

import (
	"errors"
	"fmt"
	"log/slog"
	"time"
)

// Options of a coordinator. Durations of zero take their defaults.
type Options struct {
	Cluster, ID, Epoch string
	Log                Log
	Shards             []Shard
	Clock              Clock // nil: the real one
	Logger             *slog.Logger
	PrepareTimeout     time.Duration       // a vote that takes longer is Unknown; default 10s
	PrecommitTimeout   time.Duration       // age at which another coordinator's three-phase transaction is ended; default 3s
	CommitTimeout      time.Duration       // phase 2 at one participant, before it is handed to the resolver; default 10s
	ResolveInterval    time.Duration       // timer of the resolver, and the longest back-off of a shard that fails; default 5s
	ListTimeout        time.Duration       // listing the prepared branches of one shard; default 10s
	SettleTimeout      time.Duration       // freeing one set of branches, or settling one branch; default 30s
	MarkerRetention    time.Duration       // of markers without a token; default 10min
	TokenRetention     time.Duration       // of markers with one, and so of the answers to it; default 24h
	MaxParallel        int                 // branches settled at once per shard; default 32
	FreeBatch          int                 // branches freed at once per shard; default 1000
	Hook               func(s Step, k int) // tests only; nil in production
}

const (
	longestSequence = 17 // decimal digits: a million a second for 3,000 years
	firstBackOff    = 10 * time.Millisecond
	longestBackOff  = 500 * time.Millisecond
	grace           = time.Second // for a participant to return after its time is over
)

func (o Options) withDefaults() (Options, error) {
	for _, n := range []struct{ what, name string }{{"cluster", o.Cluster}, {"coordinator", o.ID}, {"epoch", o.Epoch}} {
		if !validName(n.name) {
			return o, fmt.Errorf("make coordinator: %s %q must be of letters, digits, - and _", n.what, n.name)
		}
	}
	if n := len(o.Cluster) + len(o.ID) + len(o.Epoch) + 3 + longestSequence; n > xidPartLimit {
		return o, fmt.Errorf("make coordinator: transaction ids of cluster %q, coordinator %q and epoch %q could take %d bytes, at most %d are possible",
			o.Cluster, o.ID, o.Epoch, n, xidPartLimit)
	}
	if o.Log == nil {
		return o, errors.New("make coordinator: no decision log given")
	}
	if o.Clock == nil {
		o.Clock = realClock{}
	}
	if o.Logger == nil {
		o.Logger = slog.Default()
	}
	for _, d := range []struct {
		value *time.Duration
		def   time.Duration
	}{
		{&o.PrecommitTimeout, 3 * time.Second},
		{&o.MarkerRetention, 10 * time.Minute}, {&o.TokenRetention, 24 * time.Hour},
		{&o.PrepareTimeout, 10 * time.Second}, {&o.CommitTimeout, 10 * time.Second}, {&o.ResolveInterval, 5 * time.Second},
		{&o.ListTimeout, 10 * time.Second}, {&o.SettleTimeout, 30 * time.Second},
	} {
		if *d.value <= 0 {
			*d.value = d.def
		}
	}
	if o.MaxParallel <= 0 {
		o.MaxParallel = 32
	}
	if o.FreeBatch <= 0 {
		o.FreeBatch = 1000
	}
	return o, nil
}
