package merging

import (
	"fmt"
	"os"
	"strings"
	"testing"
)

// resident is how many bytes of memory a process has.
func resident(t *testing.T, pid int) int {
	t.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		t.Errorf("read the proxy's memory: %v", err)
		return 0
	}
	for line := range strings.Lines(string(status)) {
		var kilobytes int
		if n, _ := fmt.Sscanf(line, "VmRSS: %d kB", &kilobytes); n == 1 {
			return kilobytes << 10
		}
	}
	t.Errorf("no VmRSS of process %d", pid)
	return 0
}
