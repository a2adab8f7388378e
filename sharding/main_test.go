package sharding

import (
	"fmt"
	"strings"
	"testing"

	"lockstep/config"
)

func intColumn(name string) ColumnInfo {
	return ColumnInfo{Name: name, DataType: "int", ColumnType: "int(11)"}
}

func textColumn(name string, n int, collation string) ColumnInfo {
	return ColumnInfo{Name: name, DataType: "varchar", ColumnType: fmt.Sprintf("varchar(%d)", n), Collation: collation, CharLength: n}
}

// testSchema has a table of each kind on shards s1 to s4.
func testSchema(t testing.TB) *Schema {
	t.Helper()
	cfg := &config.Config{
		Shards: []config.Shard{{Name: "s1"}, {Name: "s2"}, {Name: "s3"}, {Name: "s4"}},
		Schemas: []config.Schema{{Name: "shop", Tables: []config.Table{
			{Name: "users", Rule: config.Rule{ShardKey: config.Key{"id"}}},
			{Name: "orders", Rule: config.Rule{ShardKey: config.Key{"user_id"}}},
			{Name: "events", Rule: config.Rule{ShardKey: config.Key{"at"}, Function: "range", Ranges: []config.RangePart{
				{LessThan: "100", Shard: "s1"}, {LessThan: "200", Shard: "s2"}, {LessThan: "max", Shard: "s3"}}}},
			{Name: "regions", Rule: config.Rule{ShardKey: config.Key{"code"}, Function: "list", Lists: []config.ListPart{
				{Values: []string{"de", "fr"}, Shard: "s1"}, {Values: []string{"us"}, Shard: "s2"}}}},
			{Name: "counters", Rule: config.Rule{ShardKey: config.Key{"n"}, Function: "mod"}},
			{Name: "names", Rule: config.Rule{ShardKey: config.Key{"name"}}},
			{Name: "prices", Rule: config.Rule{ShardKey: config.Key{"amount"}}},
			{Name: "days", Rule: config.Rule{ShardKey: config.Key{"day"}}},
			{Name: "countries", Rule: config.Rule{Kind: "global"}},
			{Name: "numbered", Rule: config.Rule{Kind: "global"}},
			{Name: "settings", Rule: config.Rule{Kind: "single", Shard: "s2"}},
			{Name: "jobs", Rule: config.Rule{Kind: "single", Shard: "s3"}},
			{Name: "broken", Rule: config.Rule{ShardKey: config.Key{"nothing"}}},
		}}},
		DefaultRule: &config.Rule{ShardKey: config.Key{"primary_key"}},
	}
	id := intColumn("id")
	id.AutoIncrement = true
	s, problems := NewSchema(cfg, []TableInfo{
		{Database: "shop", Name: "users", PrimaryKey: []string{"id"}, Columns: []ColumnInfo{id, textColumn("name", 40, "utf8mb4_general_ci"), intColumn("age")}},
		{Database: "shop", Name: "orders", PrimaryKey: []string{"id"}, Columns: []ColumnInfo{id, intColumn("user_id"), intColumn("total"), textColumn("note", 100, "utf8mb4_bin")}},
		{Database: "shop", Name: "events", PrimaryKey: []string{"at"}, Columns: []ColumnInfo{intColumn("at"), textColumn("what", 20, "latin1_swedish_ci")}},
		{Database: "shop", Name: "regions", PrimaryKey: []string{"code"}, Columns: []ColumnInfo{textColumn("code", 2, "utf8mb4_general_ci"), intColumn("people")}},
		{Database: "shop", Name: "counters", PrimaryKey: []string{"n"}, Columns: []ColumnInfo{intColumn("n"), intColumn("value")}},
		{Database: "shop", Name: "names", PrimaryKey: []string{"name"}, Columns: []ColumnInfo{textColumn("name", 10, "utf8mb4_general_ci"), intColumn("v")}},
		{Database: "shop", Name: "prices", PrimaryKey: []string{"amount"}, Columns: []ColumnInfo{{Name: "amount", DataType: "decimal", ColumnType: "decimal(10,2)"}, intColumn("v")}},
		{Database: "shop", Name: "days", PrimaryKey: []string{"day"}, Columns: []ColumnInfo{{Name: "day", DataType: "date", ColumnType: "date"}, intColumn("v")}},
		{Database: "shop", Name: "countries", PrimaryKey: []string{"code"}, Columns: []ColumnInfo{textColumn("code", 2, "utf8mb4_general_ci"), textColumn("title", 40, "utf8mb4_general_ci")}},
		{Database: "shop", Name: "numbered", PrimaryKey: []string{"id"}, Columns: []ColumnInfo{id, intColumn("v")}},
		{Database: "shop", Name: "settings", Columns: []ColumnInfo{intColumn("k"), intColumn("v")}},
		{Database: "shop", Name: "jobs", PrimaryKey: []string{"id"}, Columns: []ColumnInfo{id, intColumn("v")}},
		{Database: "shop", Name: "broken", Columns: []ColumnInfo{intColumn("a")}},
		{Database: "shop", Name: "sbtest1", PrimaryKey: []string{"id"}, Columns: []ColumnInfo{id, intColumn("k"),
			{Name: "c", DataType: "char", ColumnType: "char(120)", Collation: "utf8mb4_general_ci", CharLength: 120},
			{Name: "pad", DataType: "char", ColumnType: "char(60)", Collation: "utf8mb4_general_ci", CharLength: 60}}},
		{Database: "shop", Name: "keyless", Columns: []ColumnInfo{intColumn("a")}},
	})
	if len(problems) != 1 || !strings.Contains(problems[0].Error(), "broken") {
		t.Fatalf("problems: %v", problems)
	}
	s.AddRoutines([]Routine{{Database: "shop", Name: "p", Body: "SELECT 1"}, {Database: "shop", Name: "of_users", Body: "SELECT COUNT(*) FROM users"}})
	return s
}

func testEnv() *Env {
	return &Env{Database: "shop", SQLMode: "STRICT_TRANS_TABLES", Charset: "utf8mb4"}
}
