package sharding

import (
	"reflect"
	"strings"
	"testing"

	"lockstep/config"
)

func TestDeclaredRules(t *testing.T) {
	for comment, want := range map[string]string{
		"":                               "",
		"what we sold":                   "",
		"lockstep: shard_key=a":          "shard_key=a",
		" LockStep:shard_key=a ; rest":   "shard_key=a",
		"lockstep: kind=global; a; b":    "kind=global",
		"lockstep:":                      "-",
		"not lockstep: shard_key=a":      "",
		"lockstep: ; nothing is said":    "-",
		"lockstep: shard_key=(a, b);x=y": "shard_key=(a, b)",
	} {
		if got := DeclaredRule(comment); got != want {
			t.Errorf("%q: %q, want %q", comment, got, want)
		}
	}
	for text, want := range map[string]config.Rule{
		"shard_key=a":                     {ShardKey: config.Key{"a"}},
		"shard_key=(a, b), function=hash": {ShardKey: config.Key{"a", "b"}, Function: "hash"},
		"kind=global, shards=(s1, s2)":    {Kind: "global", Shards: []string{"s1", "s2"}},
		"kind=single, shard=s1":           {Kind: "single", Shard: "s1"},
		"Shard_Key = d , function=range, ranges=(2024-01-01 10:00:s1, max:s2)": {ShardKey: config.Key{"d"}, Function: "range",
			Ranges: []config.RangePart{{LessThan: "2024-01-01 10:00", Shard: "s1"}, {LessThan: "max", Shard: "s2"}}},
		"shard_key=c, function=list, lists=(de:s1, us:s2, fr:s1), group=g": {ShardKey: config.Key{"c"}, Function: "list", Group: "g",
			Lists: []config.ListPart{{Values: []string{"de", "fr"}, Shard: "s1"}, {Values: []string{"us"}, Shard: "s2"}}},
	} {
		if got, err := parseDeclared(text); err != nil || !reflect.DeepEqual(*got, want) {
			t.Errorf("%q: %+v, %v; want %+v", text, got, err, want)
		}
	}
	for text, want := range map[string]string{
		"-": "cannot be read", "shard_key": "cannot be read", "shard_key=": "empty", "shard_key=(a": "no end", "shard_key=a,": "comma", "shard_key=a b=c": "",
		"shard_key=(a) b": "comma", "color=red": "not known", "kind=some": "not known", "kind=global, shard_key=a": "no shard key", "function=hash": "names no shard_key",
		"shard_key=a, shard=s1": "kind=single", "kind=single, shards=s1": "takes shard", "shard_key=a, ranges=(1:s1)": "function=range",
		"shard_key=a, shard_key=b": "twice", "shard_key='a'": "no quotes", "kind=(global, single)": "one value", "shard_key=a, function=list, lists=(a)": "value:shard",
		"shard_key=a, function=range, ranges=(max:s1), shards=s1": "themselves",
	} {
		r, err := parseDeclared(text)
		if want == "" {
			continue // a column of that name may be meant; the table does not have it
		}
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %+v, %v; want an error with %q", text, r, err, want)
		}
	}
}

// declaringSchema has the table orders, whose comment says where its rows are, and others.
func declaringSchema(t *testing.T, byDefault *config.Rule) *Schema {
	t.Helper()
	cfg := &config.Config{
		Shards: []config.Shard{{Name: "s1"}, {Name: "s2"}, {Name: "s3"}},
		Schemas: []config.Schema{{Name: "shop", Tables: []config.Table{
			{Name: "ruled", Rule: config.Rule{ShardKey: config.Key{"a"}}},
			{Name: "agreed", Rule: config.Rule{ShardKey: config.Key{"a"}}},
		}}},
		DefaultRule: byDefault,
	}
	columns := []ColumnInfo{intColumn("id"), intColumn("a"), intColumn("b")}
	s, _ := NewSchema(cfg, []TableInfo{
		{Database: "shop", Name: "orders", PrimaryKey: []string{"id"}, Columns: columns, Declared: "shard_key=a, function=mod"},
		{Database: "shop", Name: "plain", PrimaryKey: []string{"id"}, Columns: columns},
		{Database: "shop", Name: "ruled", PrimaryKey: []string{"id"}, Columns: columns, Declared: "shard_key=b"},
		{Database: "shop", Name: "agreed", PrimaryKey: []string{"id"}, Columns: columns, Declared: "shard_key=a, function=hash"},
		{Database: "shop", Name: "wrong", PrimaryKey: []string{"id"}, Columns: columns, Declared: "shard_key=nothing"},
		{Database: "shop", Name: "torn", PrimaryKey: []string{"id"}, Columns: columns, Conflict: "its columns are not in the same order"},
	})
	return s
}

