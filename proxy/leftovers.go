package proxy

import (
	"bytes"
	"regexp"

	"lockstep/sharding"
)

var intoVariable = regexp.MustCompile(`(?i)\binto\s+@`)

// leavesState refuses what a server would keep for the session on a connection that the next
// statement of the session may not get, and another session may: a lock by name that a statement on tables takes, or a
// variable that a statement without tables assigns (afterCall looks after those with tables).
func leavesState(st *sharding.Statement, sql []byte, tableless bool) error {
	switch {
	case asksForLocks(st) && (len(st.Tables) > 0 || len(st.Databases) > 0 && st.Kind != sharding.KindDo):
		return notSupported("locks by name (GET_LOCK and its kin) in a statement on tables; ask for them by SELECT or DO without a table, or by SET @name = GET_LOCK(…)")
	case tableless && (bytes.Contains(sql, []byte(":=")) || intoVariable.Match(sql)):
		return notSupported("assigning user variables without a table (SELECT or DO); use SET @name = (SELECT ...)")
	}
	return nil
}
