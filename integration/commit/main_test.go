package commit

import (
	"os"
	"strconv"
	"testing"
	"time"

	"lockstep/integration/cluster"
)

func TestMain(m *testing.M) { cluster.QuietMain(m) }

// envSeed is the seed of the random choices; default the clock.
const envSeed = "LOCKSTEP_CRASH_SEED"

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
