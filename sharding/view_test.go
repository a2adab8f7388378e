package sharding

import (
	"errors"
	"strings"
	"testing"

	"lockstep/config"
)

// viewSchema has tables on s1 to s3 and the views of the test, each with the columns that are named.
func viewSchema(t *testing.T, views map[string]TableInfo) (*Schema, []error) {
	t.Helper()
	cfg := &config.Config{
		Shards: []config.Shard{{Name: "s1"}, {Name: "s2"}, {Name: "s3"}},
		Schemas: []config.Schema{{Name: "shop", Tables: []config.Table{
			{Name: "users", Rule: config.Rule{ShardKey: config.Key{"id"}}},
			{Name: "orders", Rule: config.Rule{ShardKey: config.Key{"user_id"}}},
			{Name: "countries", Rule: config.Rule{Kind: "global"}},
			{Name: "settings", Rule: config.Rule{Kind: "single", Shard: "s2"}},
		}}},
	}
	tables := []TableInfo{
		{Database: "shop", Name: "users", PrimaryKey: []string{"id"}, Columns: []ColumnInfo{intColumn("id"), intColumn("age"), textColumn("code", 2, "utf8mb4_general_ci")}},
		{Database: "shop", Name: "orders", PrimaryKey: []string{"id"}, Columns: []ColumnInfo{intColumn("id"), intColumn("user_id"), intColumn("total")}},
		{Database: "shop", Name: "countries", PrimaryKey: []string{"code"}, Columns: []ColumnInfo{textColumn("code", 2, "utf8mb4_general_ci"), intColumn("v")}},
		{Database: "shop", Name: "settings", Columns: []ColumnInfo{intColumn("k"), intColumn("v")}},
	}
	for name, v := range views {
		v.Database, v.Name, v.View = "shop", name, true
		tables = append(tables, v)
	}
	return NewSchema(cfg, tables)
}

func columnsNamed(names ...string) []ColumnInfo {
	var list []ColumnInfo
	for _, n := range names {
		list = append(list, intColumn(n))
	}
	return list
}

func TestViewsAreWhereTheirTablesAre(t *testing.T) {
	views := map[string]TableInfo{
		"plain": {Definition: "select `shop`.`users`.`id` AS `number`,`shop`.`users`.`age` AS `age` from `shop`.`users` where `shop`.`users`.`age` > 17",
			Columns: columnsNamed("number", "age")},
		"keyless": {Definition: "select `u`.`age` AS `age` from `shop`.`users` `u`", Columns: columnsNamed("age")},
		"twice":   {Definition: "select `u`.`id` AS `a`,`u`.`id` AS `b` from `shop`.`users` `u`", Columns: columnsNamed("a", "b")},
		"joined": {Definition: "select `o`.`user_id` AS `u`,`o`.`total` AS `total` from (`shop`.`users` `x` join `shop`.`orders` `o` on(`o`.`user_id` = `x`.`id`))",
			Columns: columnsNamed("u", "total")},
		"optional": {Definition: "select `o`.`user_id` AS `u`,`x`.`age` AS `age` from (`shop`.`users` `x` left join `shop`.`orders` `o` on(`o`.`user_id` = `x`.`id`))",
			Columns: columnsNamed("u", "age")},
		"of_view":  {Definition: "select `plain`.`number` AS `n` from `shop`.`plain`", Columns: columnsNamed("n")},
		"copies":   {Definition: "select `shop`.`countries`.`v` AS `v` from `shop`.`countries`", Columns: columnsNamed("v")},
		"one":      {Definition: "select `shop`.`settings`.`v` AS `v` from (`shop`.`settings` join `shop`.`countries`)", Columns: columnsNamed("v")},
		"constant": {Definition: "select 1 AS `v`", Columns: columnsNamed("v")},
		"counted":  {Definition: "select count(0) AS `n` from `shop`.`users`", Columns: columnsNamed("n")},
		"grouped":  {Definition: "select `shop`.`users`.`age` AS `age` from `shop`.`users` group by `shop`.`users`.`age`", Columns: columnsNamed("age")},
		"limited":  {Definition: "select `shop`.`users`.`age` AS `age` from `shop`.`users` limit 3", Columns: columnsNamed("age")},
		"crossed":  {Definition: "select `a`.`id` AS `id` from (`shop`.`users` `a` join `shop`.`users` `b`)", Columns: columnsNamed("id")},
		"united":   {Definition: "select `shop`.`users`.`id` AS `id` from `shop`.`users` union select `shop`.`orders`.`id` AS `id` from `shop`.`orders`", Columns: columnsNamed("id")},
		"orphan":   {Definition: "select `shop`.`gone`.`id` AS `id` from `shop`.`gone`", Columns: columnsNamed("id")},
		"itself":   {Definition: "select `shop`.`itself`.`id` AS `id` from `shop`.`itself`", Columns: columnsNamed("id")},
		"hidden":   {Columns: columnsNamed("id")},
		"partial":  {Definition: "select `shop`.`users`.`id` AS `id` from `shop`.`users`", Columns: columnsNamed("id"), Absent: []string{"s3"}},
		"fewer":    {Definition: "select `shop`.`countries`.`v` AS `v` from `shop`.`countries`", Columns: columnsNamed("v"), Absent: []string{"s1", "s3"}},
	}
	s, _ := viewSchema(t, views)
	for name, want := range map[string]string{
		"plain": "sharded number 0,1,2", "keyless": "sharded  0,1,2", "twice": "sharded a 0,1,2", "joined": "sharded u 0,1,2", "optional": "sharded  0,1,2",
		"of_view": "sharded n 0,1,2", "copies": "global  0,1,2", "one": "single  1", "constant": "global  0,1,2", "fewer": "global  1",
		"counted": "refused: groups", "grouped": "refused: groups", "limited": "refused: limits", "crossed": "refused: not joined", "united": "refused: several shards",
		"orphan": "refused: gone", "itself": "refused: itself", "hidden": "refused: SHOW VIEW", "partial": "refused: not on every shard",
	} {
		v, ok := s.Table("shop", name)
		if !ok {
			t.Fatalf("view %s is not known", name)
		}
		if reason, refused := strings.CutPrefix(want, "refused: "); refused {
			if !strings.Contains(v.Problem(), reason) {
				t.Errorf("view %s: problem %q, want one with %q (%s)", name, v.Problem(), reason, v.Rule)
			}
			continue
		}
		var shards []string
		for _, i := range v.Rule.Shards {
			shards = append(shards, string(rune('0'+i)))
		}
		if got := v.Rule.String() + " " + v.Rule.Key + " " + strings.Join(shards, ","); got != want || v.Problem() != "" {
			t.Errorf("view %s: %s (%s), want %s", name, got, v.Problem(), want)
		}
	}
}

