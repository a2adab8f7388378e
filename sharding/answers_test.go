package sharding

import (
	"context"
	"database/sql"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"lockstep/config"
)

// answerTables are the tables of TestPlannedShardsGiveTheAnswer. Their columns are whole numbers of the type that the table
// has, and those called name are text.
var answerTables = []struct {
	name    string
	columns []string
	key     []string // nil: a copy on every shard
	numbers string
}{
	{"users", []string{"id", "age", "land"}, []string{"id"}, "bigint"},
	{"orders", []string{"oid", "user_id", "total"}, []string{"user_id"}, "int"},
	{"items", []string{"user_id", "n", "v"}, []string{"user_id"}, "smallint unsigned"},
	{"pairs", []string{"a", "b", "v"}, []string{"a", "b"}, "int"},
	{"marks", []string{"a", "b", "w"}, []string{"a", "b"}, "tinyint"},
	{"lands", []string{"land", "x"}, nil, "int"},
	{"names", []string{"name", "id"}, []string{"name"}, "int"},
	{"nicks", []string{"name", "v"}, []string{"name"}, "int"},
}

// answerColumn is a column of one of them.
func answerColumn(name, numbers string) ColumnInfo {
	if name == "name" {
		return textColumn(name, 5, "utf8mb4_general_ci")
	}
	dataType, _, _ := strings.Cut(numbers, " ")
	return ColumnInfo{Name: name, DataType: dataType, ColumnType: numbers}
}

func answerSchema(t *testing.T) *Schema {
	cfg := &config.Config{Shards: []config.Shard{{Name: "s1"}, {Name: "s2"}, {Name: "s3"}}, Schemas: []config.Schema{{Name: "shop"}}}
	var tables []TableInfo
	for _, at := range answerTables {
		rule := config.Rule{Kind: "global"}
		if at.key != nil {
			rule = config.Rule{ShardKey: at.key}
		}
		cfg.Schemas[0].Tables = append(cfg.Schemas[0].Tables, config.Table{Name: at.name, Rule: rule})
		info := TableInfo{Database: "shop", Name: at.name}
		for _, c := range at.columns {
			info.Columns = append(info.Columns, answerColumn(c, at.numbers))
		}
		tables = append(tables, info)
	}
	s, problems := NewSchema(cfg, tables)
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	return s
}

// fillAnswers makes the database whole with all rows, and part0 to part2 with those of each shard.
func fillAnswers(t *testing.T, conn *sql.Conn, s *Schema, r *rand.Rand) {
	exec := func(q string) {
		t.Helper()
		if _, err := conn.ExecContext(context.Background(), q); err != nil {
			t.Fatalf("%s: %v", q, err)
		}
	}
	dbs := []string{"whole", "part0", "part1", "part2"}
	for _, db := range dbs {
		exec("DROP DATABASE IF EXISTS " + db)
		exec("CREATE DATABASE " + db)
		for _, at := range answerTables {
			var columns []string
			for _, c := range at.columns {
				info := answerColumn(c, at.numbers)
				columns = append(columns, c+" "+info.ColumnType)
			}
			exec("CREATE TABLE " + db + "." + at.name + " (" + strings.Join(columns, ", ") + ") DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci")
		}
	}
	for _, at := range answerTables {
		tb, _ := s.Table("shop", at.name)
		rows := make(map[string][]string)
		for range 14 {
			var values []string
			for _, c := range at.columns {
				v := strconv.Itoa(r.IntN(6))
				if c == "name" {
					v = []string{"'a'", "'A'", "'b '", "'B'", "'c'", "'3'"}[r.IntN(6)]
				}
				if r.IntN(9) == 0 {
					v = "NULL"
				}
				values = append(values, v)
			}
			row := "(" + strings.Join(values, ",") + ")"
			rows["whole"] = append(rows["whole"], row)
			if at.key == nil {
				for _, db := range dbs[1:] {
					rows[db] = append(rows[db], row)
				}
				continue
			}
			shard := tb.Rule.Shards[0]
			var keys []keyValue
			for _, i := range tb.keyColumns {
				if values[i] == "NULL" {
					continue
				}
				k, _, f := tb.keys[len(keys)].convert(nil, &Value{Kind: ValString, B: []byte(strings.Trim(values[i], "'"))}, charsetUTF8, storing)
				if f != fitExact {
					t.Fatalf("%s is no key of %s", values[i], at.name)
				}
				keys = append(keys, k)
			}
			if len(keys) == len(tb.keyColumns) {
				shard = tb.place.shardOf(keys)
			}
			db := fmt.Sprint("part", shard)
			rows[db] = append(rows[db], row)
		}
		for db, list := range rows {
			exec("INSERT INTO " + db + "." + at.name + " VALUES " + strings.Join(list, ","))
		}
	}
}

