package drivers

import (
	"database/sql"
	"strings"
	"testing"
	"time"

	"lockstep/integration/cluster"
)

// TestConnectionLimits: the one too many is told why, and a place that is left can be taken.
func TestConnectionLimits(t *testing.T) {
	for _, l := range []struct {
		config string
		code   uint16
	}{
		{"limits: {max_connections: 5}\n", 1040},
		{"limits: {max_user_connections: 5}\n", 1226},
	} {
		t.Run(l.config, func(t *testing.T) {
			c := cluster.Start(t, cluster.Options{Shards: 1, Config: l.config})
			c.StartProxy()
			db := c.DB("")
			var open []*sql.Conn
			eventually(t, 3*time.Second, func() string { // the harness's own look at the port may still count
				if _, err := db.Conn(t.Context()); err != nil {
					return err.Error()
				}
				return ""
			})
			db.SetMaxIdleConns(0)
			eventually(t, 3*time.Second, func() string {
				for len(open) < 4 {
					k, err := db.Conn(t.Context())
					if err != nil {
						return err.Error()
					}
					open = append(open, k)
				}
				return ""
			})
			_, err := c.DB("").Conn(t.Context())
			wantCode(t, err, l.code)
			if err != nil && !strings.Contains(err.Error(), "limits.") {
				t.Errorf("the error does not name the setting: %v", err)
			}
			if err := open[0].Close(); err != nil {
				t.Fatal(err)
			}
			eventually(t, 3*time.Second, func() string {
				k, err := c.DB("").Conn(t.Context())
				if err != nil {
					return err.Error()
				}
				open[0] = k
				return ""
			})
			for _, k := range open {
				k.Close()
			}
		})
	}
}

// TestLogin: who may not come in, and why.
func TestLogin(t *testing.T) {
	c := start(t, cluster.Options{Shards: 1, Config: "limits: {}\n"})
	for _, l := range []struct {
		dsn  string
		code uint16
		says string
	}{
		{"app:wrong@tcp(HERE)/", 1045, "Access denied for user 'app'@'127.0.0.1' (using password: YES)"},
		{"app@tcp(HERE)/", 1045, "(using password: NO)"},
		{"nobody:app@tcp(HERE)/", 1045, "Access denied for user 'nobody'@"},
		{"app:app@tcp(HERE)/nowhere", 1049, "Unknown database 'nowhere'"},
		{"App:app@tcp(HERE)/", 1045, "Access denied"},
	} {
		db, err := sql.Open("mysql", strings.Replace(l.dsn, "HERE", c.Listen, 1))
		if err != nil {
			t.Fatal(err)
		}
		_, err = db.Conn(t.Context())
		wantCode(t, err, l.code)
		if err != nil && !strings.Contains(err.Error(), l.says) {
			t.Errorf("%s: %v, want %s", l.dsn, err, l.says)
		}
		db.Close()
	}
}
