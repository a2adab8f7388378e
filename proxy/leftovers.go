package proxy

import (
	"bytes"
	"regexp"
	"slices"

	"lockstep/sharding"
)

var intoVariable = regexp.MustCompile(`(?i)\binto\s+@`)

// leavesState refuses what a server would keep for the session on a connection that the next
// statement of the session may not get, and another session may: a lock by name, or a
// variable that a statement without tables assigns (afterCall looks after those with tables).
func leavesState(st *sharding.Statement, sql []byte, tableless bool) error {
	switch {
	case slices.Contains(st.Functions, "get_lock"):
		return notSupported("GET_LOCK: a lock by name belongs to one server connection, and a session has none of its own")
	case tableless && (bytes.Contains(sql, []byte(":=")) || intoVariable.Match(sql)):
		return notSupported("assigning user variables without a table (SELECT or DO); use SET @name = (SELECT ...)")
	}
	return nil
}
