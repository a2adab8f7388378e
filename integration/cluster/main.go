package cluster

import (
	"os"
	"testing"

	"github.com/go-sql-driver/mysql"
)

// Main is the TestMain of a package whose tests start proxies: it removes the program that they built.
func Main(m *testing.M) {
	code := m.Run()
	RemoveBinary()
	os.Exit(code)
}

// QuietMain is Main for tests that are about connections which break: the driver does not log each.
func QuietMain(m *testing.M) {
	if err := mysql.SetLogger(&mysql.NopLogger{}); err != nil {
		panic(err)
	}
	Main(m)
}
