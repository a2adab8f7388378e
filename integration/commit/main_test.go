package commit

import (
	"os"
	"strconv"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"

	"lockstep/integration/cluster"
)

func TestMain(m *testing.M) {
	// That connections break is what these tests are about.
	if err := mysql.SetLogger(&mysql.NopLogger{}); err != nil {
		panic(err)
	}
	code := m.Run()
	cluster.RemoveBinary()
	os.Exit(code)
}

// Environment variables that make the crash tests longer.
const (
	envKills = "LOCKSTEP_CRASH_KILLS" // kills of the proxy under load; default 30, with -short 5
	envTime  = "LOCKSTEP_CRASH_TIME"  // kills of shards under load go on for so long; default one round
	envSeed  = "LOCKSTEP_CRASH_SEED"  // of the random choices; default the clock
)

func wantedKills(t *testing.T) int {
	t.Helper()
	text := os.Getenv(envKills)
	if text == "" {
		if testing.Short() {
			return 5
		}
		return 30
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 {
		t.Fatalf("%s=%q is not a number above 0", envKills, text)
	}
	return n
}

func wantedTime(t *testing.T) time.Duration {
	t.Helper()
	text := os.Getenv(envTime)
	if text == "" {
		return 0
	}
	d, err := time.ParseDuration(text)
	if err != nil {
		t.Fatalf("%s: %v", envTime, err)
	}
	return d
}

// seed of the random choices, printed so that a run can be repeated (as far as two machines' timing allows).
func seed(t *testing.T) uint64 {
	t.Helper()
	n := uint64(time.Now().UnixNano())
	if text := os.Getenv(envSeed); text != "" {
		var err error
		if n, err = strconv.ParseUint(text, 10, 64); err != nil {
			t.Fatalf("%s: %v", envSeed, err)
		}
	}
	t.Logf("%s=%d", envSeed, n)
	return n
}
