package inserts

import "testing"

// numbered statements give rows ids: the sequence begins where the table ends, so ids are those of one server as
// long as nothing fails.
var numbered = []string{
	"INSERT INTO n (v) VALUES ('a'), ('b'), ('c')",
	"SELECT LAST_INSERT_ID()",
	"INSERT INTO n VALUES (NULL, 'd'), (0, 'e'), (DEFAULT, 'f')",
	"SELECT LAST_INSERT_ID()",
	"INSERT INTO n VALUES (100, 'g')",
	"SELECT LAST_INSERT_ID()",
	"INSERT INTO n (v) VALUES ('h')",
	"SELECT LAST_INSERT_ID(), ROW_COUNT()",
	"INSERT INTO n VALUES (90 + 60, 'i'), (NULL, 'j')",
	"SELECT LAST_INSERT_ID()",
	"INSERT INTO n VALUES (LAST_INSERT_ID() + 100, 'k')",
	"INSERT INTO n (v) SELECT v FROM n WHERE id < 4 ORDER BY id",
	"SELECT LAST_INSERT_ID(), ROW_COUNT()",
	"INSERT INTO n SELECT id + 1000, v FROM n WHERE id < 4 ORDER BY id",
	"SELECT LAST_INSERT_ID(), ROW_COUNT()",
	"INSERT INTO n SELECT NULL, v FROM n WHERE id < 4 ORDER BY id",
	"SELECT LAST_INSERT_ID(), ROW_COUNT()",
	"INSERT INTO n (id, v) VALUES (1, 'again') ON DUPLICATE KEY UPDATE id = LAST_INSERT_ID(id), v = 'again'",
	"SELECT LAST_INSERT_ID()",
	"REPLACE INTO n (id, v) VALUES (2, 'r'), (3, 'r')",
	"SELECT LAST_INSERT_ID()",
	"INSERT INTO n SELECT id, 'x' FROM n WHERE id < 0",
	"INSERT INTO g_id (v) VALUES ('a'), ('b')",
	"SELECT LAST_INSERT_ID()",
	"INSERT INTO g_id (v) SELECT v FROM n WHERE id < 4 ORDER BY id",
	"SELECT LAST_INSERT_ID()",
	"INSERT INTO g_id (id, v) SELECT id + 50, v FROM g_id ORDER BY id",
	"INSERT INTO one_id (v) VALUES ('a'), ('b')",
	"SELECT LAST_INSERT_ID()",
	"INSERT INTO one_id (v) SELECT v FROM n WHERE id < 4 ORDER BY id",
	"SELECT LAST_INSERT_ID()",
	"INSERT INTO one_id VALUES (77, 'x')",
	"SELECT LAST_INSERT_ID()",
	"INSERT INTO one_id (v) VALUES ('y')",
	"SELECT LAST_INSERT_ID()",
	"SET LAST_INSERT_ID = 42",
	"SELECT LAST_INSERT_ID()",
	"SET auto_increment_increment = 1, auto_increment_offset = DEFAULT, insert_id = 0",
	"ALTER TABLE n AUTO_INCREMENT = 5000",
	"INSERT INTO n (v) VALUES ('late')",
	"SELECT LAST_INSERT_ID()",
	"TRUNCATE TABLE n",
	"INSERT INTO n (v) VALUES ('first'), ('second')",
	"SELECT LAST_INSERT_ID()",
}

