package main

import (
	"encoding/json"
	"strings"
	"testing"
)

func TestExplainUsage(t *testing.T) {
	config := configFile(t, "127.0.0.1:1", "127.0.0.1:2")
	expect(t, words("explain x"), exitUsage, "", "--config is missing")
	expect(t, words("explain --config "+config), exitUsage, "", "statement is missing")
	expect(t, words("explain x y --config "+config), exitUsage, "", `unexpected argument "y"`)
	expect(t, append(words("explain --config "+config), "SELECT 1"), exitFailed, "", "read the tables' definitions")
}

// explainRealTables explains statements on table bank.t of real shards.
func explainRealTables(t *testing.T, config string) {
	explain := func(sql string, more ...string) []string {
		return append(append([]string{"explain", "--config", config, "--database", "bank"}, more...), sql)
	}
	lines := func(sql, step string) (n int) {
		var list []explained
		out := expect(t, explain(sql, "--json"), exitOK, step, "")
		if err := json.Unmarshal([]byte(out), &list); err != nil {
			t.Fatal(err)
		}
		for _, x := range list {
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
