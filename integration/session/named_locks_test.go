package session

import (
	"database/sql/driver"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"

	"lockstep/integration/cluster"
)

// Locks by name are those of one server, over all sessions and proxies, and outside transactions.
func TestLocksByName(t *testing.T) {
	c := start(t, cluster.Options{Config: "limits: {max_kept_connections: 4}\n"})
	connect(t, c, "").exec("CREATE DATABASE d")
	connect(t, c, "d").exec("CREATE TABLE a (id INT PRIMARY KEY, v INT)")
	second := c.AddProxy(cluster.ProxyOptions{})
	second.Start()
	onSecond := func(t *testing.T) *client {
		conn, err := second.DB("d").Conn(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { conn.Close() })
		return &client{t, conn}
	}
	leave := func(t *testing.T, s *client) {
		t.Helper()
		if err := s.conn.Raw(func(any) error { return driver.ErrBadConn }); !errors.Is(err, driver.ErrBadConn) {
			t.Fatal(err)
		}
	}
	comesFree := func(t *testing.T, s *client, name string) {
		t.Helper()
		s.want(fmt.Sprintf("SELECT GET_LOCK('%s', 5)", name), "1")
		s.want(fmt.Sprintf("SELECT RELEASE_LOCK('%s')", name), "1")
	}
	t.Run("held, waited for, released", func(t *testing.T) {
		s, other, far := connect(t, c, "d"), connect(t, c, ""), onSecond(t)
		s.want("SELECT GET_LOCK('a', 0)", "1")
		other.want("SELECT IS_FREE_LOCK('a'), IS_FREE_LOCK('b')", "0,1")
		other.want("SELECT GET_LOCK('a', 0)", "0")
		far.want("SELECT GET_LOCK('a', 0)", "0")
		other.want("SELECT RELEASE_LOCK('a')", "0")
		s.want("SELECT GET_LOCK('a', 0) AS again", "1")
		s.want("SELECT RELEASE_LOCK('a')", "1")
		far.want("SELECT GET_LOCK('a', 0)", "0")
		s.want("SELECT RELEASE_LOCK('a')", "1")
		far.want("SELECT GET_LOCK('a', 0)", "1")
		s.want("SELECT GET_LOCK('a', 0)", "0")
		leave(t, far)
		comesFree(t, s, "a")
		leave(t, s)
		leave(t, other)
	})
	t.Run("in every way that a statement can be said", func(t *testing.T) {
		s, other := connect(t, c, "d"), connect(t, c, "d")
		s.exec("DO GET_LOCK('b1', 0)")
		s.exec("SET @got = GET_LOCK('b2', 0)")
		s.want("SELECT @got", "1")
		if got := s.rows("SELECT GET_LOCK(?, ?)", "b3", 0); len(got) != 1 || got[0] != "1" {
			t.Errorf("prepared: %q", got)
		}
		other.want("SELECT IS_FREE_LOCK('b1'), IS_FREE_LOCK('b2'), IS_FREE_LOCK('b3')", "0,0,0")
		s.fails(1235, "SELECT GET_LOCK('b4', 0), v FROM a WHERE id = 1")
		s.fails(1235, "INSERT INTO a VALUES (9, RELEASE_LOCK('b1'))")
		s.fails(1235, "SELECT IS_USED_LOCK('b1')")
		s.want("SELECT RELEASE_ALL_LOCKS()", "3")
		other.want("SELECT IS_FREE_LOCK('b1')", "1")
		leave(t, s)
		leave(t, other)
	})
	t.Run("transactions have nothing to do with them", func(t *testing.T) {
		s, other := connect(t, c, "d"), connect(t, c, "d")
		s.exec("BEGIN")
		s.exec("INSERT INTO a VALUES (1,1),(2,1),(3,1),(4,1)")
		s.want("SELECT GET_LOCK('c', 0)", "1")
		s.exec("ROLLBACK")
		other.want("SELECT GET_LOCK('c', 0)", "0")
		s.want("SELECT COUNT(*) FROM a", "0")
		s.exec("BEGIN")
		s.exec("INSERT INTO a VALUES (1,1),(2,1),(3,1),(4,1)")
		s.exec("COMMIT")
		other.want("SELECT GET_LOCK('c', 0)", "0")
		s.want("SELECT v FROM a WHERE id = 1", "1")
		leave(t, s)
		comesFree(t, other, "c")
		leave(t, other)
	})
	t.Run("KILL QUERY ends the wait", func(t *testing.T) {
		s, other := connect(t, c, "d"), connect(t, c, "d")
		s.want("SELECT GET_LOCK('k', 0)", "1")
		id := other.rows("SELECT CONNECTION_ID()")[0]
		heard := make(chan error, 1)
		go func() { heard <- ask(other, "SELECT GET_LOCK('k', 30)") }()
		time.Sleep(300 * time.Millisecond)
		begin := time.Now()
		s.exec("KILL QUERY " + id)
		var me *mysql.MySQLError
		if err := <-heard; err != nil && (!errors.As(err, &me) || me.Number != 1317) { // servers say NULL or 1317
			t.Error(err)
		}
		if d := time.Since(begin); d > 3*time.Second {
			t.Errorf("it took %v", d)
		}
		leave(t, s)
		leave(t, other)
	})
	t.Run("the limit", func(t *testing.T) {
		var all []*client
		for i := range 4 {
			s := connect(t, c, "d")
			// Those of the cases before are on their way out.
			var err error
			for deadline := time.Now().Add(5 * time.Second); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
				if err = ask(s, fmt.Sprintf("SELECT GET_LOCK('l%d', 0)", i)); err == nil {
					break
				}
			}
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, s)
		}
		s := connect(t, c, "d")
		s.fails(1040, "SELECT GET_LOCK('l9', 0)")
		s.want("SELECT 1", "1")
		for _, o := range all {
			leave(t, o)
		}
	})
	t.Run("with its server the session ends", func(t *testing.T) {
		s, other := connect(t, c, "d"), connect(t, c, "d")
		s.want("SELECT GET_LOCK('z', 5)", "1")
		c.KillShard(0)
		c.RestartShard(0)
		err := ask(s, "SELECT v FROM a WHERE id = 1")
		var me *mysql.MySQLError
		if !errors.As(err, &me) || me.Number != 2013 {
			t.Errorf("the session hears %v", err)
		}
		if err := ask(s, "SELECT 1"); err == nil {
			t.Error("the session goes on")
		}
		deadline := time.Now().Add(10 * time.Second)
		for err = errors.New("not asked"); err != nil && time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) {
			err = ask(other, "SELECT GET_LOCK('z', 0)")
		}
		if err != nil {
			t.Error(err)
		}
	})
}
