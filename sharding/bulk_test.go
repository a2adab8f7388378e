package sharding

import (
	"strings"
	"testing"
)

func TestValuesRow(t *testing.T) {
	for _, tc := range []struct{ sql, row string }{
		{"INSERT INTO t (a, b) VALUES (?, ?)", "(?, ?)"},
		{"insert into t values(?,concat(?,')'),'?') ;", "(?,concat(?,')'),'?')"},
		{"INSERT INTO t VALUE (?) ON DUPLICATE KEY UPDATE a = VALUES(a), b = 1", "(?)"},
		{"INSERT INTO `values` (`values`) VALUES (/* ) ? */ ?)", "(/* ) ? */ ?)"},
		{"INSERT INTO t VALUES (?), (?)", ""},
		{"INSERT INTO t VALUES (1), (?)", ""},
		{"INSERT INTO t VALUES (?) ON DUPLICATE KEY UPDATE a = ?", ""},
		{"INSERT INTO t SELECT ?", ""},
		{"INSERT INTO t SET a = ?", ""},
		{"INSERT INTO t VALUES (?", ""},
		{"UPDATE t SET a = ?", ""},
		{"INSERT INTO t VALUES (?) RETURNING id, a", "(?)"},
	} {
		from, to, ok := ValuesRow(Env{}, []byte(tc.sql))
		if got := tc.sql[from:to]; ok != (tc.row != "") || ok && got != tc.row {
			t.Errorf("%s: %q, %v", tc.sql, got, ok)
		}
	}
}

func TestAssignedColumn(t *testing.T) {
	for _, tc := range []struct{ sql, column string }{
		{"UPDATE t SET a = ? WHERE id = 1", "a"},
		{"UPDATE t SET a = 1, `b c`=?", "`b c`"},
		{"UPDATE t SET x = 'SET', t.`b` = ?, c = 2", "t.`b`"},
		{"UPDATE t SET a = ? + 1", ""},
		{"UPDATE t SET a = 1 + ?", ""},
		{"UPDATE t SET a = b = ?", ""},
		{"UPDATE t SET a = 1 WHERE id = ?", ""},
		{"UPDATE t SET a = ? AND b", ""},
		{"DELETE FROM t WHERE a = ?", ""},
	} {
		column, ok := AssignedColumn(Env{}, []byte(tc.sql), strings.IndexByte(tc.sql, '?'))
		if column != tc.column || ok != (tc.column != "") {
			t.Errorf("%s: %q, %v", tc.sql, column, ok)
		}
	}
}
