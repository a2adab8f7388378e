package drivers

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"strings"
	"testing"

	"lockstep/integration/cluster"
)

// TestOptions goes through go-sql-driver's settings that change what is said over the wire.
func TestOptions(t *testing.T) {
	c := start(t, cluster.Options{})
	exec(t, c.DB("d"), "CREATE TABLE p (id INT PRIMARY KEY, v INT)")
	exec(t, c.DB("d"), "INSERT INTO p VALUES (1, 10), (2, 20), (3, 30), (4, 40)")
	affected := func(t *testing.T, db asker, want int64, query string, args ...any) {
		t.Helper()
		if n, err := exec(t, db, query, args...).RowsAffected(); err != nil || n != want {
			t.Errorf("%s: %d rows affected (%v), want %d", query, n, err, want)
		}
	}
	t.Run("multiStatements", func(t *testing.T) {
		db := conn(t, c.DB("d", "multiStatements=true"))
		rows, err := db.QueryContext(t.Context(), "SELECT v FROM p WHERE id = 1; UPDATE p SET v = v WHERE id = 2; SELECT id FROM p ORDER BY id; SELECT COUNT(*) FROM p WHERE id = 77;")
		if err != nil {
			t.Fatal(err)
		}
		defer rows.Close()
		var got []string
		for more := true; more; more = rows.NextResultSet() {
			for rows.Next() {
				var n int
				if err := rows.Scan(&n); err != nil {
					t.Fatal(err)
				}
				got = append(got, fmt.Sprint(n))
			}
			got = append(got, "|")
		}
		if err := rows.Err(); err != nil {
			t.Fatal(err)
		}
		if s := strings.Join(got, " "); s != "10 | | 1 2 3 4 | 0 |" && s != "10 | 1 2 3 4 | 0 |" {
			t.Errorf("results: %s", s)
		}
		// What stands behind an error does not run.
		_, err = db.ExecContext(t.Context(), "UPDATE p SET v = 11 WHERE id = 1; INSERT INTO p VALUES (1, 1); UPDATE p SET v = 22 WHERE id = 2")
		wantCode(t, err, 1062)
		if got := one(t, db, "SELECT GROUP_CONCAT(v) FROM p WHERE id IN (1)") + one(t, db, "SELECT v FROM p WHERE id = 2"); got != "1120" {
			t.Errorf("after the error: %s", got)
		}
		_, err = c.DB("d").Exec("SELECT 1; SELECT 2")
		wantCode(t, err, 1064)
	})
	t.Run("clientFoundRows", func(t *testing.T) {
		for _, params := range []string{"clientFoundRows=true", "clientFoundRows=true&interpolateParams=true"} {
			db := c.DB("d", params)
			affected(t, db, 1, "UPDATE p SET v = v WHERE id = ?", 3)
			affected(t, db, 4, "UPDATE p SET v = v")
			affected(t, db, 0, "UPDATE p SET v = 1 WHERE id = ?", 77)
		}
		affected(t, c.DB("d"), 0, "UPDATE p SET v = v WHERE id = ?", 3)
		affected(t, c.DB("d"), 0, "UPDATE p SET v = v")
	})
	t.Run("columnsWithAlias", func(t *testing.T) {
		db := c.DB("d", "columnsWithAlias=true")
		for _, query := range []string{"SELECT x.id, x.v AS w FROM p AS x WHERE id = 1", "SELECT x.id, x.v AS w FROM p AS x ORDER BY id"} {
			if a := ask(t, db, query); !strings.HasPrefix(a.columns[0], "x.id ") || !strings.HasPrefix(a.columns[1], "x.w ") {
				t.Errorf("%s: columns %q", query, a.columns)
			}
		}
	})
	t.Run("session variables and collation", func(t *testing.T) {
		db := c.DB("d", "charset=latin1&sql_mode=%27ANSI%27&time_zone=%27%2B05%3A00%27&lock_wait_timeout=7")
		if got := one(t, db, "SELECT CONCAT(@@time_zone, ' ', @@lock_wait_timeout, ' ', @@character_set_client, ' ', FIND_IN_SET('ANSI_QUOTES', @@sql_mode) > 0)"); got != "+05:00 7 latin1 1" {
			t.Errorf("variables are %s", got)
		}
		if got := one(t, db, `SELECT "v" FROM p WHERE "id" = 4`); got != "40" {
			t.Errorf("quoted name: %s", got)
		}
		if got := one(t, c.DB("d", "collation=utf8mb4_unicode_ci"), "SELECT @@collation_connection"); got != "utf8mb4_unicode_ci" {
			t.Errorf("collation is %s", got)
		}
	})
	t.Run("unsupported by both: compression and TLS are answered", func(t *testing.T) {
		if err := c.DB("d", "compress=true").Ping(); err != nil {
			t.Errorf("a client that would compress if it could: %v", err)
		}
		if err := c.DB("d", "tls=preferred").Ping(); err != nil {
			t.Errorf("a client that would encrypt if it could: %v", err)
		}
		if err := c.DB("d", "tls=skip-verify").Ping(); err == nil {
			t.Error("a client that insists on TLS is served without")
		}
	})
}

