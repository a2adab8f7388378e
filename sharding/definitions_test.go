package sharding

import (
	"fmt"
	"strings"
	"testing"
)

func TestReadDefinitions(t *testing.T) {
	tables, err := ReadDefinitions("shop", []byte("-- MariaDB dump\n/*!40101 SET NAMES utf8mb4 */;\nDROP TABLE IF EXISTS `a`;\n"+
		"CREATE TABLE `a` (\n  `id` bigint(20) unsigned NOT NULL AUTO_INCREMENT COMMENT 'a; b',\n  `name` varchar(20) CHARACTER SET latin1,\n  PRIMARY KEY (`id`),\n  KEY `n` (`name`)\n) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;\n"+
		"INSERT INTO a VALUES (1, 'CREATE TABLE x (a INT);');\nUSE other;\nCREATE TABLE IF NOT EXISTS b (at DATE, n INT, CONSTRAINT pk PRIMARY KEY (at, n));\nCREATE VIEW v AS SELECT 1;\nCREATE TABLE third.c (x INT PRIMARY KEY)"))
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	for _, info := range tables {
		fmt.Fprintf(&b, "%s.%s %v", info.Database, info.Name, info.PrimaryKey)
		for _, c := range info.Columns {
			fmt.Fprintf(&b, " %s:%s:%s:%v", c.Name, c.ColumnType, c.Collation, c.AutoIncrement)
		}
		b.WriteByte('\n')
	}
	want := "shop.a [id] id:bigint(20) unsigned::true name:varchar(20):latin1_swedish_ci:false\n" +
		"other.b [at n] at:date::false n:int::false\nthird.c [x] x:int::false\n"
	if b.String() != want {
		t.Errorf("read\n%swant\n%s", b.String(), want)
	}
	for _, bad := range []string{"CREATE TABLE (a INT)", "CREATE TABLE a LIKE b", "CREATE TABLE a (b INT, 'x"} {
		if _, err := ReadDefinitions("shop", []byte(bad)); err == nil {
			t.Errorf("%s is read", bad)
		}
	}
}
