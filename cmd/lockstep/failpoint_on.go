//go:build failpoint

package main

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"

	"lockstep/coordinator"
)

// failpoint reads LOCKSTEP_FAILPOINT=STEP[:K[:ROUND]] (for tests): the process
// kills itself with SIGKILL when a commit reaches STEP with K participants done,
// the ROUND-th time that happens (the first where it is left out).
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
	var seen atomic.Int64
	return func(step coordinator.Step, done int) {
		if string(step) != parts[0] || done != k || seen.Add(1) != round {
			return
		}
		_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
		select {} // nothing of this process goes on
	}
}

func number(s string) int {
	n, err := strconv.Atoi(s)
	if err != nil {
		panic(fmt.Sprintf("LOCKSTEP_FAILPOINT: %q is not a number", s))
	}
	return n
}
