package main

import (
	"context"
	"fmt"
	"time"

	"lockstep/localdb"
)

// restartPause is how long a shard that ended stays away: long enough to look at
// what the proxy does without it.
const restartPause = 3 * time.Second

// watch looks after the shards of a playground. To kill one is among the first
// things that people try: it comes back after a pause.
type watch struct {
	servers []*localdb.Server
	options []localdb.Options
	t       terminal
}

func newWatch(servers []*localdb.Server, options []localdb.Options, t terminal) *watch {
	return &watch{servers, options, t}
}

// until looks after the shards until ctx ends.
func (w *watch) until(ctx context.Context) {
	back := make([]time.Time, len(w.servers)) // when one that ended is started again; zero: it runs
	tick := time.NewTicker(200 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case now := <-tick.C:
			for i, s := range w.servers {
				switch {
				case s.Running():
				case back[i].IsZero():
					back[i] = now.Add(restartPause)
					fmt.Fprintf(w.t.err, "Shard %s (process %d) ended; it is started again in %s\n", s.Name, s.Pid, restartPause)
				case now.After(back[i]):
					w.restart(ctx, i, &back[i])
				}
			}
		}
	}
}

func (w *watch) restart(ctx context.Context, i int, back *time.Time) {
	o := w.options[i]
	o.Port = w.servers[i].Port // the proxy knows it by that one
	s, err := localdb.Start(ctx, o)
	if ctx.Err() != nil {
		return
	}
	if err != nil {
		*back = time.Now().Add(restartPause)
		fmt.Fprintf(w.t.err, "Shard %s did not start, next try in %s: %v\n", o.Name, restartPause, err)
		return
	}
	w.servers[i], *back = s, time.Time{}
	fmt.Fprintf(w.t.err, "Shard %s runs again: process %d\n", s.Name, s.Pid)
}

// stopAll stops the shards, at the end of dev: its context has ended.
func (w *watch) stopAll() error {
	return stopServers(context.Background(), w.t, w.servers)
}
