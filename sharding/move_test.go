package sharding

import (
	"strings"
	"testing"

	"lockstep/config"
)

// tiedSchema has tables with foreign keys and triggers: team has copies everywhere, city is the parent of person, which
// has its shard key, and club that of member.
func tiedSchema(t *testing.T) *Schema {
	t.Helper()
	key := func(name string) config.Rule { return config.Rule{ShardKey: config.Key{name}} }
	cfg := &config.Config{
		Shards: []config.Shard{{Name: "s1"}, {Name: "s2"}, {Name: "s3"}},
		Schemas: []config.Schema{{Name: "d", Tables: []config.Table{
			{Name: "team", Rule: config.Rule{Kind: "global"}}, {Name: "land", Rule: config.Rule{Kind: "global"}},
			{Name: "city", Rule: key("id")}, {Name: "person", Rule: key("city_id")}, {Name: "fan", Rule: key("id")},
			{Name: "voter", Rule: key("land_id")}, {Name: "watched", Rule: key("id")}, {Name: "shape", Rule: key("id")},
		}}},
	}
	refers := func(column, table, onUpdate, onDelete string) []ForeignKey {
		return []ForeignKey{{Columns: []string{column}, Database: "d", Table: table, References: []string{"id"}, OnUpdate: onUpdate, OnDelete: onDelete}}
	}
	id := []string{"id"}
	s, problems := NewSchema(cfg, []TableInfo{
		{Database: "d", Name: "team", PrimaryKey: id, Columns: []ColumnInfo{intColumn("id"), intColumn("v")}},
		{Database: "d", Name: "land", PrimaryKey: id, Columns: []ColumnInfo{intColumn("id"), intColumn("v")}},
		{Database: "d", Name: "city", PrimaryKey: id, Columns: []ColumnInfo{intColumn("id"), intColumn("v")}},
		{Database: "d", Name: "person", PrimaryKey: id, Columns: []ColumnInfo{intColumn("id"), intColumn("city_id"), intColumn("v")},
			ForeignKeys: refers("city_id", "city", "CASCADE", "CASCADE")},
		{Database: "d", Name: "fan", PrimaryKey: id, Columns: []ColumnInfo{intColumn("id"), intColumn("team_id")},
			ForeignKeys: refers("team_id", "team", "CASCADE", "SET NULL")},
		{Database: "d", Name: "voter", PrimaryKey: id, Columns: []ColumnInfo{intColumn("id"), intColumn("land_id")},
			ForeignKeys: refers("land_id", "land", "CASCADE", "SET NULL")},
		{Database: "d", Name: "watched", PrimaryKey: id, Columns: []ColumnInfo{intColumn("id"), intColumn("v")}, Triggers: true},
		{Database: "d", Name: "shape", PrimaryKey: id, Columns: []ColumnInfo{intColumn("id"), {Name: "x", DataType: "vector", ColumnType: "vector(3)"}}},
	})
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	return s
}

// Rows do not move, and others do not change with them, where a server's own rules would do it wrong on one shard alone.
func TestTiedRows(t *testing.T) {
	p := NewPlanner(tiedSchema(t), Limits{})
	for _, c := range []struct{ sql, refusal string }{
		{"UPDATE city SET id = 9 WHERE id = 1", "-rows of person refer to it"},
		{"UPDATE city SET v = 9 WHERE id = 1", ""},
		{"UPDATE person SET city_id = 9 WHERE id = 1", "-whose rows are checked on one shard at a time"},
		{"UPDATE person SET v = 1 ORDER BY v LIMIT 2", ""},
		{"UPDATE fan SET id = 9 WHERE id = 1", ""}, // its parent is everywhere
		{"UPDATE team SET id = 9 WHERE id = 1", ""},
		{"UPDATE land SET id = 9 WHERE id = 1", "would change the shard key land_id of rows of voter"},
		{"UPDATE land SET v = 9 WHERE id = 1", ""},
		{"DELETE FROM land WHERE id = 1", "would change the shard key land_id of rows of voter"},
		{"DELETE FROM city WHERE id = 1", ""},
		{"DELETE FROM city ORDER BY id LIMIT 1", ""},
		{"UPDATE watched SET id = 9 WHERE id = 1", "-the table has triggers"},
		{"UPDATE watched SET v = 9 ORDER BY id LIMIT 1", ""},
		{"UPDATE shape SET id = 9 WHERE id = 1", "whose values are not moved"},
	} {
		var plan Plan
		st, lits, err := p.Parse(&Env{Database: "d", Charset: "utf8mb4", SQLMode: "STRICT_TRANS_TABLES"}, []byte(c.sql), nil)
		if err == nil {
			err = st.Plan(&plan, &Inputs{SQL: []byte(c.sql), Literals: lits, Prefer: -1})
		}
		switch {
		case strings.HasPrefix(c.refusal, "-"): // where the row really has to move
			if err != nil || plan.Change == nil || !strings.Contains(plan.Change.Tables[0].Move.Tied, c.refusal[1:]) {
				t.Errorf("%s: %v, want a row that is tied: … %s …", c.sql, err, c.refusal[1:])
			}
		case c.refusal == "" && err != nil:
			t.Errorf("%s: %v", c.sql, err)
		case c.refusal != "" && (err == nil || !strings.Contains(err.Error(), c.refusal)):
			t.Errorf("%s: %v, want a refusal: … %s …", c.sql, err, c.refusal)
		}
	}
}

// A row's home is where an INSERT of its key would have put it, in whichever form the key was read.
func TestHome(t *testing.T) {
	s := testSchema(t)
	for _, c := range []struct{ table, insert, read string }{
		{"users", "INSERT INTO users (id) VALUES (5)", "5"},
		{"counters", "INSERT INTO counters (n) VALUES (-3)", "-3"},
		{"events", "INSERT INTO events (at) VALUES (150)", "150"},
		{"regions", "INSERT INTO regions (code) VALUES ('US')", "5553"},
		{"names", "INSERT INTO names (name) VALUES ('Übel')", "C39C62656C"},
		{"prices", "INSERT INTO prices (amount) VALUES (12.5)", "12.50"},
		{"days", "INSERT INTO days (day) VALUES ('2024-02-29')", "2024-02-29"},
	} {
		table, ok := s.Table("shop", c.table)
		if !ok {
			t.Fatal(c.table)
		}
		var plan Plan
		st, lits, err := NewPlanner(s, Limits{}).Parse(testEnv(), []byte(c.insert), nil)
		if err == nil {
			err = st.Plan(&plan, &Inputs{SQL: []byte(c.insert), Literals: lits, Prefer: -1, Explicit: func(*Table, uint64) error { return nil }})
		}
		if err != nil {
			t.Fatalf("%s: %v", c.insert, err)
		}
		r, ok := readColumn(&table.Columns[table.keyColumns[0]])
		if !ok {
			t.Fatalf("the key of %s cannot be read", c.table)
		}
		home, err := Home(table, []ReadColumn{r}, [][]byte{[]byte(c.read)})
		if err != nil || home != plan.Targets[0].Shard {
			t.Errorf("%s: %s is at home on %d (%v), the row is on %d", c.table, c.read, home, err, plan.Targets[0].Shard)
		}
	}
}
