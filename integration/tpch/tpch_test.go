package tpch

import (
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"

	"lockstep/integration/cluster"
)

func TestMain(m *testing.M) { cluster.Main(m) }

const (
	shards = 3
	batch  = 1000 // rows of one INSERT
)

// plain starts one server.
func plain(t *testing.T) string {
	t.Helper()
	s := cluster.PlainServer(t, cluster.Engine(t))
	return fmt.Sprintf("%s:%s@tcp(%s)/", cluster.User, cluster.Password, s.Address())
}

// open makes the database and fills it.
func open(t *testing.T, server string, data []*rows) *sql.DB {
	t.Helper()
	root, err := sql.Open("mysql", server)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := root.Exec("CREATE DATABASE tpch"); err != nil {
		t.Fatal(err)
	}
	if err := root.Close(); err != nil {
		t.Fatal(err)
	}
	db, err := sql.Open("mysql", server+"tpch")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() }) // the server may be gone
	for _, d := range definitions {
		if _, err := db.Exec(d); err != nil {
			t.Fatalf("%v\n%s", err, d)
		}
	}
	for _, r := range data {
		for part := range slices.Chunk(r.list, batch) {
			if _, err := db.Exec("INSERT INTO " + r.table + " VALUES " + strings.Join(part, ",")); err != nil {
				t.Fatalf("fill %s: %v", r.table, err)
			}
		}
	}
	for _, r := range data { // plans do not wait for statistics
		if _, err := db.Exec("ANALYZE TABLE " + r.table); err != nil {
			t.Fatal(err)
		}
	}
	return db
}

// answer is what a query says.
type answer struct {
	columns []string
	rows    []string
	values  int // that are not NULL
	took    time.Duration
}

func ask(db *sql.DB, q string) (*answer, error) {
	begun := time.Now()
	r, err := db.Query(q)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	a := &answer{}
	types, err := r.ColumnTypes()
	if err != nil {
		return nil, err
	}
	for _, c := range types {
		precision, digits, _ := c.DecimalSize()
		nullable, _ := c.Nullable()
		a.columns = append(a.columns, fmt.Sprintf("%s %s(%d,%d) null=%v", c.Name(), c.DatabaseTypeName(), precision, digits, nullable))
	}
	values, into := make([]sql.NullString, len(types)), make([]any, len(types))
	for i := range values {
		into[i] = &values[i]
	}
	for r.Next() {
		if err := r.Scan(into...); err != nil {
			return nil, err
		}
		var row []string
		for _, v := range values {
			if !v.Valid {
				row = append(row, "NULL")
				continue
			}
			row = append(row, v.String)
			a.values++
		}
		a.rows = append(a.rows, strings.Join(row, "|"))
	}
	a.took = time.Since(begun)
	return a, r.Err()
}

// way is how the proxy answers a query, from EXPLAIN LOCKSTEP.
func way(t *testing.T, db *sql.DB, q string) string {
	t.Helper()
	a, err := ask(db, "EXPLAIN LOCKSTEP "+q)
	if err != nil {
		return err.Error()
	}
	var steps []string
	sent := map[string]int{} // statements for the shards
	for _, row := range a.rows {
		step, rest, _ := strings.Cut(row, "|")
		if shard, text, _ := strings.Cut(rest, "|"); shard != "" {
			sent[step]++
		} else {
			steps = append(steps, step+": "+text)
		}
	}
	for step, n := range sent {
		steps = append(steps, fmt.Sprintf("%d × %s", n, step))
	}
	return strings.Join(steps, "; ")
}

func TestQueries(t *testing.T) {
	data := generate()
	c := cluster.Start(t, cluster.Options{Shards: shards, Config: rules})
	c.StartProxy()
	begun := time.Now()
	server := open(t, plain(t), data)
	proxy := open(t, strings.TrimSuffix(c.DSN(""), "/")+"/", data)
	t.Logf("filled in %.1f s", time.Since(begun).Seconds())
	for n := 1; n < len(queries); n++ {
		q := queries[n]
		want, err := ask(server, q)
		if err != nil {
			t.Fatalf("query %d: plain server: %v", n, err)
		}
		if want.values == 0 {
			t.Errorf("query %d has an empty answer", n)
		}
		got, err := ask(proxy, q)
		var my *mysql.MySQLError
		if errors.As(err, &my) {
			t.Errorf("query %d: %v", n, my)
			continue
		}
		if err != nil {
			t.Fatalf("query %d: %v", n, err)
		}
		t.Logf("query %2d: %3d rows, plain %v, proxy %v; %.300s", n, len(want.rows), want.took.Round(time.Millisecond), got.took.Round(time.Millisecond), way(t, proxy, q))
		if !slices.Equal(want.rows, got.rows) {
			t.Errorf("query %d: rows differ\nplain:\n%s\nproxy:\n%s", n, strings.Join(want.rows, "\n"), strings.Join(got.rows, "\n"))
		}
		if !slices.Equal(want.columns, got.columns) {
			t.Errorf("query %d: columns differ\nplain: %q\nproxy: %q", n, want.columns, got.columns)
		}
	}
}
