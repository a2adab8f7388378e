package localdb

import (
	"context"
	"errors"
	"fmt"
	"time"

	"golang.org/x/sys/unix"
)

// end sends a signal and waits until the whole process is gone: its threads too,
// so that its port and its data directory are free.
func (s *Server) end(ctx context.Context, sig unix.Signal) error {
	// The handle is taken before the look at the command line: it stays with that
	// process even if the id is recycled.
	fd, err := unix.PidfdOpen(s.Pid, 0)
	if errors.Is(err, unix.ESRCH) {
		return s.reaped(ctx)
	}
	if err != nil {
		return fmt.Errorf("open process %d of server %s: %w", s.Pid, s.Name, err)
	}
	defer unix.Close(fd) //nolint:errcheck // nothing was written to it
	if !s.Running() {
		return s.reaped(ctx)
	}
	if err := unix.PidfdSendSignal(fd, sig, nil, 0); err != nil && !errors.Is(err, unix.ESRCH) {
		return fmt.Errorf("signal server %s (process %d): %w", s.Name, s.Pid, err)
	}
	// Readable once the last thread has ended.
	const wait = 20 * time.Millisecond
	polled := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}
	for {
		n, err := unix.Poll(polled, int(wait.Milliseconds()))
		if n == 1 {
			return s.reaped(ctx)
		}
		if err != nil && !errors.Is(err, unix.EINTR) {
			return fmt.Errorf("wait for server %s (process %d) to end: %w", s.Name, s.Pid, err)
		}
		if ctx.Err() != nil {
			return fmt.Errorf("wait for server %s (process %d) to end: %w", s.Name, s.Pid, context.Cause(ctx))
		}
	}
}

// reaped waits until our own child's exit has been noted.
func (s *Server) reaped(ctx context.Context) error {
	if s.exited == nil {
		return nil
	}
	select {
	case <-s.exited:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("wait for server %s (process %d) to be reaped: %w", s.Name, s.Pid, context.Cause(ctx))
	}
}
