package sharding

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"lockstep/config"
)

// TestMomentsLoseNoRows asks a real server which rows random conditions on dates and moments want, and looks whether the
// planned shards have them.
func TestMomentsLoseNoRows(t *testing.T) {
	db := openServer(t)
	conn, err := db.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	cfg := &config.Config{Shards: []config.Shard{{Name: "s1"}, {Name: "s2"}, {Name: "s3"}}, Schemas: []config.Schema{{Name: "shop"}}}
	var infos []TableInfo
	for _, columnType := range []string{"date", "datetime", "datetime(3)"} {
		for _, function := range []string{"year", "month", "day", "range"} {
			dataType, _, _ := strings.Cut(columnType, "(")
			name := fmt.Sprintf("by_%s_%s%d", function, dataType, len(columnType))
			cfg.Schemas[0].Tables = append(cfg.Schemas[0].Tables, config.Table{Name: name, Rule: config.Rule{ShardKey: config.Key{"at"}, Function: function,
				Ranges: []config.RangePart{{LessThan: "2023-12-31", Shard: "s1"}, {LessThan: "2024-03-01", Shard: "s2"}, {LessThan: "max", Shard: "s3"}}}})
			infos = append(infos, TableInfo{Database: "shop", Name: name, Columns: []ColumnInfo{{Name: "at", DataType: dataType, ColumnType: columnType}}})
		}
	}
	s, problems := NewSchema(cfg, infos)
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	stored := []string{"2022-12-31", "2023-01-01", "2023-12-30", "2023-12-31", "2024-01-01", "2024-02-28", "2024-02-29", "2024-03-01", "2024-03-02", "2025-01-01", "1999-06-15"}
	exec := func(q string) {
		t.Helper()
		if _, err := conn.ExecContext(t.Context(), q); err != nil {
			t.Fatalf("%s: %v", q, err)
		}
	}
	exec("CREATE OR REPLACE DATABASE moments")
	exec("USE moments")
	for _, info := range infos {
		exec("CREATE TABLE " + info.Name + " (at " + info.Columns[0].ColumnType + ")")
		for _, v := range stored {
			exec("INSERT INTO " + info.Name + " VALUES ('" + v + "')")
			if info.Columns[0].DataType != "date" {
				exec("INSERT INTO " + info.Name + " VALUES ('" + v + " 23:59:59'), ('" + v + " 00:00:01')")
			}
			if info.Columns[0].ColumnType == "datetime(3)" {
				exec("INSERT INTO " + info.Name + " VALUES ('" + v + " 23:59:59.999'), ('" + v + " 00:00:00.5')")
			}
		}
	}
	seed := uint64(rand.Uint32())
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 3))
	pick := func(list ...string) string { return list[r.IntN(len(list))] }
	value := func() string {
		v := stored[r.IntN(len(stored))]
		clock := pick("", "", " 00:00:00", " 23:59:59", "T12:00:00", " 00:00:00.5", " 23:59:59.9994")
		return pick("'"+v+clock+"'", "'"+v+clock+"'", "'"+v+clock+"'", "'"+v+"'", "DATE '"+v+"'", "TIMESTAMP '"+v+" 10:00:00'", "NULL", "20240229", "'24-2-29'", "'x'", "20240229101112", "'2024'")
	}
	compare := func() string {
		op := pick("<", "<=", ">", ">=", "=", "<=>")
		if r.IntN(4) == 0 {
			return value() + " " + op + " at"
		}
		return "at " + op + " " + value()
	}
	p := NewPlanner(s, Limits{})
	narrowed := 0
	for range 2500 {
		info := &infos[r.IntN(len(infos))]
		where := pick(compare()+" AND "+compare(), "at BETWEEN "+value()+" AND "+value(), compare(), "("+compare()+" AND "+compare()+") OR "+compare(), "at IN ("+value()+", "+value()+")")
		q := "SELECT at FROM " + info.Name + " WHERE " + where
		st, lits, err := p.Parse(testEnv(), []byte(q), nil)
		if err != nil {
			t.Fatalf("%s: %v", q, err)
		}
		var plan Plan
		if err := st.Plan(&plan, testInputs([]byte(q), lits)); err != nil {
			t.Fatalf("%s: %v", q, err)
		}
		var at shardSet
		for _, target := range plan.Targets {
			at.add(target.Shard)
		}
		if at.count() < 3 {
			narrowed++
		}
		rows, err := readRows(conn, "moments", q)
		if err != nil {
			continue // values that are no dates
		}
		tb, _ := s.Table("shop", info.Name)
		for _, row := range rows {
			k, _, f := tb.keys[0].convert(nil, &Value{Kind: ValString, B: []byte(row[:len(row)-1])}, charsetUTF8, storing)
			if f != fitExact {
				t.Fatalf("%s is not a key", row)
			}
			if !at.has(tb.place.shard(&k)) {
				t.Errorf("%s: goes to %v, which lack row %s (seed %d)", q, plan.Targets, row, seed)
			}
		}
	}
	if narrowed < 300 {
		t.Errorf("only %d narrowed", narrowed)
	}
}
