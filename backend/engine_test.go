package backend

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"lockstep/localdb"
)

// engine is a private server of one family.
type engine struct {
	name    string
	options Options
	kill    func(*testing.T)
	start   func(*testing.T)
}

// open makes a shard on the engine's server, closed at the test's end.
func (e *engine) open(t *testing.T, change ...func(*Options)) *Shard {
	t.Helper()
	return openWith(t, e.options, change)
}

// onEngines runs a test on MariaDB and, where it is installed, on MySQL.
func onEngines(t *testing.T, test func(t *testing.T, e *engine)) {
	t.Run("MariaDB", func(t *testing.T) {
		s := needMariaDB(t)
		test(t, &engine{name: "MariaDB", options: s.options(), kill: func(*testing.T) { s.kill() }, start: func(t *testing.T) {
			if err := s.start(); err != nil {
				t.Fatal(err)
			}
		}})
	})
	t.Run("MySQL", func(t *testing.T) {
		e, err := mysqlEngine()
		if errors.As(err, new(*localdb.NotInstalledError)) {
			t.Skip(err)
		}
		if err != nil {
			t.Fatal(err)
		}
		test(t, e)
	})
}

var mysqlServer *localdb.Server // nil until a test needs it

// mysqlEngine starts the server that all tests of this package share; runWithServer ends it.
var mysqlEngine = sync.OnceValues(func() (*engine, error) {
	if err := localdb.MySQL.Installed(); err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "backend-mysql-")
	if err != nil {
		return nil, err
	}
	o := localdb.Options{Dir: filepath.Join(dir, "s1"), Engine: localdb.MySQL,
		ExtraArgs: []string{"--lock-wait-timeout=20", "--innodb-lock-wait-timeout=5"}} // as MariaDB's: a test that went wrong must not wait for ever
	if mysqlServer, err = localdb.Start(context.Background(), o); err != nil {
		return nil, err
	}
	if err := mysqlServer.AddUser(context.Background(), "lockstep", "pw"); err != nil {
		return nil, err
	}
	e := &engine{name: "MySQL", options: Options{Name: "s1", Address: mysqlServer.Address(), User: "lockstep", Password: "pw", ProbeInterval: 50e6}}
	e.kill = func(t *testing.T) {
		if err := mysqlServer.Kill(); err != nil {
			t.Fatal(err)
		}
	}
	e.start = func(t *testing.T) {
		if mysqlServer, err = localdb.Start(context.Background(), o); err != nil {
			t.Fatal(err)
		}
	}
	return e, nil
})

// endMySQL kills the server and removes its files.
func endMySQL() error {
	if mysqlServer == nil {
		return nil
	}
	return errors.Join(mysqlServer.Kill(), os.RemoveAll(filepath.Dir(mysqlServer.Dir)))
}
