package chaos

import (
	"os"
	"strconv"
	"testing"
	"time"

	"lockstep/integration/cluster"
)

func TestMain(m *testing.M) { cluster.QuietMain(m) }

// Environment variables of a run.
const (
	envTime   = "LOCKSTEP_CRASH_TIME"   // how long TestCrash runs, e.g. 30m; without it only the quick tests run
	envSeed   = "LOCKSTEP_CRASH_SEED"   // of all random choices; default the clock
	envConfig = "LOCKSTEP_CRASH_CONFIG" // one configuration, as it is printed; default all in turn
	envKeep   = "LOCKSTEP_CRASH_KEEP"   // where every run's files stay; default the temporary folder, and a failed run's only
)

func wantedTime(t *testing.T) time.Duration {
	t.Helper()
	text := os.Getenv(envTime)
	if text == "" {
		t.Skipf("%s is not set (make crash)", envTime)
	}
	d, err := time.ParseDuration(text)
	if err != nil || d <= 0 {
		t.Fatalf("%s=%q is not a duration above 0", envTime, text)
	}
	return d
}

func wantedSeed(t *testing.T) uint64 {
	t.Helper()
	text := os.Getenv(envSeed)
	if text == "" {
		return uint64(time.Now().UnixNano())
	}
	n, err := strconv.ParseUint(text, 10, 64)
	if err != nil {
		t.Fatalf("%s: %v", envSeed, err)
	}
	return n
}