func TestStatementsOnViews(t *testing.T) {
	s, _ := viewSchema(t, map[string]TableInfo{
		"plain":  {Definition: "select `shop`.`users`.`id` AS `number`,`shop`.`users`.`age` AS `age` from `shop`.`users`", Columns: columnsNamed("number", "age")},
		"twice":  {Definition: "select `u`.`id` AS `a`,`u`.`id` AS `b` from `shop`.`users` `u`", Columns: columnsNamed("a", "b")},
		"joined": {Definition: "select `o`.`user_id` AS `u`,`o`.`total` AS `t` from (`shop`.`users` `x` join `shop`.`orders` `o` on(`o`.`user_id` = `x`.`id`))", Columns: columnsNamed("u", "t")},
		"copies": {Definition: "select `shop`.`countries`.`v` AS `v` from `shop`.`countries`", Columns: columnsNamed("v")},
		"broken": {Definition: "select count(0) AS `n` from `shop`.`users`", Columns: columnsNamed("n"), Absent: []string{"s1"}},
	})
	p := NewPlanner(s, Limits{})
	for _, c := range []struct{ sql, want string }{
		{"SELECT * FROM plain", "0 1 2"},
		{"SELECT * FROM plain WHERE number = 7", "one"},
		{"SELECT * FROM plain JOIN orders ON number = user_id", "0 1 2"},
		{"SELECT * FROM plain JOIN joined ON number = u", "0 1 2"},
		{"SELECT * FROM plain JOIN joined ON age = t", "refused"},
		{"SELECT * FROM copies", "one"},
		{"SELECT * FROM broken", "refused"},
		{"UPDATE plain SET age = 1", "0 1 2"},
		{"DELETE FROM plain WHERE number = 7", "one"},
		{"UPDATE plain SET number = 9", "refused"},
		{"UPDATE twice SET b = 9", "refused"},
		{"DELETE FROM joined", "refused"},
		{"INSERT INTO plain VALUES (1, 2)", "refused"},
		{"INSERT INTO copies VALUES (1)", "refused"},
		{"INSERT INTO copies SELECT 1", "refused"},
		{"UPDATE copies SET v = 2", "0 1 2"},
		{"DROP VIEW plain", "0 1 2"},
		{"DROP VIEW broken", "1 2"},
		{"CREATE OR REPLACE VIEW plain AS SELECT * FROM settings", "refused"},
	} {
		got := plannedOn(t, p, c.sql)
		if c.want == "one" && len(got) == 1 {
			continue
		}
		if got != c.want {
			t.Errorf("%s: %s, want %s", c.sql, got, c.want)
		}
	}
}

// plannedOn is the shards of a statement, or "refused".
func plannedOn(t *testing.T, p *Planner, sql string) string {
	t.Helper()
	st, lits, err := p.Parse(testEnv(), []byte(sql), nil)
	var plan Plan
	if err == nil {
		err = st.Plan(&plan, &Inputs{Prefer: -1, SQL: []byte(sql), Literals: lits})
	}
	if err != nil {
		if e := new(Error); !errors.As(err, &e) || e.Code != codeNotSupported {
			t.Errorf("%s: %v", sql, err)
		}
		return "refused"
	}
	var shards []string
	for _, target := range plan.Targets {
		shards = append(shards, string(rune('0'+target.Shard)))
	}
	return strings.Join(shards, " ")
}
