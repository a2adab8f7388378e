//go:build failpoint

package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"lockstep/coordinator"
)

// failpoint reads LOCKSTEP_FAILPOINT=STEP[:K[:ROUND]] (for tests): the process
// kills itself with SIGKILL when a commit reaches STEP with K participants done,
// the ROUND-th time that happens (the first where it is left out).
//
// With LOCKSTEP_FAILPOINT_PAUSE=DIR it goes on living instead: that commit makes
// the file DIR/reached and goes on once DIR/go is there.
func failpoint() func(coordinator.Step, int) {
	spec := os.Getenv("LOCKSTEP_FAILPOINT")
	if spec == "" {
		return nil
	}
	parts := strings.Split(spec, ":")
	k, round := 0, int64(1)
	if len(parts) > 1 {
		k = number(parts[1])
	}
	if len(parts) > 2 {
		round = int64(number(parts[2]))
	}
	act := die
	if dir := os.Getenv("LOCKSTEP_FAILPOINT_PAUSE"); dir != "" {
		act = func() { pause(dir) }
	}
	var seen atomic.Int64
	return func(step coordinator.Step, done int) {
		if string(step) == parts[0] && done == k && seen.Add(1) == round {
			act()
		}
	}
}

func die() {
	_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
	select {} // nothing of this process goes on
}

// pause panics where it cannot do its work: the test would wait in vain.
func pause(dir string) {
	if err := os.WriteFile(filepath.Join(dir, "reached"), nil, 0o600); err != nil {
		panic(fmt.Sprintf("LOCKSTEP_FAILPOINT_PAUSE: %v", err))
	}
	for {
		_, err := os.Stat(filepath.Join(dir, "go"))
		if err == nil {
			return
		}
		if !errors.Is(err, fs.ErrNotExist) {
			panic(fmt.Sprintf("LOCKSTEP_FAILPOINT_PAUSE: %v", err))
		}
		time.Sleep(2 * time.Millisecond)
	}
}

func number(s string) int {
	n, err := strconv.Atoi(s)
	if err != nil {
		panic(fmt.Sprintf("LOCKSTEP_FAILPOINT: %q is not a number", s))
	}
	return n
}
