package proxy

import (
	"io"
	"log/slog"
	"strconv"
	"testing"
	"time"

	"lockstep/backend"
	"lockstep/config"
	"lockstep/eventloop"
	"lockstep/sharding"
)

// Clients may set as many states as they like: those that have no lane leave nothing behind.
func TestStatesWithoutLanesAreForgotten(t *testing.T) {
	for name, conns := range map[string]int{"no room for a lane": 1, "shard is down": 8} {
		t.Run(name, func(t *testing.T) {
			// Nobody listens on port 1.
			shard := backend.NewShard(backend.Options{Name: "s1", Address: "127.0.0.1:1", MaxConns: conns, AcquireTimeout: time.Second, DialTimeout: time.Second,
				Logger: slog.New(slog.NewTextHandler(io.Discard, nil))})
			p := &Proxy{cfg: &config.Config{Pipeline: config.Pipeline{Connections: 2, Depth: 8}}, shards: []*backend.Shard{shard}, ctx: t.Context()}
			p.states.init()
			loop, err := eventloop.New()
			if err != nil {
				t.Fatal(err)
			}
			p.front = &front{p: p}
			fl := &frontLoop{front: p.front, loop: loop}
			p.front.loops = []*frontLoop{fl}
			fl.lanes.init(fl)
			ended := make(chan error, 1)
			go func() { ended <- loop.Run() }()

			onLoop := func(f func()) {
				done := make(chan struct{})
				loop.Post(func() { f(); close(done) })
				<-done
			}
			onLoop(func() {
				for i := range 100 {
					s := &session{p: p, loop: fl, vars: newVariables(p)}
					s.vars.set("@mine", strconv.Itoa(i))
					if fl.lanes.add(s, &sharding.Statement{}, &sharding.Target{}, "") {
						t.Error("a lane without a connection")
					}
				}
			})
			p.running.Wait()
			onLoop(func() {
				if n := len(fl.lanes.sets); n > 0 {
					t.Errorf("%d states are kept", n)
				}
				if n := fl.lanes.count[0]; n != 0 {
					t.Errorf("%d lanes are counted", n)
				}
			})
			loop.Close()
			if err := <-ended; err != nil {
				t.Error(err)
			}
			if err := shard.Close(); err != nil {
				t.Error(err)
			}
		})
	}
}
