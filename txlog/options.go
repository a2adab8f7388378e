package txlog

import (
	"errors"
	"fmt"
	"time"
)

// Options of a log. Numbers of zero take their defaults.
type Options struct {
	Path     string
	Identity Identity
	Epoch    string // of this start; recorded durably before Open returns; must be new to this log
	MaxBatch int    // decisions in one sync; 0 means 1024
	Queue    int    // decisions that may wait; past it Append answers ErrQueueFull; 0 means 4096

	MaxDecisions    int           // unfinished transactions in the log; past it Append answers *LimitError; 0 means 1,000,000
	MaxRecord       int           // bytes of one encoded record; 0 means 16384
	MaxParticipants int           // branches of one transaction; 0 means 256
	MaxEpochs       int           // starts remembered; the oldest is dropped past it; 0 means 65536
	GatherDelay     time.Duration // a batch waits at most this long for decisions that were announced (Expect); 0 means 3ms, negative: never
	ForgetDelay     time.Duration // a removal waits this long for an Append to ride on; 0 means 5s

	// Hook is for tests. It is called on the writer's goroutine with "decision-written"
	// when the decisions of a batch are in the file and nobody knows of it yet.
	// bbolt offers no stop between its write and its sync, and to take the sync
	// over would give up the order data, sync, meta, sync that power loss needs. So the
	// sync is past when the hook runs. A process killed here cannot tell: what was
	// written is in the page cache either way.
	Hook func(step string)
}

// TokenLimit is the largest client token of a decision, in bytes.
const TokenLimit = 64

// gtridLimit is the largest gtrid that XA allows, in bytes.
const gtridLimit = 64

// maxForget bounds the removals done in one batch, so that one batch stays short.
const maxForget = 8192

func (o Options) withDefaults() (Options, error) {
	if o.Path == "" {
		return o, errors.New("open decision log: no path given")
	}
	if o.Identity.Cluster == "" || o.Identity.Coordinator == "" {
		return o, fmt.Errorf("open decision log %s: cluster and coordinator must be named", o.Path)
	}
	if o.Epoch == "" {
		return o, fmt.Errorf("open decision log %s: no epoch given", o.Path)
	}
	for _, s := range []struct{ what, value string }{
		{"cluster", o.Identity.Cluster}, {"coordinator", o.Identity.Coordinator}, {"epoch", o.Epoch},
	} {
		if len(s.value) > gtridLimit {
			return o, fmt.Errorf("open decision log %s: %s is longer than %d bytes", o.Path, s.what, gtridLimit)
		}
	}
	for _, d := range []struct {
		what  string
		value *int
		def   int
	}{
		{"MaxBatch", &o.MaxBatch, 1024}, {"Queue", &o.Queue, 4096},
		{"MaxDecisions", &o.MaxDecisions, 1_000_000}, {"MaxRecord", &o.MaxRecord, 16 << 10},
		{"MaxParticipants", &o.MaxParticipants, 256}, {"MaxEpochs", &o.MaxEpochs, 65536},
	} {
		if *d.value < 0 {
			return o, fmt.Errorf("open decision log %s: %s is negative", o.Path, d.what)
		}
		if *d.value == 0 {
			*d.value = d.def
		}
	}
	if o.GatherDelay == 0 {
		o.GatherDelay = 3 * time.Millisecond
	}
	if o.ForgetDelay <= 0 {
		o.ForgetDelay = 5 * time.Second
	}
	return o, nil
}