// answerMaker writes random queries.
type answerMaker struct {
	r     *rand.Rand
	alias int
	ctes  []scopeTable
}

type scopeTable struct {
	name    string
	columns []string
}

func (m *answerMaker) pick(list ...string) string { return list[m.r.IntN(len(list))] }
func (m *answerMaker) chance(n int) bool          { return m.r.IntN(n) == 0 }

func (m *answerMaker) name() string {
	m.alias++
	return fmt.Sprint("t", m.alias)
}

// table is a table, derived table or common table expression.
func (m *answerMaker) table(depth int) (text string, s scopeTable) {
	s.name = m.name()
	if depth > 0 && m.chance(4) {
		q, columns := m.query(depth-1, nil, true)
		s.columns = columns
		return "(" + q + ") " + s.name, s
	}
	if len(m.ctes) > 0 && m.chance(3) {
		c := m.ctes[m.r.IntN(len(m.ctes))]
		s.columns = c.columns
		return c.name + " " + s.name, s
	}
	at := answerTables[m.r.IntN(len(answerTables))]
	if m.chance(2) {
		at = answerTables[m.r.IntN(3)]
	}
	s.columns = at.columns
	return at.name + " " + s.name, s
}

// keyLike prefers columns that often are keys.
func (m *answerMaker) keyLike(s scopeTable) string {
	for _, c := range []string{"id", "user_id", "a", "name", "k0"} {
		if slices.Contains(s.columns, c) && !m.chance(9) {
			return s.name + "." + c
		}
	}
	return s.name + "." + m.pick(s.columns...)
}

func (m *answerMaker) column(scope []scopeTable) string {
	return m.keyLike(scope[m.r.IntN(len(scope))])
}

// on is the condition of a join between l and r.
func (m *answerMaker) on(l []scopeTable, r scopeTable, depth int) string {
	other := l[m.r.IntN(len(l))]
	c := m.keyLike(other) + m.pick(" = ", " = ", " = ", " = ", " <=> ") + m.keyLike(r)
	if slices.Contains(other.columns, "a") && slices.Contains(r.columns, "a") && slices.Contains(other.columns, "b") && slices.Contains(r.columns, "b") {
		c = m.pick(fmt.Sprintf("%s.a = %s.a AND %s.b = %s.b", other.name, r.name, other.name, r.name), fmt.Sprintf("(%s.a, %s.b) = (%s.a, %s.b)", other.name, other.name, r.name, r.name), c)
	}
	if len(l) > 1 && m.chance(2) {
		c += " AND " + m.keyLike(l[m.r.IntN(len(l))]) + " = " + m.keyLike(r)
	}
	if m.chance(5) {
		c += " AND " + m.condition(append(slices.Clone(l), r), depth-1)
	}
	return c
}

func (m *answerMaker) from(depth int) (string, []scopeTable) {
	text, first := m.table(depth)
	scope := []scopeTable{first}
	for n := max(m.r.IntN(5)-2, 0); n > 0; n-- {
		right, s := m.table(depth)
		var inner []scopeTable
		if m.chance(5) { // a join in parentheses
			more, s2 := m.table(0)
			right = "(" + right + m.pick(" JOIN ", " LEFT JOIN ") + more + " ON " + m.on([]scopeTable{s}, s2, 0) + ")"
			inner = append(inner, s2)
		}
		switch {
		case len(inner) == 0 && m.chance(6) && slices.Contains(s.columns, "user_id") && slices.Contains(first.columns, "user_id") && len(scope) == 1:
			text += m.pick(" JOIN ", " LEFT JOIN ", " RIGHT JOIN ") + right + " USING (user_id)"
		case len(inner) == 0 && m.chance(12):
			text += m.pick(" NATURAL JOIN ", " NATURAL LEFT JOIN ") + right
		default:
			text += m.pick(" JOIN ", " JOIN ", " LEFT JOIN ", " LEFT JOIN ", " RIGHT JOIN ") + right + " ON " + m.on(scope, s, depth)
		}
		scope = append(append(scope, s), inner...)
	}
	return text, scope
}

func (m *answerMaker) value() string {
	return m.pick("0", "1", "2", "3", "4", "5", "3", "'2'", "NULL", "1+2", "-(-1)", "'a'", "'B '")
}

