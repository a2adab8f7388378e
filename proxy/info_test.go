package proxy

import (
	"strings"
	"testing"

	"lockstep/backend"
)

func TestAddInfo(t *testing.T) {
	for _, c := range []struct{ a, b, want string }{
		{"", "", ""},
		{"Rows matched: 2  Changed: 1  Warnings: 0", "Rows matched: 3  Changed: 3  Warnings: 1", "Rows matched: 5  Changed: 4  Warnings: 1"},
		{"Records: 10  Duplicates: 0  Warnings: 0", "Records: 5  Duplicates: 2  Warnings: 0", "Records: 15  Duplicates: 2  Warnings: 0"},
		{"Rows matched: 2  Changed: 1  Warnings: 0", "", "Rows matched: 2  Changed: 1  Warnings: 0"},
		{"something else", "Records: 5", "something else"},
	} {
		if got := addInfo(c.a, c.b); got != c.want {
			t.Errorf("addInfo(%q, %q) = %q, want %q", c.a, c.b, got, c.want)
		}
	}
}

func TestQuoteIsPlainOrHexadecimal(t *testing.T) {
	for in, want := range map[string]string{
		"utf8mb4": "'utf8mb4'",
		"":        "''",
		"it's":    "_utf8mb4 X'69742773'",
		`a\b`:     "_utf8mb4 X'615C62'",
		"ü":       "_utf8mb4 X'C3BC'",
	} {
		if got := quote(in); got != want {
			t.Errorf("quote(%q) = %s, want %s", in, got, want)
		}
	}
}

func TestUnquote(t *testing.T) {
	for in, want := range map[string]string{"'a'": "a", `"a"`: "a", "a": "a", "'it''s'": "it's", "'": "'", "": ""} {
		if got := unquote(in); got != want {
			t.Errorf("unquote(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestEqualStatesShareAPointer(t *testing.T) {
	var table stateTable
	table.init()
	state := func(value string) *backend.State {
		return table.intern(&backend.State{Database: "d", Vars: []backend.Variable{{Name: "sql_mode", Value: value}}})
	}
	if one, other := state("'A'"), state("'A'"); one != other {
		t.Error("equal states have two pointers")
	}
	if state("'A'") == state("'B'") {
		t.Error("different states share a pointer")
	}
	for i := range maxStates + 10 {
		state(strings.Repeat("x", i%2000) + string(rune('a'+i/2000)))
	}
	if len(table.m) > maxStates {
		t.Errorf("the table has %d states, at most %d are allowed", len(table.m), maxStates)
	}
}

func TestProcessesAreSortedByNumber(t *testing.T) {
	rows := []row{{"10", "b"}, {"9", "a"}, {"101", "c"}}
	sortRows(rows)
	if rows[0][0] != "9" || rows[1][0] != "10" || rows[2][0] != "101" {
		t.Errorf("order is %v", rows)
	}
}
