package main

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// call runs a command in this process.
func call(t *testing.T, args ...string) (code int, out, errs string) {
	t.Helper()
	var o, e bytes.Buffer
	code = run(t.Context(), terminal{&o, &e}, args)
	return code, o.String(), e.String()
}

func TestExitCodes(t *testing.T) {
	for _, c := range []struct {
		args string
		code int
		out  string
		errs string
	}{
		{"", exitUsage, "", "Commands:"},
		{"help", exitOK, "Commands:", ""},
		{"--help", exitOK, "check-config", ""},
		{"nonsense", exitUsage, "", `unknown command "nonsense"`},
		{"help nonsense", exitUsage, "", `unknown command "nonsense"`},
		{"version", exitOK, "lockstep ", ""},
		{"--version", exitOK, "lockstep ", ""},
		{"version now", exitUsage, "", `unexpected argument "now"`},
		{"serve", exitUsage, "", "--config is missing"},
		{"serve --nonsense", exitUsage, "", "not defined: -nonsense"},
		{"serve --config /none --log-format xml", exitUsage, "", "unknown log format"},
		{"serve --config /none --log-level loud", exitUsage, "", "invalid value"},
		{"serve --config /none", exitFailed, "", "no such file"},
		{"check-config", exitUsage, "", "FILE is missing"},
		{"check-config --config a b", exitUsage, "", "two files"},
		{"check-config ../../config/example.yaml", exitOK, "3 shards, 3 users, 8 tables", ""},
		{"check-config --config /none", exitFailed, "", "no such file"},
		{"check-config --config ../../config/example.yaml", exitOK, "3 shards, 3 users, 8 tables", ""},
		{"dev stop --dir /none", exitFailed, "", "there is no folder /none"},
		{"dev stop now", exitUsage, "", `unexpected argument "now"`},
	} {
		t.Run(c.args, func(t *testing.T) {
			code, out, errs := call(t, strings.Fields(c.args)...)
			if code != c.code || !strings.Contains(out, c.out) || !strings.Contains(errs, c.errs) {
				t.Errorf("exit code %d\nout: %s\nerr: %s", code, out, errs)
			}
			if (c.out == "") != (out == "") || (c.errs == "") != (errs == "") {
				t.Errorf("said it in the wrong place\nout: %s\nerr: %s", out, errs)
			}
		})
	}
}

// Each command explains itself, and names the exit codes.
func TestHelpOfEachCommand(t *testing.T) {
	for _, c := range commands {
		for _, form := range []string{c.name + " --help", c.name + " -h", "help " + c.name} {
			code, out, errs := call(t, strings.Fields(form)...)
			if code != exitOK || errs != "" || !strings.HasPrefix(out, "Usage: lockstep "+c.name) || !strings.Contains(out, "Exit codes") {
				t.Errorf("%s: exit code %d\nout: %s\nerr: %s", form, code, out, errs)
			}
		}
	}
}

func TestCheckConfigFindings(t *testing.T) {
	file := filepath.Join(t.TempDir(), "bad.yaml")
	if err := os.WriteFile(file, []byte("lisen: x\nusers: []\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	code, out, errs := call(t, "check-config", file)
	if code != exitFailed || out != "" || !strings.Contains(errs, "4 findings\n"+file+":1:1: ") || !strings.Contains(errs, "    1 | lisen: x\n      | ^\n") {
		t.Errorf("exit code %d\nout: %s\nerr: %s", code, out, errs)
	}
	code, out, _ = call(t, "check-config", "--json", file)
	var list []finding
	if err := json.Unmarshal([]byte(out), &list); err != nil || code != exitFailed || len(list) != 4 || list[3].Line != 2 {
		t.Errorf("exit code %d, %v\n%s", code, err, out)
	}
	code, out, _ = call(t, "check-config", "--json", "--config", "../../config/example.yaml")
	if code != exitOK || out != "[]\n" {
		t.Errorf("exit code %d\n%s", code, out)
	}
}

// serve says all findings and starts nothing.
func TestServeRefusesBadConfig(t *testing.T) {
	file := filepath.Join(t.TempDir(), "bad.yaml")
	if err := os.WriteFile(file, []byte("listen: x\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	var o, e bytes.Buffer
	if code := run(ctx, terminal{&o, &e}, []string{"serve", "--config", file}); code != exitFailed || !strings.Contains(e.String(), "no users") {
		t.Errorf("exit code %d: %s", code, e.String())
	}
}
