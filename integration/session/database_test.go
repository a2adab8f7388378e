package session

import (
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
