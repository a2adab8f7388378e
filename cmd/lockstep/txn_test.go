package main

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"lockstep/coordinator"
	"lockstep/proxy/admin"
	"lockstep/txlog"
)

// fakeResolver answers what a test gave it.
type fakeResolver struct {
	found   []coordinator.InDoubtTransaction
	listErr error
	refusal string // of a verdict without force
	actions []coordinator.Action
	dry     *bool
}

func (r *fakeResolver) InDoubt(context.Context) ([]coordinator.InDoubtTransaction, error) {
	return r.found, r.listErr
}

func (r *fakeResolver) Recover(_ context.Context, dry bool) ([]coordinator.Action, error) {
	r.dry = &dry
	return r.actions, r.listErr
}

func (r *fakeResolver) Settle(_ context.Context, gtrid string, v txlog.Verdict, force bool) ([]coordinator.Action, error) {
	if r.refusal != "" && !force {
		return nil, &coordinator.RefusedError{Reason: r.refusal}
	}
	return []coordinator.Action{{GTRID: gtrid, Shard: "s1", Verdict: v, Why: "operator's verdict"}}, nil
}

type fakeView struct{}

func (fakeView) Readiness() admin.Readiness { return admin.Readiness{Ready: true} }
func (fakeView) Status() admin.Status       { return admin.Status{} }
func (fakeView) Shards() []admin.Shard      { return nil }
func (fakeView) Sessions() []admin.Session  { return nil }

// startFakeAdmin serves an admin port with a real log, and makes it the one that commands find.
func startFakeAdmin(t *testing.T, r *fakeResolver) *txlog.Log {
	t.Helper()
	l, err := txlog.Open(txlog.Options{
		Path: filepath.Join(t.TempDir(), "log"), Identity: txlog.Identity{Cluster: "c", Coordinator: "p"}, Epoch: "e1",
	})
	if err != nil {
		t.Fatal(err)
	}
	quiet := slog.New(slog.DiscardHandler)
	s, err := admin.Start(admin.Options{
		Listen: "127.0.0.1:0", Token: "secret", Proxy: fakeView{}, Metrics: prometheus.NewRegistry(), Logger: quiet,
		Operator: &admin.Operator{Resolver: r, Log: l, Logger: quiet},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := errors.Join(s.Close(), l.Close()); err != nil {
			t.Error(err)
		}
	})
	t.Setenv(envAdmin, s.Addr())
	t.Setenv(envToken, "secret")
	return l
}

// expect runs a command and compares code and texts. "!" in front of a text: it must not be there.
func expect(t *testing.T, args []string, code int, out, errs string) string {
	t.Helper()
	gotCode, gotOut, gotErrs := call(t, args...)
	has := func(text, want string) bool {
		if not, ok := strings.CutPrefix(want, "!"); ok {
			return !strings.Contains(text, not)
		}
		return strings.Contains(text, want)
	}
	if gotCode != code || !has(gotOut, out) || !has(gotErrs, errs) || (errs == "") != (gotErrs == "") {
		t.Errorf("lockstep %s: exit code %d\nout: %s\nerr: %s", strings.Join(args, " "), gotCode, gotOut, gotErrs)
	}
	return gotOut
}

func words(s string) []string { return strings.Fields(s) }

func TestTxnUsage(t *testing.T) {
	for args, want := range map[string]string{
		"txn":                            "a verb is missing",
		"txn lits":                       `unknown verb "lits"`,
		"txn list more":                  `unexpected argument "more"`,
		"txn show":                       "GTRID is missing",
		"txn show a b":                   `unexpected argument "b"`,
		"txn commit":                     "GTRID is missing",
		"txn commit a --force":           "--force needs --reason",
		"txn commit a --reason x":        "--reason is for --force",
		"txn list --offline":             "--offline needs --config",
		"txn watch --interval 1ms":       "at least 100ms",
		"txn watch --offline":            "nothing changes",
		"recover now":                    `unexpected argument "now"`,
		"recover --offline":              "--offline needs --config",
		"log":                            "a verb is missing",
		"log dump --limit -1":            "--limit must be",
		"log dump --offline":             "--config FILE is missing",
		"log verify":                     "one of --config and --file",
		"log verify --file a --config b": "one of --config and --file",
		"txn audit a b":                  `unexpected argument "b"`,
		"txn forget a b --force":         `unexpected argument "b"`,
		"txn rollback --nonsense a":      "not defined: -nonsense",
		"txn list --offline --admin x --config " + configFile(t, "127.0.0.1:1", "127.0.0.1:2"): "exclude each other",
	} {
		expect(t, words(args), exitUsage, "", want)
	}
	for _, args := range []string{"txn list", "txn show", "txn commit", "txn rollback", "txn forget", "txn watch", "txn audit", "log dump", "log verify"} {
		for _, form := range []string{args + " --help", "help " + args} {
			if out := expect(t, words(form), exitOK, "Usage: lockstep "+args, ""); !strings.Contains(out, "3 refused") {
				t.Errorf("%s does not explain exit code 3", form)
			}
		}
	}
}

