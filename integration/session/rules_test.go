package session

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"lockstep/integration/cluster"
)

// Rules of every kind place what is inserted, and find it again: on the shard that the plan names, and nowhere else.
func TestRules(t *testing.T) {
	c := start(t, cluster.Options{Config: `
schemas:
  - name: d
    tables:
      - {name: reading, shard_key: [sensor, series]}
      - {name: page_view, shard_key: seen, function: day}
      - {name: bill, shard_key: month, function: month, group: bills}
      - {name: bill_line, shard_key: month, group: bills}
      - {name: misfit, shard_key: month, group: bills}
      - {name: country, kind: global}
`})
	connect(t, c, "").exec("CREATE DATABASE d")
	s := connect(t, c, "d")
	s.exec("CREATE TABLE reading (sensor INT, series VARCHAR(10) COLLATE utf8mb4_general_ci, v INT, PRIMARY KEY (sensor, series))")
	s.exec("CREATE TABLE page_view (seen DATETIME(3), path VARCHAR(20), PRIMARY KEY (seen, path))")
	s.exec("CREATE TABLE bill (month DATE PRIMARY KEY, total INT)")
	s.exec("CREATE TABLE bill_line (month DATE, n INT, PRIMARY KEY (month, n))")
	s.exec("CREATE TABLE country (id INT PRIMARY KEY)")
	s.fails(1235, "CREATE TABLE misfit (month DATETIME PRIMARY KEY)")

	stored := map[string]int{}
	count := func(table, where string) {
		t.Helper()
		for i := range c.Shards {
			var n int
			if err := c.ShardDB(i, "d").QueryRow("SELECT COUNT(*) FROM " + table + " WHERE " + where).Scan(&n); err != nil {
				t.Fatal(err)
			}
			stored[fmt.Sprint(table, i)] = n
		}
	}
	plan := func(query string) (p struct {
		Kind   string
		Why    string
		Shards []string
		Merge  *struct{ Visible int }
	}) {
		t.Helper()
		var text string
		if err := s.conn.QueryRowContext(t.Context(), "EXPLAIN LOCKSTEP FORMAT=JSON "+query).Scan(&text); err != nil {
			t.Fatalf("%s: %v", query, err)
		}
		if err := json.Unmarshal([]byte(text), &p); err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		return p
	}
	// one runs a query that needs one shard, which alone has the row.
	one := func(table, where string) {
		t.Helper()
		s.want("SELECT COUNT(*) FROM "+table+" WHERE "+where, "1")
		p := plan("SELECT COUNT(*) FROM " + table + " WHERE " + where)
		if len(p.Shards) != 1 || p.Kind != "select" {
			t.Fatalf("%s: %+v", where, p)
		}
		count(table, where)
		for i := range c.Shards {
			if want := map[bool]int{true: 1}[p.Shards[0] == c.Shards[i].Name]; stored[fmt.Sprint(table, i)] != want {
				t.Errorf("%s: shard %s has %d of it, the plan says %s", where, c.Shards[i].Name, stored[fmt.Sprint(table, i)], p.Shards[0])
			}
		}
	}
	for i := range 12 {
		s.exec(fmt.Sprintf("INSERT INTO reading VALUES (%d, 'Temp', %d), (%d, 'wind', %d)", i, i, i, i))
		s.exec("INSERT INTO page_view VALUES (?, 'x')", fmt.Sprintf("2024-02-%02d 23:59:59.999", i+18))
		s.exec(fmt.Sprintf("INSERT INTO bill VALUES ('2024-%02d-01', %d)", i+1, i))
		s.exec(fmt.Sprintf("INSERT INTO bill_line VALUES ('2024-%02d-01', 1), ('2024-%02d-01', 2)", i+1, i+1))
	}
	for i := range 12 {
		one("reading", fmt.Sprintf("sensor = %d AND series = 'TEMP '", i))
		one("reading", fmt.Sprintf("(series, sensor) IN (('wind', %d))", i))
		one("bill", fmt.Sprintf("month = '2024-%02d-01'", i+1))
		one("bill", fmt.Sprintf("month >= '2024-%02d-01' AND month < '2024-%02d-02'", i+1, i+1))
	}
	one("page_view", "seen >= '2024-02-29' AND seen < '2024-03-01'")
	s.want("SELECT COUNT(*) FROM reading WHERE sensor = 3", "2")
	s.want("SELECT series, COUNT(*) FROM reading GROUP BY series ORDER BY series", "Temp,12", "wind,12")
	if p := plan("SELECT series, COUNT(*) FROM reading GROUP BY series ORDER BY series"); len(p.Shards) != 3 || p.Merge == nil || p.Merge.Visible != 2 {
		t.Errorf("groups: %+v", p)
	}
	if p := plan("SELECT COUNT(*) FROM bill b JOIN bill_line l ON l.month = b.month WHERE b.month = '2024-05-01'"); len(p.Shards) != 1 {
		t.Errorf("join in a group: %+v", p)
	}
	s.want("SELECT COUNT(*), SUM(b.total) FROM bill b JOIN bill_line l USING (month)", "24,132")
	s.affected(1, "UPDATE reading SET v = 100 WHERE sensor = 3 AND series = 'temp'")
	s.affected(1, "DELETE FROM reading WHERE series = 'wind' AND sensor = 3")
	s.want("SELECT v FROM reading WHERE sensor = 3", "100")
	s.fails(1791, "EXPLAIN LOCKSTEP FORMAT=TREE SELECT 1")
}

// A procedure runs on one shard, so one that may need more is refused.
func TestCallOfShardedTables(t *testing.T) {
	c := start(t, cluster.Options{Shards: 2, Config: "schemas:\n  - name: d\n    tables:\n      - {name: a, shard_key: id}\n      - {name: one, kind: single, shard: s2}\n      - {name: counter, kind: single, shard: s2}\n"})
	connect(t, c, "").exec("CREATE DATABASE d")
	s := connect(t, c, "d")
	s.exec("CREATE TABLE a (id INT PRIMARY KEY, v INT)")
	s.exec("CREATE TABLE one (id INT PRIMARY KEY, v INT)")
	s.exec("INSERT INTO a VALUES (1, 1), (2, 2), (3, 3), (4, 4), (5, 5), (6, 6)")
	s.exec("CREATE PROCEDURE total() SELECT COUNT(*) FROM a")
	s.exec("CREATE PROCEDURE fill() INSERT INTO one VALUES (1, 1)")
	s.exec("CREATE PROCEDURE five() SELECT 5")
	if err := s.fails(1235, "CALL total()"); !strings.Contains(err.Message, "table a") {
		t.Errorf("refused for %q", err.Message)
	}
	s.want("CALL five()", "5")
	s.exec("CALL fill()") // on the shard of its table
	s.want("SELECT * FROM one", "1,1")
	s.fails(1305, "CALL nowhere()")
	// A view that calls a function that writes makes its shard a writer.
	s.exec("CREATE TABLE counter (n INT PRIMARY KEY)")
	s.exec("CREATE FUNCTION bump(n INT) RETURNS INT MODIFIES SQL DATA BEGIN INSERT IGNORE INTO counter VALUES (n); RETURN n; END")
	s.exec("CREATE VIEW bumped AS SELECT bump(id) AS id FROM one")
	s.exec("BEGIN")
	s.want("SELECT id FROM bumped WHERE id = 1", "1")
	if got := s.rows("SHOW LOCKSTEP BRANCHES"); len(got) != 1 || !strings.HasSuffix(got[0], "wrote") {
		t.Errorf("branches are %q", got)
	}
	s.exec("COMMIT")
}
