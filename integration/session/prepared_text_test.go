package session

import (
	"testing"

	"lockstep/integration/cluster"
)

// PREPARE and EXECUTE as SQL text work on every kind of statement, wherever the values send it.
func TestPreparedStatementsAsText(t *testing.T) {
	c := start(t, cluster.Options{})
	connect(t, c, "").exec("CREATE DATABASE d")
	s := connect(t, c, "d")
	s.exec("CREATE TABLE t (id INT PRIMARY KEY, v VARCHAR(20))")
	s.exec("PREPARE put FROM 'INSERT INTO t VALUES (?, ?)'")
	for _, q := range []string{"SET @id = 1, @v = 'it''s'", "EXECUTE put USING @id, @v", "SET @id = 2, @v = NULL", "EXECUTE put USING @id, @v", "SET @id = 3, @v = 'ünï'", "EXECUTE put USING @id, @v"} {
		s.exec(q)
	}
	s.exec("SET @text = CONCAT('SELECT v FROM t WHERE id', ' = ?')")
	s.exec("PREPARE Get FROM @text")
	s.exec("SET @id = 3")
	s.want("EXECUTE get USING @id", "ünï")
	s.want("EXECUTE GET USING @nothing")
	s.exec("PREPARE everything FROM 'SELECT id FROM t WHERE id > ? ORDER BY id LIMIT ?'")
	s.exec("SET @a = 0, @b = 2")
	s.want("EXECUTE everything USING @a, @b", "1", "2")
	s.exec("BEGIN")
	s.exec("SET @id = 4, @v = 'four'")
	s.exec("EXECUTE put USING @id, @v")
	s.want("SELECT COUNT(*) FROM t", "4")
	s.exec("ROLLBACK")
	s.want("SELECT COUNT(*) FROM t", "3")
	s.exec("PREPARE make FROM 'CREATE TABLE made (id INT PRIMARY KEY)'")
	s.exec("EXECUTE make")
	s.want("SELECT COUNT(*) FROM made", "0")
	s.exec("PREPARE off FROM 'SET @z = ?'")
	s.exec("EXECUTE off USING @v")
	s.want("SELECT @z", "four")

	s.exec("DEALLOCATE PREPARE put")
	s.fails(1243, "EXECUTE put USING @id, @v")
	s.fails(1243, "DROP PREPARE put")
	s.fails(1210, "EXECUTE get")
	s.fails(1064, "PREPARE bad FROM 'SELEC 1'")
	s.fails(1146, "PREPARE bad FROM 'SELECT * FROM nosuch'")
	s.fails(1295, "PREPARE bad FROM 'EXECUTE get'")
	s.fails(1064, "PREPARE bad FROM 'SELECT 1; SELECT 2'")
	s.fails(1064, "PREPARE get FROM 'nonsense'") // the old one is gone with it
	s.fails(1243, "EXECUTE get USING @id")
	connect(t, c, "d").fails(1243, "EXECUTE everything USING @a, @b") // another session's
	if c.Shards[0].Engine == "mariadb" {
		s.want("EXECUTE IMMEDIATE 'SELECT id FROM t WHERE id = ? + 0' USING 1 + 1", "2")
		s.want("EXECUTE IMMEDIATE CONCAT('SELECT ', '7')", "7")
	}
}
