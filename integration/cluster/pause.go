package cluster

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// Pause holds one commit of the proxy at a named step, so that a test can act at that moment.
type Pause struct {
	dir  string
	step string
}

// NewPause is for the step STEP[:K[:ROUND]] of cmd/lockstep's failpoints.
func NewPause(t testing.TB, step string) *Pause {
	t.Helper()
	return &Pause{dir: t.TempDir(), step: step}
}

// Env is what StartProxy needs.
func (p *Pause) Env() []string {
	return []string{"LOCKSTEP_FAILPOINT=" + p.step, "LOCKSTEP_FAILPOINT_PAUSE=" + p.dir}
}

// Wait returns when a commit has reached the step, and holds there.
func (p *Pause) Wait(limit time.Duration) error {
	deadline := time.Now().Add(limit)
	for {
		if _, err := os.Stat(filepath.Join(p.dir, "reached")); err == nil {
			return nil
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("no commit reached %s within %v", p.step, limit)
		}
		time.Sleep(2 * time.Millisecond)
	}
}

// Go lets the commit go on.
func (p *Pause) Go() error {
	if err := os.WriteFile(filepath.Join(p.dir, "go"), nil, 0o600); err != nil {
		return fmt.Errorf("let the commit go on: %w", err)
	}
	return nil
}
