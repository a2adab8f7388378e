package merging

import (
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// drawer draws grouped queries over events: their groups lie on several shards.
type drawer struct{ *rand.Rand }

func (r drawer) pick(list ...string) string { return list[r.IntN(len(list))] }
func (r drawer) chance(percent int) bool    { return r.IntN(100) < percent }

// aggregate draws one whose value no order of rows changes. Sums of f are exact.
func (r drawer) aggregate() string {
	number := r.pick("i", "u", "d", "f", "kind", "big", "i + kind", "d * 2", "CASE WHEN kind = 1 THEN d ELSE 0 END", "i IS NULL", "y", "ABS(i)")
	any := r.pick("i", "s", "b", "dt", "ts", "tm", "d", "f", "e", "account", "fl", "UPPER(b)", "kind")
	switch r.IntN(10) {
	case 0:
		return "COUNT(*)"
	case 1:
		return "COUNT(" + any + ")"
	case 2, 3:
		return "SUM(" + number + ")"
	case 4:
		return "AVG(" + number + ")"
	case 5:
		return r.pick("MIN(", "MAX(") + r.pick("i", "u", "d", "f", "dt", "ts", "tm", "b", "e", "y", "big", "account", "CONCAT(b, '-')", "i * d") + ")"
	case 6:
		return r.pick("BIT_OR(", "BIT_XOR(", "BIT_AND(") + r.pick("i", "kind", "u") + ")"
	case 7:
		return "COUNT(DISTINCT " + any + ")"
	case 8:
		return "SUM(DISTINCT " + r.pick("i", "d", "kind", "i + kind") + ")"
	}
	return r.pick("MIN", "MAX") + "(" + r.pick("i", "d", "kind") + ")"
}

// number draws an expression over aggregates and grouped columns.
func (r drawer) number(groups []string, depth int) string {
	if depth > 0 && r.chance(60) {
		a, b := r.number(groups, depth-1), r.number(groups, depth-1)
		return fmt.Sprintf(r.pick("(%s + %s)", "%s / %s", "(%s - %s) * 0.5", "IFNULL(%s, %s)", "ROUND(%s, 2) + %s", "(%s) > (%s)", "COALESCE(%s, %s)", "IF(%s > 3, 1, %s)",
			"GREATEST(%s, %s)", "CASE WHEN %s > 1 THEN %s ELSE NULL END", "NULLIF(%s, %s)", "%s DIV (1 + ABS(%s))", "(%s IS NULL) + %s"), a, b)
	}
	if len(groups) > 0 && r.chance(15) {
		if g := r.pick(groups...); g == "kind" || g == "i" {
			return g
		}
	}
	if r.chance(15) {
		return r.pick("1", "2.5", "0", "-3", "NULL")
	}
	return r.pick("COUNT(*)", "SUM(i)", "SUM(d)", "AVG(i)", "AVG(d)", "SUM(f)", "MAX(i)", "MIN(d)", "COUNT(dt)", "MAX(kind)", "COUNT(DISTINCT i)", "SUM(CASE WHEN i > 1 THEN d END)", "MIN(u)")
}

func (r drawer) query() string {
	var groups []string
	for range r.IntN(3) {
		if g := r.pick("kind", "kind", "i", "dt", "b", "YEAR(dt)", "e", "tm", "i IS NULL", "account % 3", "d", "ts", "MONTH(dt)"); !slices.Contains(groups, g) {
			groups = append(groups, g)
		}
	}
	var items, order []string
	items = append(items, groups...)
	for n := range r.IntN(3) + 1 {
		item := r.aggregate()
		switch r.IntN(3) {
		case 0:
			item = r.number(groups, 2)
		case 1:
			item = r.pick("CONCAT("+r.aggregate()+", ':', "+r.aggregate()+")", "MAX(dt) + INTERVAL "+r.pick("1", "COUNT(*)")+" DAY", "DATEDIFF(MAX(dt), MIN(dt))", "LENGTH(MAX(b))", "MAX(b) > 'a'", "YEAR(MAX(ts))", "-SUM(i)", "NOT COUNT(*)", "SUM(i) BETWEEN 1 AND 10", item)
		}
		if r.chance(40) {
			item += fmt.Sprintf(" AS x%d", n)
			if r.chance(50) {
				order = append(order, fmt.Sprintf("x%d", n)+r.pick("", " DESC"))
			}
		}
		items = append(items, item)
	}
	r.Shuffle(len(items), func(i, j int) { items[i], items[j] = items[j], items[i] })
	q := "SELECT "
	distinct := r.chance(10)
	if distinct {
		q += "DISTINCT "
	}
	q += strings.Join(items, ", ") + " FROM events"
	q += r.pick("", "", " WHERE kind < 3", " WHERE i IS NOT NULL", " WHERE account > 20", " WHERE i > 1000", " WHERE dt > '2000-01-01'")
	if len(groups) > 0 {
		q += " GROUP BY " + strings.Join(groups, ", ")
	}
	if r.chance(35) {
		q += " HAVING " + r.number(groups, 1) + r.pick(" > ", " <= ", " <> ") + r.pick("0", "3", "1.5")
	}
	if distinct {
		return q
	}
	if r.chance(30) {
		order = append(order, r.number(groups, 1)+r.pick("", " DESC"))
	}
	for _, g := range groups {
		order = append(order, g+r.pick("", " DESC", " ASC"))
	}
	if len(order) > 0 && r.chance(80) {
		q += " ORDER BY " + strings.Join(order, ", ")
		if r.chance(40) {
			q += r.pick(" LIMIT 3", " LIMIT 2, 3", " LIMIT 0", " LIMIT 1 OFFSET 1")
		}
	}
	return q
}

// testRandom draws LOCKSTEP_MERGE_QUERIES queries from LOCKSTEP_MERGE_SEED.
func testRandom(t *testing.T, w *world) {
	count, seed := 250, uint64(1)
	if n, err := strconv.Atoi(os.Getenv("LOCKSTEP_MERGE_QUERIES")); err == nil {
		count = n
	}
	if n, err := strconv.ParseUint(os.Getenv("LOCKSTEP_MERGE_SEED"), 10, 64); err == nil {
		seed = n
	}
	// How often a quotient is computed, and warned about, depends on the server's plan.
	w.both(t, "SET @@sql_mode = 'STRICT_TRANS_TABLES'")
	defer w.both(t, "SET @@sql_mode = DEFAULT")
	r := drawer{rand.New(rand.NewPCG(seed, 5))}
	merged := 0
	for range count {
		sql := r.query()
		w.compare(t, sql)
		if plan := ask(t, w.proxy, "EXPLAIN LOCKSTEP "+sql, true); len(plan.rows) > 0 && !strings.Contains(plan.rows[0], "one server") {
			merged++
		}
	}
	t.Logf("seed %d: %d queries, %d of them merged", seed, count, merged)
	if merged < count*7/10 {
		t.Errorf("only %d of %d queries were merged", merged, count)
	}
}
