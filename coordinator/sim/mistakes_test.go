package sim

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// mistake is a classic one of commit protocols, put into the coordinator's source.
type mistake struct {
	name      string
	file      string // of package coordinator
	right     string // there once
	wrong     string
	complaint string // some of what the suite must say
}

var mistakes = []mistake{
	{
		"commit before the decision is durable", "driver.go",
		"queue = append(queue, d.append(d.ctx))",
		"go d.append(d.ctx)\n\t\t\t\tqueue = append(queue, event{kind: evDurable})",
		"decision is not durable",
	},
	{
		"roll back a prepared branch when a prepare times out in three-phase mode", "machine_vote.go",
		"if m.three && m.state == statePreparing {",
		"if false {",
		"rolled back where it was prepared",
	},
	{
		"take a branch that is gone for committed", "inquire.go",
		"\treturn findNothing\n}",
		"\treturn findCommitted\n}",
		"not all of its participants were prepared",
	},
	{
		"take an unknown answer to XA COMMIT for done, and forget the decision", "machine_end.go",
		"\t\tcase Done:\n\t\t\tm.branches[e.i] = branchEnded\n\t\t\treturn m.finish(), nil\n\t\tcase Retry:\n\t\t\treturn []effect{{doRetry, e.i}}, nil\n\t\tcase Refused, Unknown:\n",
		"\t\tcase Done, Unknown:\n\t\t\tm.branches[e.i] = branchEnded\n\t\t\treturn m.finish(), nil\n\t\tcase Retry:\n\t\t\treturn []effect{{doRetry, e.i}}, nil\n\t\tcase Refused:\n",
		"was removed from the log while its branch",
	},
	{
		"reuse transaction ids: an epoch that is not new at every start", "coordinator.go",
		"\tknown, err := o.Log.Epochs()\n",
		"\tknown, err := o.Log.Epochs()\n\tif len(known) > 0 {\n\t\to.Epoch = known[0]\n\t}\n",
		"given out twice",
	},
	{
		"settle a MariaDB branch without waiting until its session has let go of it", "pass.go",
		"err := c.freeXIDs(ctx, w, xids)",
		"var err error",
		"before its session had let go of it",
	},
	{
		"presume abort of a branch whose marker cannot be read", "settle_threephase.go",
		"case q == nil && unread[gtrid] != nil && !force:",
		"case false:",
		"",
	},
	{
		"act on one look at the prepared branches", "pass.go",
		"\t\ttasks = inBoth(tasks, second)\n",
		"\t\t_ = second\n",
		"",
	},
}

const mistakeSeeds = 10_000

// TestMistakes shows that the simulation finds mistakes: each is put into a copy of the source, and must be
// noticed within 10,000 histories.
func TestMistakes(t *testing.T) {
	if os.Getenv("LOCKSTEP_SIM_MISTAKES") == "" {
		t.Skip("LOCKSTEP_SIM_MISTAKES is not set: each mistake is a build of its own")
	}
	for _, m := range mistakes {
		t.Run(m.name, func(t *testing.T) {
			seed, said := m.find(t)
			t.Logf("noticed by history %d: %s", seed, said)
		})
	}
}

// find builds the suite with the mistake, and runs it until it fails.
func (m mistake) find(t *testing.T) (seed int, said string) {
	t.Helper()
	original, err := filepath.Abs(filepath.Join("..", m.file))
	if err != nil {
		t.Fatal(err)
	}
	source, err := os.ReadFile(original)
	if err != nil {
		t.Fatal(err)
	}
	if n := bytes.Count(source, []byte(m.right)); n != 1 {
		t.Fatalf("%s has %d times %q, and not once", m.file, n, m.right)
	}
	dir := t.TempDir()
	changed, overlay, binary := filepath.Join(dir, m.file), filepath.Join(dir, "overlay.json"), filepath.Join(dir, "sim.test")
	if err := os.WriteFile(changed, bytes.Replace(source, []byte(m.right), []byte(m.wrong), 1), 0o600); err != nil {
		t.Fatal(err)
	}
	words, err := json.Marshal(map[string]any{"Replace": map[string]string{original: changed}})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(overlay, words, 0o600); err != nil {
		t.Fatal(err)
	}
	build := exec.Command("go", "test", "-vet=off", "-c", "-overlay", overlay, "-o", binary, ".")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build with the mistake: %v\n%s", err, out)
	}
	out, err := exec.Command(binary, "-test.run=^TestSim$", "-test.timeout=5m", fmt.Sprint("-sim.seeds=", mistakeSeeds)).CombinedOutput()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	found := regexp.MustCompile(`seed (\d+): (.*)`).FindSubmatch(out)
	if err == nil || found == nil {
		t.Fatalf("not noticed within %d histories:\n%s", mistakeSeeds, tail(out))
	}
	if !strings.Contains(string(out), m.complaint) {
		t.Errorf("noticed, but not for what it is (%q):\n%s", m.complaint, tail(out))
	}
	seed, err = strconv.Atoi(string(found[1]))
	if err != nil {
		t.Fatal(err)
	}
	return seed, string(found[2])
}

func tail(out []byte) string { return string(out[max(0, len(out)-3000):]) }
