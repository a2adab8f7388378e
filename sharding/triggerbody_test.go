package sharding

import (
	"strings"
	"testing"

	"lockstep/config"
)

func TestTriggersStayOnTheirShard(t *testing.T) {
	id := intColumn("id")
	id.AutoIncrement = true
	cfg := &config.Config{
		Shards: []config.Shard{{Name: "s1"}, {Name: "s2"}},
		Schemas: []config.Schema{{Name: "shop", Tables: []config.Table{
			{Name: "orders", Rule: config.Rule{ShardKey: config.Key{"customer"}}},
			{Name: "total", Rule: config.Rule{ShardKey: config.Key{"customer"}}},
			{Name: "audit", Rule: config.Rule{ShardKey: config.Key{"customer"}}},
			{Name: "history", Rule: config.Rule{ShardKey: config.Key{"customer"}}},
			{Name: "product", Rule: config.Rule{ShardKey: config.Key{"id"}, Function: "mod"}},
			{Name: "country", Rule: config.Rule{Kind: "global"}},
			{Name: "language", Rule: config.Rule{Kind: "global"}},
			{Name: "setting", Rule: config.Rule{Kind: "single", Shard: "s2"}},
			{Name: "job", Rule: config.Rule{Kind: "single", Shard: "s2"}},
			{Name: "other", Rule: config.Rule{Kind: "single", Shard: "s1"}},
		}}},
	}
	table := func(name string, columns ...ColumnInfo) TableInfo {
		return TableInfo{Database: "shop", Name: name, Columns: columns}
	}
	s, problems := NewSchema(cfg, []TableInfo{
		table("orders", intColumn("id"), intColumn("customer"), intColumn("v")), table("total", intColumn("customer"), intColumn("n")),
		table("audit", id, intColumn("customer"), intColumn("v")), table("history", intColumn("customer"), intColumn("v")),
		table("product", intColumn("id"), intColumn("left_over")), table("country", intColumn("code"), intColumn("v")), table("language", intColumn("code")),
		table("setting", intColumn("k")), table("job", intColumn("k")), table("other", intColumn("k")),
	})
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	p := NewPlanner(s, Limits{})
	for body, want := range map[string]string{
		"orders SET NEW.v = NEW.v + 1":                                                             "",
		"orders SET NEW.v = (SELECT v FROM country WHERE code = NEW.v)":                            "",
		"orders UPDATE total SET n = n + 1 WHERE customer = NEW.customer":                          "",
		"orders UPDATE total SET n = n + 1 WHERE n > 0 AND total.customer = OLD.customer":          "",
		"orders DELETE FROM total WHERE OLD.customer = total.customer AND n = 0":                   "",
		"orders BEGIN SET NEW.v = 1; INSERT INTO total VALUES (NEW.customer, 1); END":              "",
		"orders INSERT INTO history (v, customer) VALUES (NEW.v, NEW.customer)":                    "",
		"orders INSERT INTO history SET v = 1, customer = NEW.customer":                            "",
		"orders IF NEW.v > 1 THEN INSERT INTO history VALUES (NEW.customer, 1); END IF":            "",
		"orders INSERT INTO audit (customer, v) VALUES (NEW.customer, NEW.v)":                      "AUTO_INCREMENT",
		"orders INSERT INTO history (v, customer) VALUES (NEW.customer, NEW.v)":                    "not that of its row",
		"orders INSERT INTO history VALUES (NEW.customer, 1), (7, 2)":                              "not that of its row",
		"orders INSERT INTO history VALUES (NEW.customer + 1, 1)":                                  "not that of its row",
		"orders INSERT INTO history SELECT * FROM total":                                           "not that of its row",
		"orders INSERT INTO history VALUES (NEW.customer, 1) ON DUPLICATE KEY UPDATE customer = 3": "not that of its row",
		"orders UPDATE total SET n = n + 1 WHERE customer = NEW.v":                                 "does not say customer",
		"orders UPDATE total SET n = n + 1 WHERE customer = NEW.customer + 1":                      "does not say customer",
		"orders UPDATE total SET n = n + 1 WHERE customer = NEW.customer OR n = 1":                 "OR",
		"orders UPDATE total SET n = n + 1":                                                        "does not say customer",
		"orders UPDATE product SET left_over = left_over - 1 WHERE id = NEW.v":                     "not sharded as",
		"orders UPDATE country SET v = v + 1":                                                      "only one copy",
		"orders UPDATE setting SET k = 1":                                                          "on one shard",
		"orders SET NEW.customer = 7":                                                              "sets the shard key",
		"orders CALL p()":                                                                          "procedure",
		"country SET NEW.v = 1":                                                                    "",
		"country INSERT INTO language VALUES (NEW.code)":                                           "",
		"country SET NEW.v = UNIX_TIMESTAMP()":                                                     "another value",
		"country SET NEW.v = UUID_SHORT()":                                                         "another value",
		"country UPDATE total SET n = 0":                                                           "once for each copy",
		"setting UPDATE job SET k = NOW()":                                                         "",
		"setting UPDATE other SET k = 1":                                                           "another shard",
		"setting UPDATE country SET v = 1":                                                         "only one copy",
		"setting SET NEW.k = (SELECT v FROM country)":                                              "",
		"setting DELETE FROM orders":                                                               "sharded table",
	} {
		name, rest, _ := strings.Cut(body, " ")
		sql := "CREATE TRIGGER tr BEFORE INSERT ON " + name + " FOR EACH ROW " + rest
		_, _, err := p.Parse(testEnv(), []byte(sql), nil)
		switch {
		case want == "" && err != nil:
			t.Errorf("%s: %v", sql, err)
		case want != "" && (err == nil || !strings.Contains(err.Error(), want)):
			t.Errorf("%s: %v, want an error with %q", sql, err, want)
		}
	}
}
