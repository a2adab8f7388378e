package chaos

import (
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"
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
	// Ctrl-C ends the run early and in order: servers outlive a test that is killed.
	ctx, cancel := signal.NotifyContext(t.Context(), os.Interrupt, syscall.SIGTERM)
	defer cancel()
	total := newFigures()
	var lines []string
	failed := 0
	until := time.Now().Add(limit)
	for i := 0; i == 0 || time.Until(until) > leastRound && ctx.Err() == nil && failed < maxFailed; i++ {
		c, each := rotation(i), min(roundTime(limit), time.Until(until))
		if only != nil {
			c, each = *only, limit
		}
		run := seed + uint64(i)
		if !t.Run(c.String(), func(t *testing.T) {
			g := runOnce(ctx, t, c, run, each)
			total.add(g)
			lines = append(lines, fmt.Sprintf("%s, seed %d: %s", c, run, g))
		}) {
			failed++
			lines = append(lines, fmt.Sprintf("%s, seed %d: FAILED", c, run))
		}
	}
	if len(lines) > 1 {
		t.Logf("by configuration:\n%s", strings.Join(lines, "\n"))
	}
	t.Logf("%s=%d, %d runs failed, in total: %s", envSeed, seed, failed, total)
}

const (
	maxFailed  = 3                // runs, and no more are tried: they would fail as well
	leastRound = 10 * time.Second // in less nothing would be shown
)

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
		t.Run(text, func(t *testing.T) { runOnce(t.Context(), t, c, seed+uint64(i), 6*time.Second) })
	}
}
