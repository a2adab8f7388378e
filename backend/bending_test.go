package backend

import (
	"fmt"
	"testing"
	"time"
)

// acquireFor is a connection until the test ends.
func acquireFor(t *testing.T, s *Shard) *Conn {
	t.Helper()
	c := acquire(t, s, nil, true)
	t.Cleanup(c.Release)
	return c
}

// What a client set for itself neither spoils the row nor is lost.
func TestMarkerUnderClientsVariables(t *testing.T) { onEngines(t, markerUnderClientsVariables) }

func markerUnderClientsVariables(t *testing.T, e *engine) {
	s := e.open(t, func(o *Options) { o.MaxConns = 1 })
	helper := e.open(t)
	st := markerTable(t, helper)
	vars := []Variable{{"character_set_client", "'latin1'"}, {"character_set_connection", "'utf16'"},
		{"foreign_key_checks", "0"}, {"sql_mode", "'ANSI_QUOTES,NO_BACKSLASH_ESCAPES,PIPES_AS_CONCAT'"}, {"time_zone", "'+05:00'"},
		{"timestamp", "1000000000"}, {"transaction_isolation", "'SERIALIZABLE'"}, {"unique_checks", "0"}}
	client := &State{Database: st.Database, Vars: vars}
	for i := range 2 {
		b := openBranch(t, s, client)
		run(t, b.c, fmt.Sprintf("INSERT INTO t VALUES (%d,1)", i))
		must(t, b.Vote(t.Context(), Marker{GTRID: b.xid.GTRID, State: MarkerVoted, Participants: []string{"s1", "s2"},
			Token: "it's \\ \"a\" t\u00f6ken\x00", Coordinator: "p'1"}))
		m := marker(t, helper, b.xid.GTRID)
		if m == nil || m.Age < 0 || m.Age > time.Minute || m.State != MarkerVoted || m.Token != "it's \\ \"a\" t\u00f6ken\x00" || m.Coordinator != "p'1" || len(m.Participants) != 2 {
			t.Errorf("row %+v", m)
		}
		must(t, b.Rollback(t.Context()))
		b.c.Release()
		c := acquire(t, s, client, false)
		if got := rows(t, c, "SELECT UNIX_TIMESTAMP() = 1000000000 AND @@unique_checks = 0 AND @@foreign_key_checks = 0"); got != "1" {
			t.Error("the client's variables are lost")
		}
		c.Discard()
	}
}
