package wire

import (
	"slices"
	"strings"
	"testing"

	"lockstep/integration/cluster"
	"lockstep/localdb"
	"lockstep/protocol"
)

// What OK packets tell of a session is what a server's tell.
func TestSessionTrack(t *testing.T) {
	worlds(t, "schemas:\n  - name: d\n    tables:\n      - {name: n, shard_key: id}\n", func(t *testing.T, c *cluster.Cluster, server string) {
		for _, to := range []struct{ address, database string }{{c.Listen, "d"}, {server, "alone"}} {
			cl := dial(t, to.address, "", 0)
			cl.must("CREATE DATABASE IF NOT EXISTS "+to.database, "USE "+to.database, "CREATE TABLE n (id INT PRIMARY KEY, v INT)", "INSERT INTO n VALUES (1, 1), (2, 2)")
		}
		script := []string{
			"SET autocommit = 0", "SET autocommit = 1", "SET time_zone = '+03:00'", "SET NAMES latin1", "SET NAMES utf8mb4",
			"SET @a = 1", "SET sql_mode = ''", "SET session_track_system_variables = 'sql_mode,autocommit'", "SET sql_mode = 'ANSI_QUOTES'",
			"SET autocommit = 1, sql_mode = ''", "SET session_track_state_change = ON", "SET @a = 2", "SET time_zone = 'SYSTEM'", "SET session_track_state_change = OFF",
			"SET session_track_system_variables = ''", "SET sql_mode = DEFAULT",
			"SET session_track_transaction_info = 'STATE'", "BEGIN", "SELECT v FROM n WHERE id = 1", "UPDATE n SET v = 3 WHERE id = 1", "UPDATE n SET v = 3 WHERE id = 2", "COMMIT",
			"BEGIN", "SELECT id FROM n ORDER BY id", "ROLLBACK", "SELECT 1", "SELECT v FROM n WHERE id = 1",
			"SET autocommit = 0", "SELECT v FROM n WHERE id = 1", "COMMIT", "SET autocommit = 1",
			"SET session_track_transaction_info = 'CHARACTERISTICS'", "START TRANSACTION READ ONLY", "COMMIT",
			"SET TRANSACTION ISOLATION LEVEL SERIALIZABLE", "BEGIN", "ROLLBACK",
		}
		// MySQL sets the flag without a word here, and does not count this variable as state.
		quirks := []string{"SET session_track_state_change = ON", "SET session_track_transaction_info = 'STATE'"}
		for _, caps := range []protocol.Capability{protocol.ClientSessionTrack, protocol.ClientSessionTrack | protocol.ClientDeprecateEOF} {
			got, want := dial(t, c.Listen, "d", caps), dial(t, server, "alone", caps)
			for _, sql := range script {
				a, b := sorted(got.query(sql)), sorted(want.query(sql))
				if !slices.Contains(quirks, sql) || c.Shards[0].Engine == localdb.MariaDB {
					equal(t, sql, a, b)
				}
			}
			for _, cl := range []*client{got, want} {
				cl.send(protocol.ComInitDB, []byte("information_schema")...)
			}
			a, _ := got.last(got.packet())
			b, _ := want.last(want.packet())
			equal(t, "another database", []string{a}, []string{b})
		}
		quiet := dial(t, c.Listen, "d", 0)
		if got := quiet.query("SET time_zone = '+01:00'"); strings.Contains(got[0], "time_zone") {
			t.Errorf("a client that did not ask is told: %v", got)
		}
	})
}

// sorted orders the changes of each line: a server tells them in the order of its own tables.
func sorted(lines []string) []string {
	for i, l := range lines {
		parts := strings.Split(l, ", ")
		slices.Sort(parts)
		lines[i] = strings.Join(parts, ", ")
	}
	return lines
}
