package commit

import (
	"bytes"
	"context"
	"encoding/binary"
	"hash/fnv"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"lockstep/coordinator"
	"lockstep/integration/cluster"
)

// A log that is not whole, or not this proxy's, is refused at start with the reason.
func TestLogRefused(t *testing.T) {
	w := newWorld(t, cluster.Options{})
	w.StartProxy()
	a := w.makeAccounts(24, 1000)
	w.StopProxy()
	// A commit decided and not finished: a log that is half read would lose it.
	at := w.dieAt(t, a, stepOf(2, coordinator.StepDecisionDurable, 0))
	whole, err := os.ReadFile(w.LogPath())
	if err != nil {
		t.Fatal(err)
	}
	config, err := os.ReadFile(w.ConfigPath())
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name   string
		log    func([]byte) []byte
		config func(string) string
		want   []string
	}{
		{name: "cut short", log: func(b []byte) []byte { return b[:3*os.Getpagesize()] }, want: []string{"damaged", "cut short"}},
		{name: "cut to nothing", log: func(b []byte) []byte { return nil }, want: []string{"damaged", "cut short"}},
		{name: "a bit flipped in the decision", log: flipIn("test.p1."), want: []string{"damaged"}},
		{name: "a bit flipped in the identity", log: flipIn("coordinator"), want: []string{"damaged"}},
		{name: "a bit flipped in a meta page", log: func(b []byte) []byte { b[40] ^= 1; return b }, want: []string{"damaged", "meta page 0"}},
		{name: "something else", log: func(b []byte) []byte { return bytes.Repeat([]byte("not a log\n"), 4096) }, want: []string{"damaged"}},
		{name: "another version", log: otherVersion, want: []string{"format bbolt 3", "reads bbolt 2"}},
		{name: "another coordinator", config: replace("coordinator: p1", "coordinator: p2"), want: []string{`coordinator "p1"`, `coordinator "p2"`}},
		{name: "another cluster", config: replace("cluster: test", "cluster: other"), want: []string{`cluster "test"`, `cluster "other"`}},
	} {
		t.Run(c.name, func(t *testing.T) {
			log, text := bytes.Clone(whole), string(config)
			if c.log != nil {
				if log = c.log(log); bytes.Equal(log, whole) {
					t.Fatal("the case changes nothing")
				}
			}
			if c.config != nil {
				text = c.config(text)
			}
			if err := os.WriteFile(w.LogPath(), log, 0o600); err != nil {
				t.Fatal(err)
			}
			path := filepath.Join(t.TempDir(), "lockstep.yaml")
			if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			w.refusesToStart(t, path, c.want...)
			if after, err := os.ReadFile(w.LogPath()); err != nil || !bytes.Equal(after, log) {
				t.Errorf("the refused log was changed (%v)", err)
			}
			if list, err := w.ours(w.all(), ""); err != nil || len(list) != 2 {
				t.Errorf("prepared after the refusal: %v (%v), want both branches as they were", list, err)
			}
		})
	}
	t.Run("held by another process", func(t *testing.T) {
		if err := os.WriteFile(w.LogPath(), whole, 0o600); err != nil {
			t.Fatal(err)
		}
		w.StartProxy()
		path := filepath.Join(t.TempDir(), "lockstep.yaml")
		text := strings.ReplaceAll(string(config), "listen: 127.0.0.1:", "listen: 127.0.0.2:")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		w.refusesToStart(t, path, "in use by")
	})
	t.Run("the whole one is taken", func(t *testing.T) {
		w.settledIn(t, w.all(), settleLimit)
		at.check(t, true)
		w.logIsEmptyAfterStop(t)
	})
	t.Run("no folder", func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "lockstep.yaml")
		if err := os.WriteFile(path, bytes.ReplaceAll(config, []byte(w.LogPath()), []byte(filepath.Join(w.Dir, "nowhere", "decisions.db"))), 0o600); err != nil {
			t.Fatal(err)
		}
		if said := w.refuses(t, path); !containsAll(said, "nowhere", "no such file or directory") {
			t.Errorf("the proxy says %q", said)
		}
	})
}

func replace(from, to string) func(string) string {
	return func(s string) string { return strings.ReplaceAll(s, from, to) }
}

// flipIn flips one bit in each copy of a text: pages that are not in use any more hold some, too.
func flipIn(text string) func([]byte) []byte {
	return func(b []byte) []byte {
		for i := 0; ; i++ {
			next := bytes.Index(b[i:], []byte(text))
			if next < 0 {
				return b
			}
			i += next
			b[i+2] ^= 0x04
		}
	}
}

// otherVersion is a file of a bbolt to come, with meta pages that are whole: layout in
// go.etcd.io/bbolt/internal/common/meta.go, behind a page header of 16 bytes.
func otherVersion(b []byte) []byte {
	for page := range 2 {
		meta := b[page*os.Getpagesize()+16:]
		binary.NativeEndian.PutUint32(meta[4:], 3)
		h := fnv.New64a()
		h.Write(meta[:56])
		binary.NativeEndian.PutUint64(meta[56:], h.Sum64())
	}
	return b
}

// refusesToStart runs the proxy, which must end by itself with a message that names the log and has all words.
func (w *world) refusesToStart(t *testing.T, config string, words ...string) {
	t.Helper()
	if said := w.refuses(t, config); !containsAll(said, append(words, w.LogPath())...) {
		t.Errorf("the proxy says %q, want it to name %s and %q", said, w.LogPath(), words)
	}
}

func (w *world) refuses(t *testing.T, config string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	cmd := exec.CommandContext(ctx, cluster.Binary(t), "serve", "--config", config)
	said, err := cmd.CombinedOutput()
	switch {
	case ctx.Err() != nil:
		t.Errorf("the proxy runs with a log that it should refuse")
	case err == nil || cmd.ProcessState.ExitCode() != 1:
		t.Errorf("the proxy ended with %v, want exit code 1", err)
	}
	return string(said)
}
