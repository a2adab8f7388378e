package threephase

import (
	"os"
	"strconv"
	"testing"

	"lockstep/integration/cluster"
)

func TestMain(m *testing.M) { cluster.QuietMain(m) }

const (
	envThorough     = "LOCKSTEP_THOROUGH"
	envFrozenRounds = "LOCKSTEP_FROZEN_ROUNDS"
	envTokenRounds  = "LOCKSTEP_TOKEN_ROUNDS"
)

func thorough() bool { return os.Getenv(envThorough) != "" }

// rounds is a number from the environment.
func rounds(t *testing.T, name string, preset int) int {
	t.Helper()
	text := os.Getenv(name)
	if text == "" {
		return preset
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 {
		t.Fatalf("%s=%q is not a number above 0", name, text)
	}
	return n
}
