package session

import (
	"fmt"
	"testing"

	"lockstep/integration/cluster"
)

// TestDatabaseMadeAnew: a database that was dropped and made again is there for every session, over
// connections to the shards that were in the old one too.
func TestDatabaseMadeAnew(t *testing.T) {
	c := start(t, cluster.Options{})
	first := connect(t, c, "")
	for range 5 {
		first.exec("CREATE DATABASE anew")
		clients := []*client{connect(t, c, "anew"), connect(t, c, "anew")}
		for _, k := range clients {
			k.exec("CREATE TABLE IF NOT EXISTS p (id INT PRIMARY KEY, v INT)")
			k.exec("REPLACE INTO p VALUES (1, 1), (2, 2), (3, 3), (4, 4)")
		}
		clients[1].exec("DROP DATABASE anew")
	}
}

// TestOwnResultsHaveTypes: what the proxy answers itself has the types that a server's answer has.
func TestOwnResultsHaveTypes(t *testing.T) {
	c := start(t, cluster.Options{})
	k := connect(t, c, "")
	for query, want := range map[string][]string{
		"SHOW WARNINGS":          {"VARCHAR", "UNSIGNED INT", "VARCHAR"},
		"SHOW COUNT(*) WARNINGS": {"UNSIGNED BIGINT"},
		"SHOW PROCESSLIST":       {"BIGINT", "VARCHAR", "VARCHAR", "VARCHAR", "VARCHAR", "INT", "VARCHAR", "VARCHAR"},
	} {
		rows, err := k.conn.QueryContext(t.Context(), query)
		if err != nil {
			t.Fatal(err)
		}
		types, err := rows.ColumnTypes()
		if err != nil {
			t.Fatal(err)
		}
		if len(types) != len(want) {
			t.Fatalf("%s has %d columns, want %d", query, len(types), len(want))
		}
		for i, typ := range types {
			if typ.DatabaseTypeName() != want[i] {
				t.Errorf("%s: %s is %s, want %s", query, typ.Name(), typ.DatabaseTypeName(), want[i])
			}
		}
		if err := rows.Close(); err != nil {
			t.Error(err)
		}
	}
}

// TestSelectLimit: sql_select_limit is about the rows of the answer, not of each shard's part of it.
func TestSelectLimit(t *testing.T) {
	c := start(t, cluster.Options{})
	first := connect(t, c, "")
	first.exec("CREATE DATABASE d")
	k := connect(t, c, "d")
	k.exec("CREATE TABLE p (id INT PRIMARY KEY, v INT)")
	for id := range 30 {
		k.exec("INSERT INTO p VALUES (?, ?)", id, id%3)
	}
	k.exec("SET sql_select_limit = 2")
	for _, begin := range []bool{false, true} {
		if begin {
			k.exec("BEGIN")
		}
		for query, want := range map[string]string{
			"SELECT id FROM p ORDER BY id":                                "[0 1]",
			"SELECT id FROM p ORDER BY id DESC LIMIT 3":                   "[29 28 27]",
			"SELECT v, COUNT(*) FROM p GROUP BY v ORDER BY v":             "[0,10 1,10]",
			"SELECT DISTINCT v FROM p ORDER BY v DESC":                    "[2 1]",
			"SELECT COUNT(*) FROM p":                                      "[30]",
			"SELECT id FROM p WHERE id = 7 UNION SELECT 8 UNION SELECT 9": "[7 8]",
			"SELECT @@sql_select_limit":                                   "[2]",
		} {
			if got := fmt.Sprint(k.rows(query)); got != want {
				t.Errorf("%s: %s, want %s", query, got, want)
			}
		}
	}
	k.exec("SET sql_select_limit = DEFAULT")
	if got := len(k.rows("SELECT id FROM p")); got != 30 {
		t.Errorf("%d rows without a limit", got)
	}
}
