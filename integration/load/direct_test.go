package load

import (
	"context"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"lockstep/integration/cluster"
	"lockstep/localdb"
)

// A file and what is done with it. rest follows the file's name.
var direct = []struct {
	name, table, file, rest string
	once                    bool // the table is made anew for it
	show                    string
}{
	{name: "plain", table: "(id INT PRIMARY KEY, v VARCHAR(20), w DECIMAL(6,2))", file: "1\ta\t1.5\n2\tb\\tb\t\\N\n3\t\\N\t7\n4\tc\t8\n", rest: "INTO TABLE t"},
	{name: "csv", table: "(id INT PRIMARY KEY, v VARCHAR(40), w INT)", file: "id,v,w\r\n5,\"a,\"\"b\"\"\",1\r\n6,\"line\nbreak\",2\r\n7,plain,3\r\n8,NULL,4",
		rest: "INTO TABLE t FIELDS TERMINATED BY ',' OPTIONALLY ENCLOSED BY '\"' LINES TERMINATED BY '\\r\\n' IGNORE 1 LINES"},
	{name: "columns", table: "(id INT PRIMARY KEY, v VARCHAR(20), w INT DEFAULT 9)", file: "a;1\nb;2\nc;3\n", rest: "INTO TABLE t FIELDS TERMINATED BY ';' (v, id)"},
	{name: "variables", table: "(id INT PRIMARY KEY, v VARCHAR(20), w INT)", file: "1,x,5\n2,y,6\n3,z,7\n",
		rest: "INTO TABLE t FIELDS TERMINATED BY ',' (@i, @a, @b) SET id = @i, v = CONCAT(@a, '!'), w = @b * 2", show: "SELECT @a"},
	{name: "duplicates are left out", table: "(id INT PRIMARY KEY, v VARCHAR(20))", file: "1\ta\n2\tb\n1\tc\n2\td\n3\te\n", rest: "INTO TABLE t"},
	{name: "duplicates replace", table: "(id INT PRIMARY KEY, v VARCHAR(20))", file: "1\ta\n2\tb\n1\tc\n2\td\n3\te\n", rest: "REPLACE INTO TABLE t"},
	{name: "starting by", table: "(id INT PRIMARY KEY, v VARCHAR(20))", file: "row:1\ta\nnothing\nx row:2\tb\n", rest: "INTO TABLE t LINES STARTING BY 'row:'"},
	{name: "short and long lines", table: "(id INT PRIMARY KEY, v VARCHAR(20), w INT)", file: "1\ta\n2\n3\tc\t4\tmore\t5\n\n", rest: "INTO TABLE t", once: true},
	{name: "text keys", table: "(k VARCHAR(20) CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci PRIMARY KEY, v INT)", file: "ä\t1\nB\t2\nzz\t3\nÀb\t4\n", rest: "INTO TABLE t CHARACTER SET utf8mb4"},
	{name: "latin1 file", table: "(k VARCHAR(20) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin PRIMARY KEY, v INT)", file: "\xe4\t1\nb\t2\n\xfc\xe9\t3\n", rest: "INTO TABLE t CHARACTER SET latin1"},
	{name: "what does not fit", table: "(id INT PRIMARY KEY, v VARCHAR(3), w INT)", file: "1\tabcdef\tx\n2\tb\t5\n3\tlonger\t99999999999\n", rest: "INTO TABLE t"},
	{name: "numbered", table: "(id INT AUTO_INCREMENT PRIMARY KEY, v VARCHAR(10))", file: "a\nb\nc\nd\n", rest: "INTO TABLE t (v)", show: "SELECT v, COUNT(*) FROM t WHERE id > 0 GROUP BY v ORDER BY v"},
	{name: "some numbered", table: "(id INT AUTO_INCREMENT PRIMARY KEY, v VARCHAR(10))", file: "\\N\ta\n0\tb\n70\tc\n\\N\td\n", rest: "INTO TABLE t", show: "SELECT v, COUNT(DISTINCT id) FROM t GROUP BY v ORDER BY v"},
	{name: "empty file", table: "(id INT PRIMARY KEY)", file: "", rest: "INTO TABLE t"},
	{name: "unknown column", table: "(id INT PRIMARY KEY)", file: "1\n2\n", rest: "INTO TABLE t (id, nope)"},
	{name: "unknown table", table: "(id INT PRIMARY KEY)", file: "1\n", rest: "INTO TABLE nope"},
	{name: "wrong terminators", table: "(id INT PRIMARY KEY)", file: "1\n", rest: "INTO TABLE t FIELDS ENCLOSED BY 'ab'"},
	{name: "syntax", table: "(id INT PRIMARY KEY)", file: "1\n", rest: "INTO TABLE t LINES"},
}

