package runbook

import (
	"os"
	"testing"

	"github.com/go-sql-driver/mysql"

	"lockstep/integration/cluster"
)

func TestMain(m *testing.M) {
	// That connections break is what these situations are about.
	if err := mysql.SetLogger(&mysql.NopLogger{}); err != nil {
		panic(err)
	}
	code := m.Run()
	cluster.RemoveBinary()
	os.Exit(code)
}
