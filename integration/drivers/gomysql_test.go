package drivers

import (
	"fmt"
	"strings"
	"testing"

	"github.com/go-mysql-org/go-mysql/client"
	"github.com/go-mysql-org/go-mysql/mysql"

	"lockstep/integration/cluster"
)

// goMySQL is a connection of the other Go driver, which also takes single packets.
func goMySQL(t *testing.T, c *cluster.Cluster, database string) *client.Conn {
	t.Helper()
	conn, err := client.Connect(c.Listen, cluster.User, cluster.Password, database, func(conn *client.Conn) error {
		conn.UnsetCapability(mysql.CLIENT_DEPRECATE_EOF)    // tests count packets
		conn.UnsetCapability(mysql.CLIENT_QUERY_ATTRIBUTES) // and write statements by hand
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() }) // the test may have ended it already
	return conn
}

func TestGoMySQL(t *testing.T) {
	c := start(t, cluster.Options{})
	conn := goMySQL(t, c, "d")
	run := func(query string, args ...any) *mysql.Result {
		t.Helper()
		r, err := conn.Execute(query, args...)
		if err != nil {
			t.Fatalf("%.100s: %v", query, err)
		}
		return r
	}
	run("CREATE TABLE n (id BIGINT PRIMARY KEY AUTO_INCREMENT, s VARCHAR(50), f DOUBLE)")
	var values []string
	for i := range 500 {
		values = append(values, fmt.Sprintf("('row %d', %d.5)", i, i))
	}
	if r := run("INSERT INTO n (s, f) VALUES " + strings.Join(values, ",")); r.AffectedRows != 500 || r.InsertId != 1 {
		t.Errorf("%d rows, first id %d", r.AffectedRows, r.InsertId)
	}

	t.Run("streaming", func(t *testing.T) {
		for _, query := range []string{"SELECT id, s FROM n ORDER BY id", "SELECT id, s FROM n"} {
			var result mysql.Result
			n, fields := 0, 0
			err := conn.ExecuteSelectStreaming(query, &result, func(row []mysql.FieldValue) error {
				n++
				if strings.Contains(query, "ORDER") && (row[0].AsInt64() != int64(n) || string(row[1].AsString()) != fmt.Sprint("row ", n-1)) {
					return fmt.Errorf("row %d is %d, %s", n, row[0].AsInt64(), row[1].AsString())
				}
				return nil
			}, func(r *mysql.Result) error { fields = len(r.Fields); return nil })
			if err != nil || n != 500 || fields != 2 {
				t.Errorf("%s: %d rows, %d fields, %v", query, n, fields, err)
			}
		}
	})
	t.Run("prepared statements are used again", func(t *testing.T) {
		st, err := conn.Prepare("SELECT s, f FROM n WHERE id = ?")
		if err != nil {
			t.Fatal(err)
		}
		defer st.Close()
		if st.ParamNum() != 1 || st.ColumnNum() != 2 {
			t.Errorf("%d parameters, %d columns", st.ParamNum(), st.ColumnNum())
		}
		for _, arg := range []any{1, int64(2), "3", uint8(4), 5.0, []byte("6")} {
			r, err := st.Execute(arg)
			if err != nil {
				t.Fatal(err)
			}
			if n := r.RowNumber(); n != 1 {
				t.Fatalf("%T %v: %d rows", arg, arg, n)
			}
		}
		if r, err := st.Execute(nil); err != nil || r.RowNumber() != 0 {
			t.Errorf("NULL: %v, %v", r, err)
		}
		in, err := conn.Prepare("UPDATE n SET f = f + ? WHERE id IN (?, ?, ?)")
		if err != nil {
			t.Fatal(err)
		}
		defer in.Close()
		for i := 1; i < 20; i++ {
			if r, err := in.Execute(1.25, i, i+100, i+200); err != nil || r.AffectedRows != 3 {
				t.Fatalf("execution %d: %v, %v", i, r, err)
			}
		}
	})
	t.Run("transactions", func(t *testing.T) {
		if err := conn.Begin(); err != nil {
			t.Fatal(err)
		}
		run("UPDATE n SET f = 0")
		if !conn.IsInTransaction() {
			t.Error("the status does not say that a transaction is open")
		}
		if err := conn.Rollback(); err != nil {
			t.Fatal(err)
		}
		if conn.IsInTransaction() {
			t.Error("the status says that a transaction is open after ROLLBACK")
		}
		if n, _ := run("SELECT COUNT(*) FROM n WHERE f = 0").GetInt(0, 0); n != 0 {
			t.Errorf("%d rows changed by what was rolled back", n)
		}
		run("SET autocommit = 0")
		if conn.IsAutoCommit() {
			t.Error("the status says autocommit")
		}
		run("SET autocommit = 1")
	})
	t.Run("columns of a table", func(t *testing.T) {
		for wildcard, want := range map[string]string{"": "id s f", "s%": "s", "nothing": ""} {
			fields, err := conn.FieldList("n", wildcard)
			if err != nil {
				t.Fatal(err)
			}
			var names []string
			for _, f := range fields {
				names = append(names, string(f.Name))
			}
			if got := strings.Join(names, " "); got != want {
				t.Errorf("%q: %s, want %s", wildcard, got, want)
			}
		}
		if _, err := conn.FieldList("nowhere", ""); mysql.ErrorCode(err.Error()) != 1146 {
			t.Errorf("no such table: %v", err)
		}
		if err := conn.Ping(); err != nil {
			t.Error(err)
		}
	})
	t.Run("change of database and character set", func(t *testing.T) {
		if err := conn.UseDB("nowhere"); err == nil || mysql.ErrorCode(err.Error()) != 1049 {
			t.Errorf("unknown database: %v", err)
		}
		if err := conn.UseDB("d"); err != nil {
			t.Error(err)
		}
		if err := conn.SetCharset("latin1"); err != nil {
			t.Error(err)
		}
		if s, err := run("SELECT @@character_set_results").GetString(0, 0); s != "latin1" {
			t.Errorf("%s, %v", s, err)
		}
	})
	t.Run("several statements", func(t *testing.T) {
		if err := conn.SetCapability(mysql.CLIENT_MULTI_STATEMENTS); err != nil {
			t.Fatal(err)
		}
		multi, err := client.Connect(c.Listen, cluster.User, cluster.Password, "d", func(c *client.Conn) error { return c.SetCapability(mysql.CLIENT_MULTI_STATEMENTS) })
		if err != nil {
			t.Fatal(err)
		}
		defer multi.Close()
		var results, rows int
		_, err = multi.ExecuteMultiple("SELECT 1; DELETE FROM n WHERE id = 500; SELECT s FROM n WHERE id < 4; SELECT nope", func(r *mysql.Result, err error) {
			if err != nil {
				if mysql.ErrorCode(err.Error()) != 1054 {
					t.Errorf("error %v", err)
				}
				return
			}
			results++
			if r != nil && r.Resultset != nil {
				rows += r.RowNumber()
			}
		})
		if err != nil || results != 3 || rows != 4 {
			t.Errorf("%d results, %d rows, %v", results, rows, err)
		}
		if err := multi.Ping(); err != nil {
			t.Error(err)
		}
	})
}
