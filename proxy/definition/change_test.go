package definition

import (
	"strings"
	"testing"
)

const table = "CREATE TABLE `t` (\n  `id` int(11) NOT NULL,\n  `v` int(11) DEFAULT NULL,\n  PRIMARY KEY (`id`)"

func TestNormalise(t *testing.T) {
	for in, want := range map[string]string{
		table + "\n) ENGINE=InnoDB AUTO_INCREMENT=17 DEFAULT CHARSET=utf8mb4": table + "\n) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4",
		table + "\n) ENGINE=InnoDB COMMENT='a AUTO_INCREMENT=3'":              table + "\n) ENGINE=InnoDB COMMENT='a AUTO_INCREMENT=3'",
		"CREATE VIEW `v` AS select 1":                                         "CREATE VIEW `v` AS select 1",
	} {
		if got := normalise(in); got != want {
			t.Errorf("%q\n got %q\nwant %q", in, got, want)
		}
	}
}

func TestWhatCanBeChangedWithoutRows(t *testing.T) {
	o := Object{Kind: Table, Database: "d", Name: "t"}
	with := func(parts ...string) Definition {
		return Definition{SQL: strings.Join(append([]string{table}, parts...), ",\n  ") + "\n) ENGINE=InnoDB"}
	}
	commented := with()
	commented.SQL += " COMMENT='it''s \\' new'"
	view := Definition{SQL: "CREATE ALGORITHM=UNDEFINED VIEW `d`.`t` AS select `d`.`u`.`a` AS `a` from `d`.`u`", View: true}
	n := Names{Physical: func(shard, logical string) string { return logical + "_" + shard }}
	const alter = "ALTER TABLE `d_s1`.`t` "
	for _, c := range []struct {
		from, to Definition
		sql      string
		refused  string
	}{
		{with("KEY `k` (`v`)"), with(), alter + "DROP INDEX `k`", ""},
		{with(), with("UNIQUE KEY `a``b` (`v`)"), alter + "ADD UNIQUE KEY `a``b` (`v`)", ""},
		{with("KEY `k` (`v`)"), with("KEY `k` (`v`,`id`)"), alter + "DROP INDEX `k`, ADD KEY `k` (`v`,`id`)", ""},
		{with("CONSTRAINT `f` FOREIGN KEY (`v`) REFERENCES `u` (`id`)"), with("CONSTRAINT `c` CHECK (`v` > 1)"), alter + "DROP FOREIGN KEY `f`, ADD CONSTRAINT `c` CHECK (`v` > 1)", ""},
		{with(), commented, alter + "COMMENT='it''s \\' new'", ""},
		{commented, with(), alter + "COMMENT=''", ""},
		{with("KEY `a` (`v`)", "KEY `b` (`v`)"), with("KEY `b` (`v`)", "KEY `a` (`v`)"), "", "another order"},
		{with(), Definition{SQL: strings.Replace(with().SQL, "int(11) DEFAULT", "bigint(20) DEFAULT", 1)}, "", "its columns"},
		{with(), Definition{SQL: with().SQL + " ROW_FORMAT=COMPRESSED"}, "", "its options"},
		{with(), Definition{}, "DROP TABLE `d_s1`.`t`", ""},
		{Definition{}, with(), with().SQL, ""},
		{with(), view, "", "a table on one side"},
		{Definition{}, view, strings.ReplaceAll(view.SQL, "`d`.", "`d_s1`."), ""},
		{Definition{SQL: "CREATE VIEW x", View: true}, view, strings.ReplaceAll(strings.Replace(view.SQL, "CREATE", "CREATE OR REPLACE", 1), "`d`.", "`d_s1`."), ""},
		{view, Definition{}, "DROP VIEW `d_s1`.`t`", ""},
	} {
		step := change(o, c.from, c.to, n, "s1")
		if got := strings.Join(step.SQL, "; "); got != c.sql || !strings.Contains(step.Refused, c.refused) || (c.refused == "") != (step.Refused == "") {
			t.Errorf("from %s\nto %s\n got %s (%s)\nwant %s (%s)", c.from.SQL, c.to.SQL, got, step.Refused, c.sql, c.refused)
		}
		if dropsTable := c.sql == "DROP TABLE `d_s1`.`t`"; dropsTable != (step.empty != nil) {
			t.Errorf("%s: rows are looked for: %v", c.sql, step.empty != nil)
		}
	}
	routine := Object{Kind: Procedure, Database: "d", Name: "p"}
	step := change(routine, Definition{SQL: "CREATE PROCEDURE `p`() SELECT 1"}, Definition{SQL: "CREATE PROCEDURE `p`() SELECT 2", SQLMode: "ANSI"}, n, "s1")
	if len(step.SQL) != 2 || step.SQL[0] != "DROP PROCEDURE `d_s1`.`p`" || len(step.session.Vars) != 1 {
		t.Errorf("procedure: %+v", step)
	}
}
