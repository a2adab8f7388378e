package config

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/cockroachdb/datadriven"
)

// leastText is the smallest file that passes.
const leastText = `
users: [{name: app, password: app}]
shards:
  - {name: s1, address: "127.0.0.1:3301", user: root}
  - {name: s2, address: "127.0.0.1:3302", user: root}
default_rule: {}
`

// TestFindings holds the text of every finding against testdata; each case is a
// whole file, or with "add" lines behind leastText's.
func TestFindings(t *testing.T) {
	datadriven.Walk(t, "testdata/findings", func(t *testing.T, path string) {
		datadriven.RunTest(t, path, func(t *testing.T, d *datadriven.TestData) string {
			input := d.Input
			switch d.Cmd {
			case "add":
				input = strings.TrimPrefix(leastText, "\n") + input
			case "parse":
			default:
				t.Fatalf("%s: unknown command %q", d.Pos, d.Cmd)
			}
			c, err := Parse("x.yaml", []byte(input))
			if err == nil {
				return "ok\n"
			}
			if c != nil {
				t.Errorf("%s: a configuration together with an error", d.Pos)
			}
			return err.Error() + "\n"
		})
	})
}

// TestComplete shows what a rule becomes when its defaults are filled in.
func TestComplete(t *testing.T) {
	datadriven.RunTest(t, "testdata/complete", func(t *testing.T, d *datadriven.TestData) string {
		c, err := Parse("/etc/lockstep/x.yaml", []byte(strings.TrimPrefix(leastText, "\n")+d.Input))
		if err != nil {
			return err.Error() + "\n"
		}
		var shown any
		switch d.Cmd {
		case "all":
			shown = c
		case "tables":
			shown = c.Schemas[0].Tables
		default:
			t.Fatalf("%s: unknown command %q", d.Pos, d.Cmd)
		}
		text, err := json.MarshalIndent(shown, "", " ")
		if err != nil {
			t.Fatal(err)
		}
		return string(text) + "\n"
	})
}

func TestLoadErrors(t *testing.T) {
	dir := t.TempDir()
	if _, err := Load(filepath.Join(dir, "none.yaml")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("missing file: %v", err)
	}
	big := filepath.Join(dir, "big.yaml")
	if err := os.WriteFile(big, make([]byte, MaxFileSize+1), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Load(big); err == nil || !strings.Contains(err.Error(), "larger than") {
		t.Errorf("oversized file: %v", err)
	}
	bad := filepath.Join(dir, "bad.yaml")
	if err := os.WriteFile(bad, []byte("users: 1\nshards: 2\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	var e *Error
	if _, err := Load(bad); !errors.As(err, &e) || len(e.Findings) != 3 || e.Findings[0].File != bad {
		t.Errorf("bad file: %v", err)
	}
}

func TestWindowsLineEnds(t *testing.T) {
	want, err := Parse("x", []byte(leastText))
	if err != nil {
		t.Fatal(err)
	}
	got, err := Parse("x", []byte(strings.ReplaceAll(leastText, "\n", "\r\n")))
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, %v", got, err)
	}
}

// FuzzParse looks for panics and for an error without findings.
func FuzzParse(f *testing.F) {
	example, err := os.ReadFile("example.yaml")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(example)
	f.Add([]byte(leastText))
	f.Add([]byte("a: &a [*a, *b]\nusers: *a\nshards: &x *x\n<<: *a\n? k\n: v\n!!str x: |\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		c, err := Parse("x.yaml", text)
		var e *Error
		switch {
		case err == nil && (len(c.Shards) == 0 || len(c.Users) == 0):
			t.Fatal("accepted without shards or users")
		case err != nil && (!errors.As(err, &e) || len(e.Findings) == 0 || e.Error() == ""):
			t.Fatalf("error without findings: %v", err)
		}
	})
}