func (m *answerMaker) condition(scope []scopeTable, depth int) string {
	c := m.column(scope)
	if depth > 0 {
		switch m.r.IntN(12) {
		case 0:
			q, _ := m.query(depth-1, scope, false)
			return m.pick("EXISTS (", "NOT EXISTS (") + q + ")"
		case 1, 2:
			return c + m.pick(" IN (", " IN (", " NOT IN (", " = ANY (") + m.single(depth-1, scope) + ")"
		case 3:
			q, columns, _ := m.aggregate(depth-1, scope)
			_ = columns
			return c + m.pick(" = (", " < (") + q + ")"
		case 4:
			return "(" + m.condition(scope, depth-1) + m.pick(" OR ", " AND ") + m.condition(scope, depth-1) + ")"
		case 5:
			return "NOT (" + m.condition(scope, depth-1) + ")"
		}
	}
	switch m.r.IntN(9) {
	case 0:
		return c + " IN (" + m.value() + ", " + m.value() + ")"
	case 1:
		return c + m.pick(" = ", " <=> ", " < ") + m.column(scope)
	case 2:
		return fmt.Sprintf("(%s, %s) IN ((%s, %s), (%s, %s))", c, m.column(scope), m.value(), m.value(), m.value(), m.value())
	case 3:
		return c + m.pick(" IS NULL", " IS NOT NULL", " <> 2", " <=> 3", " <=> NULL")
	case 4:
		return c + " BETWEEN " + m.value() + " AND " + m.value()
	default:
		return c + " = " + m.value()
	}
}

// single is a query of one column.
func (m *answerMaker) single(depth int, outer []scopeTable) string {
	from, scope := m.from(depth)
	col := m.column(scope)
	text := "SELECT " + m.pick("", "", "DISTINCT ") + col + " FROM " + from + m.where(scope, outer, depth)
	switch {
	case m.chance(6):
		text += " GROUP BY " + col
	case m.chance(8):
		text = "SELECT MAX(" + col + ") FROM " + from
	case m.chance(8):
		other, s := m.from(0)
		text += m.pick(" UNION ", " UNION ALL ") + "SELECT " + m.column(s) + " FROM " + other
	case m.chance(12):
		text = "SELECT " + m.value()
	}
	return text
}

func (m *answerMaker) aggregate(depth int, outer []scopeTable) (string, []string, []scopeTable) {
	from, scope := m.from(depth)
	return "SELECT " + m.pick("COUNT(*)", "MAX(", "SUM(", "COUNT(DISTINCT ") + m.column(scope) + ") FROM " + from + m.where(scope, outer, depth), nil, scope
}

func (m *answerMaker) where(scope, outer []scopeTable, depth int) string {
	var list []string
	if len(outer) > 0 && !m.chance(4) {
		list = append(list, m.column(scope)+m.pick(" = ", " = ", " = ", " <=> ")+m.column(outer))
	}
	for m.chance(3) {
		list = append(list, m.condition(scope, depth))
	}
	if len(list) == 0 {
		return ""
	}
	return " WHERE " + strings.Join(list, " AND ")
}

// query is a query without order or limit. named says that its columns need names of their own.
func (m *answerMaker) query(depth int, outer []scopeTable, named bool) (string, []string) {
	from, scope := m.from(depth)
	n := 1 + m.r.IntN(3)
	var fields, columns, plain []string
	if named && m.chance(5) && len(scope) == 1 {
		return "SELECT * FROM " + from + m.where(scope, outer, depth), scope[0].columns
	}
	for i := range n {
		name := fmt.Sprint("k", i)
		col := m.column(scope)
		plain = append(plain, col)
		field := col
		switch {
		case depth > 0 && m.chance(8):
			q, _, _ := m.aggregate(depth-1, scope)
			field = "(" + q + ")"
		case m.chance(8):
			field = col + " + 1"
		case !named && m.chance(8):
			field = col + " IN (" + m.single(0, scope) + ")"
		}
		fields, columns = append(fields, field+" AS "+name), append(columns, name)
	}
	text := "SELECT " + m.pick("", "", "", "DISTINCT ") + strings.Join(fields, ", ") + " FROM " + from + m.where(scope, outer, depth)
	switch {
	case m.chance(6):
		text = "SELECT " + plain[0] + " AS k0, COUNT(*) AS k1 FROM " + from + m.where(scope, outer, depth) + " GROUP BY " + plain[0]
		columns = []string{"k0", "k1"}
	case m.chance(8):
		text = "SELECT " + strings.Join(fields, ", ") + ", " + m.pick("ROW_NUMBER", "RANK") + "() OVER (PARTITION BY " + m.column(scope) + " ORDER BY " + strings.Join(allColumns(scope), ", ") + ") AS w FROM " +
			from + m.where(scope, outer, depth)
		columns = append(columns, "w")
	case m.chance(6):
		other, s := m.from(0)
		var list []string
		for range columns {
			list = append(list, m.column(s))
		}
		text += m.pick(" UNION ", " UNION ALL ", " UNION ALL ", " EXCEPT ", " INTERSECT ") + "SELECT " + strings.Join(list, ", ") + " FROM " + other + m.where(s, outer, 0)
	}
	return text, columns
}