// partly are statements that insert some of their rows only. The ids that the others were given are lost on both sides, but
// not the same number of them: tables are compared without ids.
var partly = []string{
	"INSERT INTO u (k, v) VALUES (1, 'a'), (2, 'b'), (3, 'c')",
	"INSERT IGNORE INTO u (k, v) VALUES (1, 'x'), (2, 'y')",
	"INSERT IGNORE INTO u (k, v) VALUES (1, 'x')",
	"INSERT IGNORE INTO u (k, v) VALUES (1, 'x'), (4, 'y'), (5, 'z'), (2, 'z')",
	"INSERT INTO u (k, v) VALUES (1, 'p') ON DUPLICATE KEY UPDATE v = VALUES(v)",
	"INSERT INTO u (k, v) VALUES (1, 'p'), (2, 'p') ON DUPLICATE KEY UPDATE v = VALUES(v)",
	"INSERT INTO u (k, v) VALUES (1, 'q'), (6, 'q'), (7, 'q') ON DUPLICATE KEY UPDATE v = VALUES(v)",
	"INSERT INTO u (k, v) VALUES (8, 'r') ON DUPLICATE KEY UPDATE v = VALUES(v)",
	"INSERT INTO u (k, v) VALUES (2, 's'), (1, 's') ON DUPLICATE KEY UPDATE v = VALUES(v), id = LAST_INSERT_ID(id)",
	"INSERT IGNORE INTO u (k, v) SELECT k, 'again' FROM u ORDER BY k",
	"INSERT IGNORE INTO u (k, v) SELECT k + 4, 'more' FROM u ORDER BY k",
}

// TestPartly compares which row LAST_INSERT_ID() means.
func TestPartly(t *testing.T) {
	p := start(t)
	p.both("CREATE TABLE u (k INT PRIMARY KEY, v VARCHAR(10), id BIGINT AUTO_INCREMENT, UNIQUE KEY (id, k))")
	for _, s := range partly {
		got, want := ask(t, p.proxy, s), ask(t, p.plain, s)
		if w, g := want.Results[0].OK, got.Results[0].OK; w == nil || g == nil || w.Affected != g.Affected || w.Info != g.Info || (w.InsertID == 0) != (g.InsertID == 0) {
			t.Errorf("%s\n plain %v %s\n proxy %v %s", s, want.Lines(), want.Detail(), got.Lines(), got.Detail())
		}
		p.sameRows("SELECT k, v FROM u ORDER BY k", s)
		p.sameRows("SELECT k FROM u WHERE id = LAST_INSERT_ID()", s)
	}
}

func TestNumbers(t *testing.T) {
	p := start(t)
	for _, d := range tables {
		p.both(d)
	}
	for _, s := range numbered {
		p.same(s)
		p.sameTables(s)
	}
	p.refused("SET insert_id = 100", "insert_id")
	p.refused("SET auto_increment_increment = 10", "auto_increment_increment")
}

var returning = []string{
	"INSERT INTO n (v) VALUES ('a'), ('b'), ('c'), ('d') RETURNING id, v, CONCAT(v, id) AS c",
	"INSERT INTO a (id, i) VALUES (5, 1), (4, 2), (3, 3), (2, 4), (1, 5) RETURNING *",
	"REPLACE INTO a (id, i) VALUES (5, 10), (6, 20), (1, 50) RETURNING id, i",
	"INSERT INTO a (id, i) VALUES (5, 10), (7, 20), (1, 50) ON DUPLICATE KEY UPDATE i = i + VALUES(i) RETURNING id, i",
	"INSERT INTO a (id, i) VALUES (8, 10), (1, 50) RETURNING id, i",
	"INSERT INTO n (v) SELECT i FROM a ORDER BY id RETURNING id, v",
	"INSERT INTO g VALUES (1, 'x'), (2, 'y') RETURNING v, id",
	"INSERT INTO one VALUES (1, 'x'), (2, 'y') RETURNING v, id",
	"INSERT INTO two VALUES (1, 'x', 3), (2, 'y', 4) RETURNING v, a",
	"BEGIN",
	"INSERT INTO a (id, i) VALUES (15, 1), (14, 2), (13, 3) RETURNING *",
	"INSERT INTO a (id, i) SELECT id + 100, i FROM a ORDER BY id RETURNING id",
	"INSERT INTO a (id, i) VALUES (15, 1), (16, 2), (17, 3) RETURNING *",
	"COMMIT",
}

func TestReturning(t *testing.T) {
	needMariaDB(t)
	p := start(t)
	for _, d := range tables {
		p.both(d)
	}
	for _, s := range returning {
		p.same(s)
		p.sameTables(s)
	}
	p.refused("INSERT IGNORE INTO a (id, i) VALUES (1, 1), (2, 2), (3, 3), (200, 4) RETURNING id", "RETURNING")
	p.sameTables("a")
}
