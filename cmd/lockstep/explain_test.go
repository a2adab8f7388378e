package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"lockstep/sharding"
)

func TestExplainUsage(t *testing.T) {
	config := configFile(t, "127.0.0.1:1", "127.0.0.1:2")
	expect(t, words("explain x"), exitUsage, "", "--config is missing")
	expect(t, words("explain --config "+config), exitUsage, "", "statement is missing")
	expect(t, words("explain x y --config "+config), exitUsage, "", `unexpected argument "y"`)
	expect(t, append(words("explain --config "+config), "SELECT 1"), exitFailed, "", "read the tables' definitions")
}

// TestExplainWithoutServer plans with definitions of a file: no shard of the configuration is there.
func TestExplainWithoutServer(t *testing.T) {
	config := configFile(t, "127.0.0.1:1", "127.0.0.1:2")
	file := filepath.Join(t.TempDir(), "tables.sql")
	if err := os.WriteFile(file, []byte("CREATE TABLE t (id INT PRIMARY KEY, v INT); CREATE TABLE o (t_id INT PRIMARY KEY, x INT)"), 0o600); err != nil {
		t.Fatal(err)
	}
	explain := func(sql string, more ...string) []string {
		return append([]string{"explain", "--config", config, "--database", "bank", "--tables", file, sql}, more...)
	}
	expect(t, explain("SELECT * FROM t WHERE id = 7"), exitOK, "the shard key names one shard", "")
	var plan sharding.Explanation
	out := expect(t, explain("SELECT v, COUNT(*) FROM t JOIN o ON t_id = id GROUP BY v", "--json"), exitOK, "", "")
	if err := json.Unmarshal([]byte(out), &plan); err != nil {
		t.Fatal(err)
	}
	if len(plan.Shards) != 2 || plan.Merge == nil || !plan.Merge.Grouped || len(plan.Merge.Aggregates) != 1 || plan.Kind != "select" {
		t.Errorf("plan: %s", out)
	}
	expect(t, explain("SELEC 1"), exitRefused, "", "error 1064")
	expect(t, append(words("explain --tables /nowhere.sql --config "+config), "SELECT 1"), exitFailed, "", "read the tables' definitions")
	if err := os.WriteFile(file, []byte("CREATE TABLE t (id INT, 'x"), 0o600); err != nil {
		t.Fatal(err)
	}
	expect(t, explain("SELECT 1"), exitFailed, "", "read the tables' definitions in")
}

// explainRealTables explains statements on table bank.t of real shards.
func explainRealTables(t *testing.T, config string) {
	explain := func(sql string, more ...string) []string {
		return append(append([]string{"explain", "--config", config, "--database", "bank"}, more...), sql)
	}
	lines := func(sql, step string) (n int) {
		var plan sharding.Explanation
		out := expect(t, explain(sql, "--json"), exitOK, step, "")
		if err := json.Unmarshal([]byte(out), &plan); err != nil {
			t.Fatal(err)
		}
		for _, x := range plan.Steps {
			if x.Step == step {
				n++
			}
		}
		return n
	}
	if n := lines("SELECT * FROM t WHERE id = 7", "read"); n != 1 {
		t.Errorf("a row is on %d shards", n)
	}
	if n := lines("SELECT COUNT(*) FROM t", "read"); n != 2 {
		t.Errorf("all rows are on %d shards", n)
	}
	if n := lines("DELETE FROM t", "write"); n != 2 {
		t.Errorf("all rows are deleted on %d shards", n)
	}
	out := expect(t, explain("SELECT * FROM t\nWHERE id = 7"), exitOK, "STEP", "")
	if !strings.Contains(out, "SELECT * FROM t WHERE id = 7") {
		t.Errorf("plan:\n%s", out)
	}
	expect(t, explain("SELEC 1"), exitRefused, "", "error 1064")
}
