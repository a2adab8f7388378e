package schema

import (
	"strings"
	"testing"

	"lockstep/integration/cluster"
)

// A rule in a table's comment goes with the table, and every proxy has it.
func TestRulesInComments(t *testing.T) {
	c, s := begin(t, cluster.Options{})
	other := c.AddProxy(cluster.ProxyOptions{})
	other.Start()
	o := &client{t, conn(t, other)}
	const rule = "lockstep: shard_key=customer, function=mod"
	s.exec("CREATE TABLE sale (id INT PRIMARY KEY, customer INT, v INT) COMMENT '" + rule + "; what was sold'")
	s.exec("CREATE TABLE lone (id INT PRIMARY KEY) COMMENT 'lockstep: kind=single, shard=s3'")
	s.exec("CREATE TABLE every (id INT PRIMARY KEY) COMMENT='lockstep: kind=global'")
	s.exec("CREATE TABLE two (id INT PRIMARY KEY) COMMENT='lockstep: shard_key=id, shards=(s1, s2)'")
	s.refused("CREATE TABLE bad (id INT PRIMARY KEY) COMMENT 'lockstep: shard_key=nothing'")
	s.refused("CREATE TABLE bad (id INT PRIMARY KEY) COMMENT 'lockstep: shards=s9, shard_key=id'")
	for id := range 12 {
		o.exec("INSERT INTO sale VALUES (?, ?, 0)", id, id/2)
	}
	o.exec("INSERT INTO every VALUES (1), (2)")
	rows := onShards(t, c, "SELECT customer FROM d.sale GROUP BY customer ORDER BY customer")
	if want := "0|3,1|4,2|5"; strings.Join(rows, ",") != want {
		t.Errorf("customers on the shards %q, want %s", rows, want)
	}
	if rows := onShards(t, c, "SELECT COUNT(*) FROM d.every"); strings.Join(rows, "") != "222" {
		t.Errorf("copies %q", rows)
	}
	for _, one := range []*client{s, o} {
		one.want("SHOW LOCKSTEP TABLES", "d,every,global,,comment,", "d,lone,single,,comment,", "d,sale,sharded,customer,comment,", "d,two,sharded,id,comment,")
		one.want("SELECT COUNT(*) FROM sale WHERE customer = 4", "2")
	}

	// The rule stays in front of what the user says, and does not change.
	o.exec("ALTER TABLE sale COMMENT = 'it''s gone', ADD w INT COMMENT 'new'")
	s.want("SELECT table_comment FROM information_schema.tables WHERE table_schema = 'd' AND table_name = 'sale'", rule+"; it's gone")
	s.refused("ALTER TABLE sale COMMENT 'lockstep: shard_key=id'")

	s.exec("CREATE TABLE copy LIKE sale")
	s.exec("RENAME TABLE sale TO sold")
	o.want("SELECT COUNT(*) FROM sold WHERE customer = 4", "2")
	o.exec("INSERT INTO copy (id, customer) VALUES (1, 5)")
	if rows := onShards(t, c, "SELECT customer FROM d.copy"); strings.Join(rows, ",") != ",,5" {
		t.Errorf("the copy's rows %q", rows)
	}
	create := s.rows("SHOW CREATE TABLE sold")[0]
	s.exec("DROP TABLE sold")
	_, definition, _ := strings.Cut(create, ",")
	s.exec(definition) // as a dump does
	s.want("SHOW LOCKSTEP TABLES", "d,copy,sharded,customer,comment,", "d,every,global,,comment,", "d,lone,single,,comment,", "d,sold,sharded,customer,comment,", "d,two,sharded,id,comment,")

	// Another rule on one shard leaves open where the rows are.
	connectShard(t, c, 1).exec("ALTER TABLE sold COMMENT 'lockstep: shard_key=id'")
	other.Stop()
	other.Start()
	o = &client{t, conn(t, other)}
	o.refused("SELECT * FROM sold")
	wantCode(t, c, 3, "check", nil, "the rule in its comment is not the same")
	wantCode(t, c, 0, "repair", []string{"--like", "s1", "d.sold"}, "d.sold on s2: done", "COMMENT='lockstep: shard_key=customer")
	wantCode(t, c, 0, "check", nil)
	o.exec("DROP TABLE sold, copy, every, lone, two")
}

// Columns that are not the same on all shards never get into one another's places.
func TestColumnsThatDiffer(t *testing.T) {
	c, s := begin(t, cluster.Options{})
	s.exec("CREATE TABLE t (id INT PRIMARY KEY, a INT, b INT)")
	s.exec("INSERT INTO t VALUES (1,10,100),(2,20,200),(3,30,300),(4,40,400),(5,50,500)")
	connectShard(t, c, 1).exec("ALTER TABLE t MODIFY a INT AFTER b")
	s.exec("CREATE TABLE other (id INT PRIMARY KEY)") // the catalog is read
	s.refused("SELECT * FROM t")
	s.refused("SELECT SUM(a) FROM t")
	connectShard(t, c, 1).exec("ALTER TABLE t MODIFY b INT AFTER a, ADD c INT")
	s.exec("DROP TABLE other")
	s.want("SELECT SUM(a), SUM(b) FROM t", "150,1500")
	if _, err := s.try("SELECT * FROM t"); err == nil {
		t.Error("rows of different width are put together")
	}
	s.want("SELECT * FROM t WHERE id = 1 OR id = 2 ORDER BY id", "1,10,100", "2,20,200") // of the columns that all have
}
