package schema

import (
	"testing"

	"lockstep/integration/cluster"
)

// A dump with LOCK TABLES is restored where the configuration ignores them.
func TestLockTables(t *testing.T) {
	c, s := begin(t, cluster.Options{Config: "lock_tables: ignore\n"})
	for _, q := range []string{
		"CREATE TABLE t (id INT PRIMARY KEY)",
		"LOCK TABLES `t` WRITE",
		"/*!40000 ALTER TABLE `t` DISABLE KEYS */",
		"INSERT INTO `t` VALUES (1),(2),(3)",
		"/*!40000 ALTER TABLE `t` ENABLE KEYS */",
		"UNLOCK TABLES",
	} {
		s.exec(q)
	}
	s.want("SELECT COUNT(*) FROM t", "3")
	s.exec("LOCK TABLES t READ")
	s.want("SHOW WARNINGS", "Warning,1105,LOCK TABLES has locked nothing (lock_tables: ignore)")
	strict := c.AddProxy(cluster.ProxyOptions{Config: "lock_tables: refuse\n"})
	strict.Start()
	one := &client{t, conn(t, strict)}
	one.refused("LOCK TABLES t READ")
	one.fails(1064, "LOCK TABLES 7")
}
