package session

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"

	"lockstep/integration/cluster"
)

// TestShardsDown: a proxy whose shards are all away takes clients and says what is wrong; once they are back, all is well.
func TestShardsDown(t *testing.T) {
	c := cluster.Start(t, cluster.Options{Shards: 2})
	c.StartProxy()
	connect(t, c, "").exec("CREATE DATABASE d")
	connect(t, c, "d").exec("CREATE TABLE a (id INT PRIMARY KEY)")
	c.StopProxy()
	for i := range c.Shards {
		c.KillShard(i)
	}
	c.StartProxy()
	_, err := c.DB("d").Conn(context.Background())
	var me *mysql.MySQLError
	if !errors.As(err, &me) || me.Number != 1429 {
		t.Errorf("login to a database: %v, want error 1429", err)
	}
	connect(t, c, "").fails(1429, "SELECT 1")
	for i := range c.Shards {
		c.RestartShard(i)
	}
	if err := c.WaitReady(10 * time.Second); err != nil {
		t.Fatal(err)
	}
	s := connect(t, c, "d")
	s.exec("INSERT INTO a VALUES (1),(2),(3),(4)")
	s.want("SELECT COUNT(*) FROM a", "4")
}
