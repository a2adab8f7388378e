package main

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"lockstep/backend"
	"lockstep/coordinator"
	"lockstep/localdb"
	"lockstep/proxy/admin"
	"lockstep/txlog"
)

// configFile writes a configuration of cluster c, coordinator p with two shards.
func configFile(t *testing.T, s1, s2 string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "lockstep.yaml")
	text := fmt.Sprintf(`
listen: 127.0.0.1:0
admin: {listen: "127.0.0.1:0"}
cluster: c
coordinator: p
users: [{name: app, password: app}]
shards:
  - {name: s1, address: %q, user: lockstep, password: lockstep}
  - {name: s2, address: %q, user: lockstep, password: lockstep}
default_rule: {kind: sharded}
timeouts: {dial: 1s}
`, s1, s2)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

const servedEpoch = "oldepoch1234"

// leaveLog makes the log that a proxy left behind, with decisions to commit.
func leaveLog(t *testing.T, config string, commit ...string) string {
	t.Helper()
	path := filepath.Join(filepath.Dir(config), "lockstep.db")
	l, err := txlog.Open(txlog.Options{Path: path, Identity: txlog.Identity{Cluster: "c", Coordinator: "p"}, Epoch: servedEpoch})
	if err != nil {
		t.Fatal(err)
	}
	for _, g := range commit {
		d := txlog.Decision{GTRID: g, Verdict: txlog.Commit, Mode: "2pc", Participants: []string{"s1", "s2"}, Time: time.Now().Add(-time.Hour)}
		if err := l.Append(t.Context(), d); err != nil {
			t.Fatal(err)
		}
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestOfflineWithoutShards(t *testing.T) {
	config := configFile(t, "127.0.0.1:1", "127.0.0.1:2") // nobody is there
	off := func(args string) []string { return append(words(args), "--config", config, "--offline") }
	expect(t, off("txn list"), exitFailed, "", "there is no decision log")
	expect(t, off("recover"), exitFailed, "", "there is no decision log")
	path := leaveLog(t, config, "c.p."+servedEpoch+".1")
	expect(t, off("log dump"), exitOK, "c.p."+servedEpoch+".1", "")
	expect(t, words("log verify --config "+config), exitOK, "is whole: cluster c, coordinator p, 1 epochs, 1 decisions (1 commit, 0 rollback), 0 audit entries", "")
	expect(t, words("log verify --json --file "+path), exitOK, `"commit_decisions": 1`, "")
	expect(t, off("txn list"), exitPartial, "1h0m0s", "incomplete")
	expect(t, off("txn forget c.p."+servedEpoch+".1"), exitRefused, "", "whether a branch of it is prepared is not known")
	expect(t, off("txn forget c.p."+servedEpoch+".1 --force --reason burnt"), exitOK, "forget", "")
	expect(t, off("log dump"), exitOK, "burnt", "")
	expect(t, words("log verify --config "+config), exitOK, "0 decisions (0 commit, 0 rollback), 1 audit entries", "")
}

func TestOfflineWhileTheProxyRuns(t *testing.T) {
	config := configFile(t, "127.0.0.1:1", "127.0.0.1:2")
	path := leaveLog(t, config)
	l, err := txlog.Open(txlog.Options{Path: path, Identity: txlog.Identity{Cluster: "c", Coordinator: "p"}, Epoch: "running"})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	holder := fmt.Sprintf("in use by process %d", os.Getpid())
	for _, args := range []string{"txn list --offline", "txn commit x --offline", "recover --offline", "recover --dry-run --offline", "log dump --offline", "log verify"} {
		expect(t, append(words(args), "--config", config), exitRefused, "", holder)
	}
}

func TestForeignAndDamagedLogs(t *testing.T) {
	config := configFile(t, "127.0.0.1:1", "127.0.0.1:2")
	path := leaveLog(t, config, "c.p."+servedEpoch+".1")
	text, err := os.ReadFile(config)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(config, bytes.Replace(text, []byte("coordinator: p"), []byte("coordinator: q"), 1), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, args := range []string{"txn list --offline", "recover --offline", "log dump --offline", "log verify"} {
		expect(t, append(words(args), "--config", config), exitFailed, "", `belongs to cluster "c" coordinator "p"`)
	}
	file, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	at := bytes.Index(file, []byte("c.p."+servedEpoch))
	file[at] ^= 1
	if err := os.WriteFile(path, file, 0o600); err != nil {
		t.Fatal(err)
	}
	expect(t, words("log verify --file "+path), exitFailed, "0 decisions", "is damaged")
	expect(t, append(words("recover --offline --config"), config), exitFailed, "", "is damaged")
	if after, err := os.ReadFile(path); err != nil || !bytes.Equal(after, file) {
		t.Errorf("the damaged log was changed: %v", err)
	}
}

func TestSalvageOfALog(t *testing.T) {
	path := leaveLog(t, configFile(t, "127.0.0.1:1", "127.0.0.1:2"), "c.p."+servedEpoch+".1")
	fresh := path + ".salvaged"
	expect(t, words("log salvage"), exitUsage, "", "OLD is missing")
	expect(t, words("log salvage "+path), exitUsage, "", "NEW is missing")
	expect(t, words("log salvage --dry-run a b"), exitUsage, "", "one word too many")
	expect(t, words("log salvage --dry-run nowhere"), exitFailed, "", "no such file")
	expect(t, words("log salvage "+path+" "+fresh), exitRefused, "", "it is whole")
	file, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	file[40] ^= 1 // in a meta page
	if err := os.WriteFile(path, file, 0o600); err != nil {
		t.Fatal(err)
	}
	expect(t, words("log verify --file "+path), exitFailed, "meta page 0 has a checksum that does not match", "what is left of it: log salvage OLD NEW")
	expect(t, words("log verify --json --file "+path), exitFailed, `"commit_decisions": 1`, "is damaged")
	expect(t, words("log salvage --dry-run "+path), exitOK, "1 decisions (1 commit, 0 rollback)", "")
	expect(t, append(words("log salvage --who ann "+path+" "+fresh+" --reason"), "bad disk"), exitOK, "is whole", "")
	expect(t, words("log salvage "+path+" "+fresh), exitRefused, "", "file already exists")
	expect(t, words("log verify --file "+fresh), exitOK, "is whole: cluster c, coordinator p, 0 epochs, 1 decisions (1 commit, 0 rollback), 1 audit entries", "")
}

// leaveBranch prepares one by hand; its connection leaves it.
func leaveBranch(t *testing.T, s *localdb.Server, format int, gtrid, shard string, id int) {
	t.Helper()
	xid := fmt.Sprintf("'%s','%s',%d", gtrid, shard, format)
	err := s.Exec(t.Context(), "XA START "+xid, fmt.Sprintf("INSERT INTO bank.t VALUES (%d)", id), "XA END "+xid, "XA PREPARE "+xid)
	if err != nil {
		t.Fatal(err)
	}
}

func TestOfflineAgainstRealShards(t *testing.T) {
	if err := localdb.Installed(); err != nil {
		t.Skip(err)
	}
	dir := t.TempDir()
	servers, err := localdb.StartAll(t.Context(), []localdb.Options{
		{Name: "s1", Dir: filepath.Join(dir, "s1")}, {Name: "s2", Dir: filepath.Join(dir, "s2")},
	}, func(*localdb.Server) {})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		for _, s := range servers {
			if err := s.Kill(); err != nil {
				t.Error(err)
			}
		}
	})
	dbs := make([]*sql.DB, len(servers))
	for i, s := range servers {
		if err := s.AddUser(t.Context(), "lockstep", "lockstep"); err != nil {
			t.Fatal(err)
		}
		if err := s.Exec(t.Context(), "CREATE DATABASE bank", "CREATE TABLE bank.t (id INT PRIMARY KEY)"); err != nil {
			t.Fatal(err)
		}
		if dbs[i], err = s.Root(); err != nil {
			t.Fatal(err)
		}
		defer dbs[i].Close()
	}
	const ours = coordinator.FormatID
	decided, undecided, half := "c.p."+servedEpoch+".1", "c.p."+servedEpoch+".2", "c.p."+servedEpoch+".3"
	lost, other := "c.p.lostlostlost.4", "c.q."+servedEpoch+".5"
	for i, name := range []string{"s1", "s2"} {
		leaveBranch(t, servers[i], ours, decided, name, 1)
		leaveBranch(t, servers[i], ours, undecided, name, 2)
		leaveBranch(t, servers[i], ours, lost, name, 4)
	}
	leaveBranch(t, servers[0], ours, half, "s1", 3)
	leaveBranch(t, servers[1], ours, other, "s2", 5)
	leaveBranch(t, servers[0], 1, "stranger", "b", 6)

	config := configFile(t, servers[0].Address(), servers[1].Address())
	path := leaveLog(t, config, decided)
	before, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	off := func(args string) []string { return append(words(args), "--config", config, "--offline") }
	rows := func(db int, want string) {
		t.Helper()
		var have string
		if err := dbs[db].QueryRowContext(t.Context(), "SELECT COALESCE(GROUP_CONCAT(id ORDER BY id), '') FROM bank.t").Scan(&have); err != nil || have != want {
			t.Errorf("rows of s%d: %q %v, expected %q", db+1, have, err, want)
		}
	}

	var list []admin.Transaction
	if err := json.Unmarshal([]byte(expect(t, off("txn list --json"), exitOK, "", "")), &list); err != nil {
		t.Fatal(err)
	}
	plans := map[string]string{}
	for _, x := range list {
		plans[x.GTRID] = x.Owner + ": " + x.Plan
	}
	for g, want := range map[string]string{
		decided: "ours, older epoch: commit", undecided: "ours, older epoch: roll back", half: "ours, older epoch: roll back",
		lost: "unknown epoch: leave alone", other: "other coordinator: leave alone", "stranger": "stranger: leave alone",
	} {
		if plans[g] != want {
			t.Errorf("%s: %q, expected %q", g, plans[g], want)
		}
	}
	out := expect(t, off("recover --dry-run"), exitOK, "Dry run", "1 transaction stays in doubt")
	if strings.Count(out, "to be done") != 5 {
		t.Errorf("dry run:\n%s", out)
	}
	if after, err := os.ReadFile(path); err != nil || !bytes.Equal(after, before) {
		t.Errorf("looking changed the log: %v", err)
	}
	rows(0, "")

	expect(t, off("txn rollback --dry-run "+decided), exitRefused, "", "refused: the log says commit")
	expect(t, off("txn commit --dry-run "+decided), exitOK, "to be done", "")
	expect(t, off("txn commit --dry-run --force "+lost), exitOK, "By force", "")
	expect(t, off("txn rollback --dry-run --force stranger"), exitRefused, "", "strangers are never touched")
	if after, err := os.ReadFile(path); err != nil || !bytes.Equal(after, before) {
		t.Errorf("dry runs changed the log: %v", err)
	}
	expect(t, off("txn show "+decided), exitOK, "may be this one", "")
	expect(t, off("txn rollback "+decided), exitRefused, "", "refused: the log says commit")
	expect(t, off("txn commit "+half), exitRefused, "", "the log has no decision to commit it")
	expect(t, off("txn commit stranger"), exitRefused, "", "strangers are never touched")
	expect(t, off("txn commit stranger --force --reason r"), exitRefused, "", "strangers are never touched")
	rows(0, "")

	// A proxy with another copy of this log has the coordinator's id.
	rival := backend.NewShard(backend.Options{Name: "s2", Address: servers[1].Address(), User: "lockstep", Password: "lockstep"})
	name := rival.HoldName(t.Context(), "lockstep.c.p", func(backend.NameStatus) {})
	expect(t, off("recover"), exitRefused, "", "another proxy runs as coordinator c.p")
	rows(0, "")
	name.Release()
	if err := rival.Close(); err != nil {
		t.Fatal(err)
	}

	out = expect(t, off("recover"), exitOK, "done", "1 transaction stays in doubt")
	if strings.Count(out, "done") != 5 {
		t.Errorf("recover:\n%s", out)
	}
	rows(0, "1")
	rows(1, "1")

	expect(t, off("txn commit "+lost), exitRefused, "", "a log was lost or replaced")
	expect(t, append(off("txn commit "+lost+" --who ann --force"), "--reason", "backup says so"), exitOK, "done", "")
	rows(0, "1,4")
	rows(1, "1,4")
	expect(t, off("txn show "+lost), exitOK, "ann: backup says so", "")
	expect(t, words("log verify --config "+config), exitOK, "audit entries", "")

	if out = expect(t, off("txn list"), exitOK, "stranger", ""); !strings.Contains(out, other) || strings.Contains(out, decided) || strings.Contains(out, lost) {
		t.Errorf("left:\n%s", out)
	}
	explainRealTables(t, config)
	stop, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	if err := servers[1].Stop(stop); err != nil {
		t.Fatal(err)
	}
	expect(t, off("txn list"), exitPartial, "stranger", "shard s2")
	expect(t, off("recover"), exitPartial, "", "shard s2")
}
