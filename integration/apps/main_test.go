package apps

import (
	"os"
	"path/filepath"
	"testing"

	"lockstep/integration/cluster"
)

func TestMain(m *testing.M) { cluster.Main(m) }

// side is one place where an application keeps its data.
type side struct {
	name    string // plain or proxy
	address string // host:port of the server or the proxy
}

// wanted skips a test unless make apps runs it.
func wanted(t *testing.T) {
	t.Helper()
	if os.Getenv("LOCKSTEP_APPS") == "" {
		t.Skip("applications are clicked through by make apps")
	}
}

// sides starts a proxy over three shards and a plain server, each with an empty database. config is further YAML for the
// proxy's file.
func sides(t *testing.T, database, config string) (plain, proxy side) {
	t.Helper()
	c := cluster.Start(t, cluster.Options{Shards: 3, Config: config})
	c.StartProxy()
	s := cluster.PlainServer(t, c.Shards[0].Engine)
	create := "CREATE DATABASE " + database + " CHARACTER SET utf8mb4"
	if err := s.Exec(t.Context(), create); err != nil {
		t.Fatal(err)
	}
	if _, err := c.DB("").ExecContext(t.Context(), create); err != nil {
		t.Fatal(err)
	}
	return side{"plain", s.Address()}, side{"proxy", c.Listen}
}

// unpacked is the folder of an application that make apps has unpacked; tests are skipped without.
func unpacked(t *testing.T, app string) string {
	t.Helper()
	dir, err := filepath.Abs(filepath.Join("..", "..", ".cache", "apps", app))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(dir, "complete")); err != nil {
		if os.Getenv("LOCKSTEP_APPS") != "" {
			t.Fatalf("%s is not there: %v", app, err)
		}
		t.Skipf("%s is not there (make apps unpacks it)", app)
	}
	return dir
}
