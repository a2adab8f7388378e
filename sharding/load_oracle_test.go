package sharding

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"

	"lockstep/config"
	"lockstep/localdb"
)

// loadServers are the servers whose reading of files is the right one.
func loadServers(t *testing.T) map[string]*sql.DB {
	t.Helper()
	servers := map[string]*sql.DB{"MariaDB": openServer(t)}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	s, err := localdb.Start(ctx, localdb.Options{Dir: t.TempDir(), Engine: localdb.MySQL})
	if err != nil {
		t.Logf("MySQL is left out: %v", err)
		return servers
	}
	t.Cleanup(func() {
		if err := s.Kill(); err != nil {
			t.Error(err)
		}
	})
	db, err := s.Root()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	if _, err := db.Exec("SET GLOBAL local_infile = 1"); err != nil {
		t.Fatal(err)
	}
	servers["MySQL"] = db
	return servers
}

// randomFormat draws what FIELDS and LINES say.
func randomFormat(r *rand.Rand) string {
	pick := func(list ...string) string { return list[r.IntN(len(list))] }
	s := ""
	if r.IntN(4) > 0 {
		s += " FIELDS TERMINATED BY " + pick("','", "'\\t'", "';'", "'ab'", "'||'", "'a'")
		if r.IntN(3) > 0 {
			s += pick(" OPTIONALLY", "") + " ENCLOSED BY " + pick("'\"'", "'\\''", "'|'", "''")
		}
		if r.IntN(2) > 0 {
			s += " ESCAPED BY " + pick("'\\\\'", "''", "'\"'", "'!'")
		}
	}
	if r.IntN(3) > 0 {
		s += " LINES"
		if r.IntN(3) == 0 {
			s += " STARTING BY " + pick("'>'", "'>>'", "'xx'")
		}
		s += " TERMINATED BY " + pick("'\\n'", "'\\r\\n'", "';'", "'aab'", "'\\n\\n'", "','", "''")
	}
	if r.IntN(4) == 0 {
		s += fmt.Sprintf(" IGNORE %d LINES", r.IntN(4))
	}
	return s
}

func randomFile(r *rand.Rand) []byte {
	alphabet := []string{"\n", "\n", ",", "\"", "\\", "a", "b", "|", ";", "'", "!", ">", "x", "N", "NULL", "\\N", "\"\"", "\",\"", "\r\n", "é", "0", "1", "\t", "ab", "n", ","}
	var b bytes.Buffer
	for range r.IntN(60) {
		b.WriteString(alphabet[r.IntN(len(alphabet))])
	}
	return b.Bytes()
}

