package sharding

import (
	"strings"
	"testing"
)

func TestCallIsContentWithOneShard(t *testing.T) {
	s := testSchema(t)
	s.AddRoutines([]Routine{
		{Database: "shop", Name: "Plain", Body: "BEGIN SELECT 1; SET @a = REPLACE('x', 'y', INSERT('a', 1, 1, 'b')); END"},
		{Database: "shop", Name: "copies", Body: "SELECT COUNT(*) FROM countries"},
		{Database: "shop", Name: "two_singles", Body: "BEGIN SELECT * FROM settings; SELECT * FROM jobs; END"},
		{Database: "shop", Name: "single", Body: "UPDATE settings SET v = 1 WHERE k = a"},
		{Database: "shop", Name: "single_and_copy", Body: "SELECT * FROM jobs JOIN shop.countries"},
		{Database: "shop", Name: "sharded", Body: "BEGIN DECLARE n INT; SELECT COUNT(*) INTO n FROM users; END"},
		{Database: "other", Name: "sharded", Body: "SELECT * FROM shop.users"},
		{Database: "other", Name: "unrelated", Body: "SELECT * FROM users"},
		{Database: "shop", Name: "write_copy", Body: "INSERT INTO countries VALUES ('x', 'y')"},
		{Database: "shop", Name: "dynamic", Body: "BEGIN SET @q = 'SELECT * FROM users'; PREPARE x FROM @q; EXECUTE x; END"},
		{Database: "shop", Name: "defines", Body: "CREATE TABLE t (a INT)"},
		{Database: "shop", Name: "temporary", Body: "BEGIN CREATE TEMPORARY TABLE t (a INT); DROP TEMPORARY TABLE t; END"},
		{Database: "shop", Name: "hidden"},
		{Database: "shop", Name: "calls", Body: "CALL sharded()"},
		{Database: "shop", Name: "calls_plain", Body: "BEGIN CALL plain(); CALL shop.calls_plain(); END"},
		{Database: "shop", Name: "calls_unknown", Body: "CALL gone()"},
		{Database: "shop", Name: "uses", Body: "SELECT total(3)"},
		{Database: "shop", Name: "total", Function: true, Body: "RETURN (SELECT SUM(total) FROM orders WHERE user_id = n)"},
		{Database: "shop", Name: "unreadable", Body: "SELECT 'x"},
	})
	p := NewPlanner(s, Limits{})
	for _, c := range []struct{ sql, want string }{
		{"CALL plain()", "0"}, {"CALL shop.PLAIN(1, @x)", "0"}, {"CALL copies", "0"}, {"CALL two_singles()", "refused: different shards"},
		{"CALL single(1)", "1"}, {"CALL single_and_copy()", "2"}, {"CALL sharded()", "refused: table users"}, {"CALL other.sharded()", "refused: table users"},
		{"CALL other.unrelated()", "0"}, {"CALL write_copy()", "refused: table countries"}, {"CALL dynamic()", "refused: makes statements"},
		{"CALL defines()", "refused: definition"}, {"CALL temporary()", "0"}, {"CALL hidden()", "refused: may not see"}, {"CALL calls()", "refused: table users"},
		{"CALL calls_plain()", "0"}, {"CALL calls_unknown()", "refused: gone"}, {"CALL uses()", "refused: table orders"}, {"CALL unreadable()", "refused: not read"},
		{"CALL nowhere()", "refused: PROCEDURE shop.nowhere does not exist"}, {"CALL /*+ shard(s3) */ sharded()", "2"}, {"CALL sys.anything()", "0"},
	} {
		var plan Plan
		st, lits, err := p.Parse(testEnv(), []byte(c.sql), nil)
		if err == nil {
			err = st.Plan(&plan, &Inputs{SQL: []byte(c.sql), Literals: lits, Prefer: -1})
		}
		reason, refused := strings.CutPrefix(c.want, "refused: ")
		switch {
		case refused && (err == nil || !strings.Contains(err.Error(), reason)):
			t.Errorf("%s: %v, want %s", c.sql, err, c.want)
		case !refused && err != nil:
			t.Errorf("%s: %v", c.sql, err)
		case !refused && (len(plan.Targets) != 1 || string(rune('0'+plan.Targets[0].Shard)) != c.want):
			t.Errorf("%s: on %v, want %s", c.sql, plan.Targets, c.want)
		}
	}
}

// TestViewsCallWhatTheirQueriesCall: a statement on a view that calls a stored function may write.
func TestViewsCallWhatTheirQueriesCall(t *testing.T) {
	s, _ := viewSchema(t, map[string]TableInfo{
		"bumped": {Definition: "select `bump`(`shop`.`countries`.`v`) AS `v` from `shop`.`countries`", Columns: columnsNamed("v")},
		"of_it":  {Definition: "select `shop`.`bumped`.`v` AS `v` from `shop`.`bumped`", Columns: columnsNamed("v")},
	})
	st, _, err := NewPlanner(s, Limits{}).Parse(testEnv(), []byte("SELECT * FROM of_it"), nil)
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(st.Functions, " "); got != "bump" {
		t.Errorf("functions %q", got)
	}
}