func TestTxnListOnline(t *testing.T) {
	r := &fakeResolver{}
	startFakeAdmin(t, r)
	expect(t, words("txn list"), exitOK, "No transaction is in doubt.", "")
	if out := expect(t, words("txn list --json"), exitOK, "", ""); out != "[]\n" {
		t.Errorf("empty list for programs: %q", out)
	}
	r.found = []coordinator.InDoubtTransaction{
		{GTRID: "c.p.e.1", Owner: coordinator.OwnerOlder, Decision: "commit", Plan: "commit", Why: "the log says commit", Since: time.Now().Add(-90 * time.Second),
			Branches: []coordinator.BranchState{{Shard: "s1", State: "prepared"}, {Shard: "s2", State: "not prepared"}}},
		{GTRID: "c.p.lost.2", Owner: coordinator.OwnerUnknown, Decision: "none", Plan: "leave alone", Why: "a\x1b[2Jlog\nwas lost"},
	}
	out := expect(t, words("txn list"), exitOK, "GTRID", "")
	lines := strings.Split(out, "\n")
	for i, want := range []string{
		`GTRID       AGE`,
		`c.p.e.1     1m30s  ours, older epoch  -     commit    s1: prepared, s2: not prepared  commit       the log says commit`,
		`c.p.lost.2  -      unknown epoch      -     none      -                               LEAVE ALONE  a?[2Jlog was lost`,
	} {
		if !strings.HasPrefix(lines[i], want) {
			t.Errorf("line %d: %q", i, lines[i])
		}
	}
	var list []admin.Transaction
	if err := json.Unmarshal([]byte(expect(t, words("txn list --json"), exitOK, "", "")), &list); err != nil || len(list) != 2 || list[0].GTRID != "c.p.e.1" {
		t.Errorf("%+v %v", list, err)
	}
	r.listErr = errors.Join(errors.New("shard s2 is away"))
	expect(t, words("txn list"), exitPartial, "c.p.e.1", "incomplete, what is prepared there is not shown: shard s2 is away")
	expect(t, words("txn show c.p.e.1"), exitPartial, "s2: not prepared", "shard s2 is away")
	expect(t, words("txn show c.p.e.9"), exitFailed, "", "the log does not know it")
}