// TestLinesAsServersReadThem compares the reading of lines with the servers' own: the same lines, with the same fields, and the
// same again when the lines are dealt to two files.
func TestLinesAsServersReadThem(t *testing.T) {
	schema := loadSchema(t)
	env := testEnv()
	for name, db := range loadServers(t) {
		t.Run(name, func(t *testing.T) {
			conn, err := db.Conn(context.Background())
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			exec := func(q string) {
				t.Helper()
				if _, err := conn.ExecContext(context.Background(), q); err != nil {
					t.Fatalf("%s: %v", q, err)
				}
			}
			exec("CREATE DATABASE files")
			defer exec("DROP DATABASE files")
			exec("USE files")
			exec("CREATE TABLE file (n INT AUTO_INCREMENT PRIMARY KEY, a VARBINARY(200), b VARBINARY(200), c VARBINARY(200))")
			exec("SET SESSION sql_mode = 'STRICT_TRANS_TABLES'")
			seed := uint64(time.Now().UnixNano())
			t.Logf("seed %d", seed)
			r := rand.New(rand.NewPCG(seed, 1))
			read, refused := 0, 0
			for range 250 {
				format, content := randomFormat(r), randomFile(r)
				charset := []string{"utf8mb4", "binary", "latin1"}[r.IntN(3)]
				text := "LOAD DATA LOCAL INFILE 'Reader::f' INTO TABLE file CHARACTER SET " + charset + format + " (a, b, c)"
				whole := content
				at := func() string { return fmt.Sprintf("%s\n%q", text, whole) }
				st, lits, err := NewPlanner(schema, Limits{}).Parse(env, []byte(text), nil)
				if err != nil {
					refused++
					continue
				}
				plan := &Plan{}
				in := &Inputs{SQL: []byte(text), Literals: lits, Prefer: -1}
				if err := st.Plan(plan, in); err != nil {
					t.Fatalf("%s: %v", at(), err)
				}
				load := func(text string, content []byte) (rows []string) {
					exec("DELETE FROM file")
					mysql.RegisterReaderHandler("f", func() io.Reader { return bytes.NewReader(content) })
					defer mysql.DeregisterReaderHandler("f")
					if _, err := conn.ExecContext(context.Background(), text); err != nil {
						t.Fatalf("%s: %v", at(), err)
					}
					return fileRows(t, conn)
				}
				want := load(text, content)
				var got []string
				var dealt [2][]byte
				lines := plan.Load.Lines
				anywhere := *lines.l // this is about lines, not keys
				table := *anywhere.table
				table.Rule.Kind = Global
				anywhere.table, lines.l = &table, &anywhere
				for err == nil {
					piece := min(len(content), 1+r.IntN(20))
					lines.Feed(content[:piece])
					content = content[piece:]
					if len(content) == 0 {
						lines.End()
					}
					var line []byte
					ok := true
					for ok {
						if _, line, ok, err = lines.Next(); ok {
							dealt[len(got)%2] = append(dealt[len(got)%2], line...)
							got = append(got, readFields(t, &lines.format, line))
						}
					}
					if len(content) == 0 {
						break
					}
				}
				if err != nil { // an escaped character past ASCII where servers differ
					if !bytes.Contains(whole, []byte("é")) {
						t.Fatalf("%s: %v", at(), err)
					}
					refused++
					continue
				}
				if !slices.Equal(got, want) {
					t.Fatalf("%s\n got %q\nwant %q", at(), got, want)
				}
				read += len(got)
				both := append(load(string(plan.Targets[0].SQL), dealt[0]), load(string(plan.Targets[0].SQL), dealt[1])...)
				slices.Sort(both)
				slices.Sort(want)
				if !slices.Equal(both, want) {
					t.Fatalf("%s\ndealt %q\nwant %q", at(), both, want)
				}
			}
			if read < 150 || refused > 80 {
				t.Errorf("%d lines were read and %d files refused: the test shows too little", read, refused)
			}
		})
	}
}

// loadSchema has a table whose lines are cut, and keys of any bytes.
func loadSchema(t *testing.T) *Schema {
	t.Helper()
	bytesColumn := func(name string) ColumnInfo {
		return ColumnInfo{Name: name, DataType: "varbinary", ColumnType: "varbinary(200)", CharLength: 200}
	}
	s, problems := NewSchema(&config.Config{
		Shards:  []config.Shard{{Name: "s1"}, {Name: "s2"}},
		Schemas: []config.Schema{{Name: "shop", Tables: []config.Table{{Name: "file", Rule: config.Rule{ShardKey: config.Key{"a"}}}}}},
	}, []TableInfo{{Database: "shop", Name: "file", Columns: []ColumnInfo{intColumn("n"), bytesColumn("a"), bytesColumn("b"), bytesColumn("c")}}})
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	return s
}

// readFields reads a line's three fields.
func readFields(t *testing.T, f *lineFormat, line []byte) string {
	t.Helper()
	var fields []string
	for at := range 3 {
		l := &lineScan{key: &fieldValue{}, id: &fieldValue{}, keyAt: at, idAt: -1}
		n, end := f.line(line, true, l)
		if end != scanLine || n != len(line) {
			t.Fatalf("line %q: %d bytes are read", line, n)
		}
		switch {
		case !l.key.found, l.key.null(f):
			fields = append(fields, "NULL")
		default:
			fields = append(fields, fmt.Sprintf("%q", l.key.text))
		}
	}
	return strings.Join(fields, " ")
}

func fileRows(t *testing.T, conn *sql.Conn) (list []string) {
	t.Helper()
	rows, err := conn.QueryContext(context.Background(), "SELECT a, b, c FROM file ORDER BY n")
	if err != nil {
		t.Fatal(err)
	}
	for rows.Next() {
		var v [3][]byte
		if err := rows.Scan(&v[0], &v[1], &v[2]); err != nil {
			t.Fatal(err)
		}
		var fields []string
		for _, f := range v {
			if f == nil {
				fields = append(fields, "NULL")
			} else {
				fields = append(fields, fmt.Sprintf("%q", f))
			}
		}
		list = append(list, strings.Join(fields, " "))
	}
	if err := errors.Join(rows.Err(), rows.Close()); err != nil {
		t.Fatal(err)
	}
	return list
}