// TestFiles runs all that needs no configuration of its own, on each server family.
func TestFiles(t *testing.T) {
	const config = "schemas:\n  - name: d\n    tables:\n      - {name: g, kind: global}\n      - {name: o, kind: single, shard: s2}\ndefault_rule: {shard_key: primary_key}\n" +
		"limits: {max_load_line: 4096}\n"
	eachEngine(t, config, func(t *testing.T, c *cluster.Cluster) {
		t.Run("same as one server", func(t *testing.T) { sameAsOneServer(t, c) })
		t.Run("many lines", func(t *testing.T) { manyLines(t, c) })
		t.Run("all or nothing", func(t *testing.T) { allOrNothing(t, c) })
		t.Run("broken off", func(t *testing.T) { brokenOff(t, c) })
		t.Run("not allowed on the shards", func(t *testing.T) {
			for i := range c.Shards {
				exec(t, c.ShardDB(i, ""), "SET GLOBAL local_infile = 0")
			}
			notAllowed(t, c)
		})
	})
}

// sameAsOneServer loads the same files through the proxy and on one server: counts, warnings, errors and rows are the same, in each kind
// of table.
func sameAsOneServer(t *testing.T, c *cluster.Cluster) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	plain, err := localdb.Start(ctx, localdb.Options{Dir: filepath.Join(t.TempDir(), "plain"), Engine: c.Shards[0].Engine, ExtraArgs: []string{"--local-infile=1"}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := plain.Kill(); err != nil {
			t.Error(err)
		}
	})
	root, err := plain.Root()
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	exec(t, root, "CREATE DATABASE d")
	one, many := connect(t, root), connect(t, c.DB("d"))
	exec(t, one, "USE d")
	exec(t, one, "SET NAMES utf8mb4")
	for _, tc := range direct {
		for _, name := range []string{"t", "g", "o"} { // sharded, on all shards, on one
			t.Run(tc.name+" "+name, func(t *testing.T) {
				var seen [2]struct {
					n    int64
					code int
					all  string
				}
				key, _, _ := strings.Cut(strings.TrimPrefix(tc.table, "("), " ")
				for i, db := range []asker{one, many} {
					exec(t, db, "CREATE TABLE "+name+" "+tc.table)
					s := &seen[i]
					n, err := load(ctx, db, strings.NewReader(tc.file), strings.ReplaceAll(tc.rest, "TABLE t", "TABLE "+name))
					s.n, s.code = n, code(err)
					s.all = rows(t, db, "SELECT @@warning_count")
					if tc.show != "" {
						s.all += rows(t, db, strings.ReplaceAll(tc.show, "FROM t", "FROM "+name))
					}
					if tc.show == "" || !strings.Contains(tc.show, "FROM") {
						s.all += rows(t, db, "SELECT * FROM "+name+" ORDER BY "+key)
					}
					exec(t, db, "DROP TABLE "+name)
				}
				if tc.once && name == "t" {
					// A line without a key would go to a shard by what the server makes of it.
					if seen[1].code != 1235 {
						t.Errorf("error is %d, want a refusal", seen[1].code)
					}
					return
				}
				if seen[0] != seen[1] {
					t.Errorf("\n one server %+v\nthrough the proxy %+v", seen[0], seen[1])
				}
			})
		}
	}
}