func TestTxnVerbsOnline(t *testing.T) {
	r := &fakeResolver{refusal: "the log has no decision to commit it"}
	l := startFakeAdmin(t, r)
	expect(t, words("txn commit c.p.e.1"), exitRefused, "", "refused: the log has no decision")
	expect(t, words("txn commit --json c.p.e.1"), exitRefused, `"error": "the log has no decision`, "refused")
	expect(t, append(words("txn commit c.p.e.1 --force --who ann --reason"), "told so"), exitOK, "done", "")
	entries, err := l.AuditEntries()
	if err != nil || len(entries) != 1 || entries[0].Reason != "told so" || entries[0].Who != "ann from 127.0.0.1" {
		t.Errorf("audit %+v %v", entries, err)
	}
	r.refusal = ""
	expect(t, words("txn rollback c.p.e.2"), exitOK, "rollback", "")
	expect(t, words("txn forget c.p.e.3"), exitFailed, "", "the log does not know it")
	d := txlog.Decision{GTRID: "c.p.e.3", Verdict: txlog.Commit, Mode: "2pc", Participants: []string{"s1"}, Time: time.Now(), Token: "tok"}
	if err := l.Append(t.Context(), d); err != nil {
		t.Fatal(err)
	}
	expect(t, words("txn forget c.p.e.3"), exitRefused, "", "s1: it is not configured")
	out := expect(t, words("log dump"), exitOK, "c.p.e.3", "")
	for _, want := range []string{"told so", "cluster c, coordinator p", "tok", "1, newest e1"} {
		if !strings.Contains(out, want) {
			t.Errorf("log dump lacks %q:\n%s", want, out)
		}
	}
	expect(t, words("txn forget --dry-run c.p.e.3"), exitRefused, "", "s1: it is not configured")
	expect(t, words("txn forget --dry-run --force c.p.e.3"), exitOK, "By force, against the rules", "")
	expect(t, words("txn commit --dry-run c.p.e.3"), exitUsage, "", "a dry run of this verb is not possible here")
	expect(t, words("txn audit"), exitOK, "told so", "")
	expect(t, words("txn audit c.p.e.1 --json"), exitOK, `"who": "ann from 127.0.0.1"`, "")
	expect(t, words("txn audit c.p.e.3"), exitOK, "No verdict was forced.", "")
	expect(t, words("log dump --audit"), exitOK, "told so", "")
	expect(t, words("log dump --limit 0"), exitOK, "!c.p.e.3", "")
	expect(t, words("log dump --json"), exitOK, `"total_decisions": 1`, "")
}

func TestRecoverOnline(t *testing.T) {
	r := &fakeResolver{actions: []coordinator.Action{
		{GTRID: "c.p.e.1", Shard: "s1", Verdict: txlog.Commit, Why: "the log says commit"},
		{GTRID: "c.p.e.1", Shard: "s2", Verdict: txlog.Commit, Why: "the log says commit"},
	}}
	startFakeAdmin(t, r)
	expect(t, words("recover --dry-run"), exitOK, "to be done", "")
	if r.dry == nil || !*r.dry {
		t.Fatal("the dry run was none")
	}
	expect(t, words("recover"), exitOK, "done", "")
	if *r.dry {
		t.Fatal("only a dry run")
	}
	r.actions[1].Err = "connection lost"
	expect(t, words("recover"), exitPartial, "connection lost", "1 of 2 branches are not settled yet")
	r.listErr = errors.New("shard s3 is away")
	expect(t, words("recover"), exitPartial, "connection lost", "shard s3 is away")
	expect(t, words("recover --json"), exitPartial, `"error": "recover: shard s3 is away"`, "shard s3 is away")
	r.actions, r.listErr = nil, nil
	expect(t, words("recover"), exitOK, "nothing to do", "")
}

func TestTxnWatch(t *testing.T) {
	r := &fakeResolver{found: []coordinator.InDoubtTransaction{{GTRID: "c.p.e.1", Plan: "commit"}}}
	startFakeAdmin(t, r)
	ctx, cancel := context.WithTimeout(t.Context(), 400*time.Millisecond)
	defer cancel()
	var out, errs strings.Builder
	code := run(ctx, terminal{&out, &errs}, words("txn watch --interval 100ms"))
	if n := strings.Count(out.String(), "c.p.e.1"); code != exitOK || n < 2 || errs.String() != "" {
		t.Errorf("exit code %d, %d looks, %s", code, n, errs.String())
	}
}

func TestNoProxyThere(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l.Close()
	for _, args := range []string{"txn list", "txn commit x", "recover", "log dump"} {
		expect(t, append(words(args), "--admin", l.Addr().String()), exitFailed, "", "no proxy answers at "+l.Addr().String())
	}
	startFakeAdmin(t, &fakeResolver{})
	expect(t, words("txn list --token wrong"), exitFailed, "", "bearer token")
}

// The configuration file names the admin port, which may listen everywhere.
func TestReachable(t *testing.T) {
	for listen, want := range map[string]string{
		"0.0.0.0:1": "127.0.0.1:1", ":1": "127.0.0.1:1", "[::]:1": "[::1]:1", "10.0.0.1:1": "10.0.0.1:1", "localhost:1": "localhost:1",
	} {
		if got := reachable(listen); got != want {
			t.Errorf("%s: %s", listen, got)
		}
	}
}