func allColumns(scope []scopeTable) (all []string) {
	for _, s := range scope {
		for _, c := range s.columns {
			all = append(all, s.name+"."+c)
		}
	}
	return all
}

func (m *answerMaker) statement() string {
	m.alias, m.ctes = 0, nil
	with := ""
	if m.chance(4) {
		for i := range 1 + m.r.IntN(2) {
			q, columns := m.query(1, nil, true)
			name := fmt.Sprint("c", i)
			with += m.pick(", ", ", ")[:2] + name + " AS (" + q + ")"
			m.ctes = append(m.ctes, scopeTable{name, columns})
		}
		with = "WITH " + with[2:] + " "
	}
	q, _ := m.query(2, nil, false)
	return with + q
}

func readRows(conn *sql.Conn, db, q string) ([]string, error) {
	if _, err := conn.ExecContext(context.Background(), "USE "+db); err != nil {
		return nil, err
	}
	rows, err := conn.QueryContext(context.Background(), q)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	names, err := rows.Columns()
	if err != nil {
		return nil, err
	}
	var out []string
	for rows.Next() {
		values := make([]sql.NullString, len(names))
		dst := make([]any, len(names))
		for i := range values {
			dst[i] = &values[i]
		}
		if err := rows.Scan(dst...); err != nil {
			return nil, err
		}
		var b strings.Builder
		for _, v := range values {
			if !v.Valid {
				v.String = "NULL"
			}
			// Which of the texts that compare equal stands for a group is open.
			b.WriteString(strings.ToLower(strings.TrimRight(v.String, " ")) + "|")
		}
		out = append(out, b.String())
	}
	return out, rows.Err()
}

// TestPlannedShardsGiveTheAnswer runs random queries on one server with all rows and, as planned, on the shards' rows: put
// one behind the other, the rows of the shards have to be the answer. Plans that merge more than that are not looked at here.
func TestPlannedShardsGiveTheAnswer(t *testing.T) {
	rounds := 1500
	if n, err := strconv.Atoi(os.Getenv("LOCKSTEP_ANSWERS")); err == nil {
		rounds = n
	}
	db := openServer(t)
	conn, err := db.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	s := answerSchema(t)
	p := NewPlanner(s, Limits{})
	seed := uint64(rand.Uint32())
	if n, err := strconv.ParseUint(os.Getenv("LOCKSTEP_SEED"), 10, 64); err == nil {
		seed = n
	}
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 7))
	m := &answerMaker{r: r}
	one, several, merged, refused, wrong, bad := 0, 0, 0, 0, 0, 0
	for i := range rounds {
		if i%300 == 0 {
			fillAnswers(t, conn, s, r)
		}
		q := m.statement()
		st, lits, err := p.Parse(testEnv(), []byte(q), nil)
		if err != nil {
			refused++
			continue
		}
		var plan Plan
		if err := st.Plan(&plan, &Inputs{SQL: []byte(q), Literals: lits, Prefer: -1}); err != nil {
			refused++
			continue
		}
		if plan.Merge != nil && len(plan.Targets) > 1 {
			merged++
			continue
		}
		want, err := readRows(conn, "whole", q)
		if err != nil {
			bad++
			continue
		}
		var got []string
		for _, target := range plan.Targets {
			text := q
			if target.SQL != nil {
				text = string(target.SQL)
			}
			rows, err := readRows(conn, fmt.Sprint("part", target.Shard), text)
			if err != nil {
				t.Fatalf("%s: %v", text, err)
			}
			got = append(got, rows...)
		}
		if len(plan.Targets) == 1 {
			one++
		} else {
			several++
		}
		slices.Sort(want)
		slices.Sort(got)
		if !slices.Equal(want, got) {
			if wrong++; wrong <= 5 {
				t.Errorf("%s\n on %d shards (%s): %d rows, want %d (seed %d)\n got  %v\n want %v", q, len(plan.Targets), plan.Why, len(got), len(want), seed, got, want)
			}
		}
	}
	t.Logf("%d on one shard, %d on several, %d merged, %d refused, %d not valid of %d; %d wrong", one, several, merged, refused, bad, rounds, wrong)
	if one+several < rounds/10 {
		t.Error("too few are tested")
	}
}