func TestRulesFromComments(t *testing.T) {
	s := declaringSchema(t, &config.Rule{})
	for name, want := range map[string]string{
		"orders": "a/comment", "plain": "id/default rule", "agreed": "a/configuration",
		"ruled": "!not that of the configuration", "wrong": "!does not exist", "torn": "!same order",
	} {
		tab, _ := s.Table("shop", name)
		if reason, bad := strings.CutPrefix(want, "!"); bad {
			if !strings.Contains(tab.Problem(), reason) {
				t.Errorf("%s: problem %q, want one with %q", name, tab.Problem(), reason)
			}
		} else if got := tab.Rule.Key + "/" + tab.Source(); got != want || tab.Problem() != "" {
			t.Errorf("%s: %s (%s), want %s", name, got, tab.Problem(), want)
		}
	}
}

func TestDefinitionsWithRules(t *testing.T) {
	for _, c := range []struct{ sql, want string }{
		{"CREATE TABLE n (a INT) COMMENT 'lockstep: shard_key=a'", "0 1 2"},
		{"CREATE TABLE n (a INT, KEY (a) COMMENT 'x') ENGINE=InnoDB, COMMENT='lockstep: kind=single, shard=s2; mine'", "1"},
		{"CREATE TABLE n (a INT) COMMENT 'lockstep: kind=global, shards=(s1, s3)'", "0 2"},
		{"CREATE TABLE n (a INT) COMMENT 'lockstep: shard_key=b'", "refused"},
		{"CREATE TABLE n (a INT) COMMENT 'lockstep: what'", "refused"},
		{"CREATE TABLE n (a INT COMMENT 'lockstep: shard_key=a')", "refused"}, // no default rule
		{"CREATE TABLE ruled2 LIKE orders", "0 1 2"},
		{"CREATE TABLE ruled2 LIKE plain", "refused"},
		{"ALTER TABLE orders RENAME TO sold", "0 1 2"},
		{"RENAME TABLE orders TO ruled", "refused"},
		{"ALTER TABLE orders COMMENT 'lockstep: shard_key=a, function=mod; more'", "0 1 2"},
		{"ALTER TABLE orders COMMENT 'lockstep: shard_key=b'", "refused"},
		{"ALTER TABLE orders COMMENT = 'lockstep: kind=global'", "refused"},
		{"ALTER TABLE agreed COMMENT = 'lockstep: shard_key=a'", "0 1 2"},
	} {
		if got := plannedOn(t, NewPlanner(declaringSchema(t, nil), Limits{}), c.sql); got != c.want {
			t.Errorf("%s: %s, want %s", c.sql, got, c.want)
		}
	}
	// The rule stays when the user's part of the comment changes.
	p := NewPlanner(declaringSchema(t, nil), Limits{})
	for sql, want := range map[string]string{
		"ALTER TABLE orders ENGINE=InnoDB COMMENT='it''s new', ADD c INT COMMENT 'c'": "ALTER TABLE orders ENGINE=InnoDB COMMENT='lockstep: shard_key=a, function=mod; it''s new', ADD c INT COMMENT 'c'",
		`ALTER TABLE orders COMMENT ""`:                                               `ALTER TABLE orders COMMENT "lockstep: shard_key=a, function=mod; "`,
		"ALTER TABLE orders ADD c INT COMMENT 'c'":                                    "",
		"ALTER TABLE plain COMMENT 'x'":                                               "",
	} {
		st, lits, err := p.Parse(testEnv(), []byte(sql), nil)
		var plan Plan
		if err == nil {
			err = st.Plan(&plan, &Inputs{Prefer: -1, SQL: []byte(sql), Literals: lits})
		}
		if err != nil {
			t.Errorf("%s: %v", sql, err)
			continue
		}
		if got := string(plan.Targets[0].SQL); got != want {
			t.Errorf("%s\n got %s\nwant %s", sql, got, want)
		}
	}
}
