package cluster

import (
	"os"
	"testing"

	"lockstep/localdb"
)

// EngineVariable names the engine of all shards that a test does not choose itself: mariadb, the default, or mysql.
const EngineVariable = "LOCKSTEP_TEST_ENGINE"

// Engines are those that tests of both run on.
var Engines = []localdb.Engine{localdb.MariaDB, localdb.MySQL}

// Engine is what the environment asks for. The test fails where it asks for nonsense, or for what is not installed.
func Engine(t testing.TB) localdb.Engine {
	t.Helper()
	e := localdb.MariaDB
	if name := os.Getenv(EngineVariable); name != "" {
		var err error
		if e, err = localdb.ParseEngine(name); err != nil {
			t.Fatalf("%s: %v", EngineVariable, err)
		}
	}
	NeedEngine(t, e)
	return e
}

// NeedEngine fails a test whose engine is not installed: a test that is skipped proves nothing.
func NeedEngine(t testing.TB, e localdb.Engine) {
	t.Helper()
	if err := e.Installed(); err != nil {
		t.Fatalf("%v (make install-test-deps)", err)
	}
}
