package runbook

import (
	"testing"

	"lockstep/integration/cluster"
)

func TestMain(m *testing.M) { cluster.QuietMain(m) }
