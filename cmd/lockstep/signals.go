package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"

	"golang.org/x/sys/unix"
)

// errAsked is why a context ended: a signal asked for an orderly end.
var errAsked = errors.New("asked to stop")

// untilSignal gives a context that ends with the first SIGINT or SIGTERM. The
// second one ends the process at once: nothing that is being waited for may keep an
// operator from stopping it. Private shards live on, and 2PC makes the proxy safe to cut off.
func untilSignal(t terminal) (context.Context, func()) {
	ctx, cancel := context.WithCancelCause(context.Background())
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, unix.SIGINT, unix.SIGTERM)
	done := make(chan struct{})
	go func() {
		for {
			select {
			case <-signals:
				if ctx.Err() != nil {
					fmt.Fprintln(t.err, "lockstep: stopped at once by a second signal")
					os.Exit(exitFailed)
				}
				cancel(errAsked)
			case <-done:
				return
			}
		}
	}()
	return ctx, func() {
		signal.Stop(signals)
		close(done)
		cancel(nil)
	}
}