// TestLarge carries 17 MB, more than one frame holds, in each way there and back.
func TestLarge(t *testing.T) {
	c := start(t, cluster.Options{})
	exec(t, c.DB("d"), "CREATE TABLE big (id INT PRIMARY KEY, b LONGBLOB)")
	big := bytes.Repeat([]byte("0123456789abcde\x00\\'\xff\n"), 17<<20/20+1)
	sum := sha256.Sum256(big)
	for id, params := range map[int]string{1: "", 2: "interpolateParams=true", 3: "maxAllowedPacket=4194304"} {
		t.Run("written "+params, func(t *testing.T) {
			exec(t, c.DB("d", params), "INSERT INTO big VALUES (?, ?)", id, big)
		})
	}
	for _, query := range []string{
		"SELECT b FROM big WHERE id = 1", "SELECT b FROM big WHERE id = 2", "SELECT b FROM big WHERE id = 3",
		"SELECT b FROM big ORDER BY id LIMIT 1, 1", // merged
	} {
		for _, prepared := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, prepared %v", query, prepared), func(t *testing.T) {
				var got []byte
				var err error
				if db := c.DB("d"); prepared {
					st := must(db.Prepare(query))(t)
					defer st.Close()
					err = st.QueryRow().Scan(&got)
				} else {
					err = db.QueryRow(query).Scan(&got)
				}
				if err != nil {
					t.Fatal(err)
				}
				if sha256.Sum256(got) != sum {
					t.Errorf("%d bytes came back, changed", len(got))
				}
			})
		}
	}
}

// TestPacketLimit: what is larger than limits.max_packet gets the error that a server gives, not a hang.
func TestPacketLimit(t *testing.T) {
	c := start(t, cluster.Options{Config: "limits: {max_packet: 1048576}\n"})
	exec(t, c.DB("d"), "CREATE TABLE p (id INT PRIMARY KEY, v LONGBLOB)")
	for _, params := range []string{"interpolateParams=true", "maxAllowedPacket=67108864"} {
		db := c.DB("d", params)
		exec(t, db, "INSERT INTO p VALUES (?, ?) ON DUPLICATE KEY UPDATE v = VALUES(v)", 1, bytes.Repeat([]byte("x"), 900<<10))
		_, err := db.Exec("INSERT INTO p VALUES (?, ?)", 2, bytes.Repeat([]byte("x"), 3<<20))
		wantCode(t, err, 1153)
		if got := one(t, db, "SELECT COUNT(*) FROM p"); got != "1" {
			t.Errorf("%s: %s rows", params, got)
		}
	}
}
