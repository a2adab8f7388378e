package chaos

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"
)

// TestCrash goes through the configurations until its time is over: make crash.
func TestCrash(t *testing.T) {
	limit := wantedTime(t)
	seed := wantedSeed(t)
	t.Logf("%s=%d", envSeed, seed)
	var only *configuration
	if text := os.Getenv(envConfig); text != "" {
		c, err := parseConfiguration(text)
		if err != nil {
			t.Fatalf("%s: %v", envConfig, err)
		}
		only = &c
	}
	total := newFigures()
	var lines []string
	until := time.Now().Add(limit)
	for i := 0; i == 0 || time.Now().Before(until); i++ {
		c, each := rotation(i), roundTime(limit)
		if only != nil {
			c, each = *only, limit
		}
		held := t.Run(c.String(), func(t *testing.T) {
			g := runOnce(t, c, seed+uint64(i), each)
			total.add(g)
			lines = append(lines, fmt.Sprintf("%s, seed %d: %s", c, seed+uint64(i), g))
		})
		if !held && only == nil {
			lines = append(lines, fmt.Sprintf("%s, seed %d: FAILED", c, seed+uint64(i)))
		}
	}
	t.Logf("by configuration:\n%s", strings.Join(lines, "\n"))
	t.Logf("%s=%d, in total: %s", envSeed, seed, total)
}

// TestQuick is a short run for every test run.
func TestQuick(t *testing.T) {
	if testing.Short() {
		t.Skip("it takes half a minute")
	}
	seed := wantedSeed(t)
	for i, text := range []string{"mariadb/2pc/2", "mariadb/3pc/2"} {
		c, err := parseConfiguration(text)
		if err != nil {
			t.Fatal(err)
		}
		t.Run(text, func(t *testing.T) { runOnce(t, c, seed+uint64(i), 9*time.Second) })
	}
}
