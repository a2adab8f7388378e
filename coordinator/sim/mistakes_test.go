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

// mistake is a classic one of commit protocols, put into the coordinator's source, or into what a server makes of its requests.
type mistake struct {
	name      string
	file      string // of package coordinator, or of the simulated servers
	right     string // there once
	wrong     string
	complaint string // some of what the suite must say, where it is always the same
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
		"(3pc)", // rolled back where it was prepared, or told so and then committed
	},
	{
		"take a branch that is gone for committed", "inquire.go",
		"\treturn findNothing\n}",
		"\treturn findCommitted\n}",
		"not all of its participants were prepared",
	},
	{
		"reuse transaction ids: an epoch that is not new at every start", "coordinator.go",
		"\tknown, err := o.Log.Epochs()\n",
		"\tknown, err := o.Log.Epochs()\n\tif len(known) > 0 {\n\t\to.Epoch = known[0]\n\t}\n",
		"", // given out twice, or a branch that nobody takes for his
	},
	{
		"settle a MariaDB branch without waiting until its session has let go of it", "pass.go",
		"err := c.freeXIDs(ctx, w, xids, limit)",
		"var err error\n\t_ = limit",
		"before its session had let go of it",
	},
	// Beyond the five.
	{
		"take an unknown answer to XA COMMIT for done, and forget the decision", "machine_end.go",
		"\t\tcase Done:\n\t\t\tm.branches[e.i] = branchEnded\n\t\t\treturn m.finish(), nil\n\t\tcase Retry:\n\t\t\treturn []effect{{doRetry, e.i}}, nil\n\t\tcase Refused, Unknown:\n",
		"\t\tcase Done, Unknown:\n\t\t\tm.branches[e.i] = branchEnded\n\t\t\treturn m.finish(), nil\n\t\tcase Retry:\n\t\t\treturn []effect{{doRetry, e.i}}, nil\n\t\tcase Refused:\n",
		"was removed from the log while its branch",
	},
	{
		"take a write of unknown outcome for one that failed", "commit.go",
		"wins where an error is both\n\t\treturn event{kind: evUnsure,",
		"wins where an error is both\n\t\treturn event{kind: evNotDurable,",
		"",
	},
	{
		"presume abort of a branch whose marker cannot be read", "settle_threephase.go",
		"if q == nil && unread[gtrid] != nil && !force {",
		"if false {",
		"",
	},
	{
		"presume abort of a branch whose log was lost", "judge.go",
		"case c.epochs[id.Epoch]:",
		"case true:",
		"",
	},
	{
		"act on one look at the prepared branches", "pass.go",
		"\t\ttasks = inBoth(tasks, second)\n",
		"\t\t_ = second\n",
		"",
	},
	{
		"commit a three-phase transaction when one participant is prepared", "inquiry.go",
		"case prepared == len(q.found) && prepared > 0:",
		"case prepared > 0:",
		"not all of its participants were prepared",
	},
	{
		"answer ABORTED for a token that is fenced on one shard only", "token.go",
		"c.fenceToken(ctx, token, l.bare)",
		"c.fenceToken(ctx, token, l.bare[:1])",
		"answered ABORTED",
	},
	{
		"forget a decision before every shard has shown that it needs it no more", "unfinished.go",
		"if c <= t.seen {",
		"if c <= t.seen && c > 0 {",
		"was removed from the log while its branch",
	},
	{
		"delete markers of a transaction that is prepared", "purge.go",
		"busy := prepared[m.GTRID]",
		"busy := prepared[m.GTRID] && false",
		"is purged while its branch",
	},
	{
		"go on to PREPARE where the marker could not be written", "sim/marker_test.go",
		"\t\t\treturn answer(coordinator.Refused, errDup)\n\t\t}\n\t\tm := r.marker\n",
		"\t\t\tr.marked = r.verb == verbVote\n\t\t\treturn !r.marked && answer(coordinator.Refused, errDup)\n\t\t}\n\t\tm := r.marker\n",
		"",
	},
	{
		"purge a fence whose branch can still vote", "purge.go",
		"return m.fence() && !gone[m.GTRID]",
		"return false && !gone[m.GTRID]",
		"(3pc)",
	},
	{
		"prepare the branches of a three-phase transaction without their markers", "driver.go",
		"d.marked = d.options.marked()",
		"d.marked = d.options.Token != \"\"",
		"(3pc)", // nobody can tell what to do with it
	},
}

// Histories within which a mistake must be noticed: one of the first five, and any.
const (
	classicSeeds = 10_000
	mistakeSeeds = 50_000
)

// TestMistakes shows that the simulation finds mistakes: each is put into a copy of the source, and must be
// noticed in time.
func TestMistakes(t *testing.T) {
	if os.Getenv("LOCKSTEP_SIM_MISTAKES") == "" {
		t.Skip("LOCKSTEP_SIM_MISTAKES is not set: each mistake is a build of its own")
	}
	for i, m := range mistakes {
		limit := classicSeeds
		if i >= 5 {
			limit = mistakeSeeds
		}
		t.Run(m.name, func(t *testing.T) {
			seed, said := m.find(t, limit)
			t.Logf("noticed by history %d: %s", seed, said)
		})
	}
}

// TestMistakesFit finds out quickly when the source that a mistake changes has changed.
func TestMistakesFit(t *testing.T) {
	for _, m := range mistakes {
		m.source(t)
	}
}

// source that is to be changed.
func (m mistake) source(t *testing.T) (path string, content []byte) {
	t.Helper()
	path, err := filepath.Abs(filepath.Join("..", m.file))
	if err != nil {
		t.Fatal(err)
	}
	content, err = os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if n := bytes.Count(content, []byte(m.right)); n != 1 {
		t.Fatalf("the mistake %q: %s has %d times %q, and not once: change the mistake with it", m.name, m.file, n, m.right)
	}
	return path, content
}

// find builds the suite with the mistake, and runs it until it fails.
func (m mistake) find(t *testing.T, limit int) (seed int, said string) {
	t.Helper()
	original, source := m.source(t)
	dir := t.TempDir()
	changed, overlay, binary := filepath.Join(dir, filepath.Base(m.file)), filepath.Join(dir, "overlay.json"), filepath.Join(dir, "sim.test")
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
	suite := exec.Command(binary, "-test.run=^TestSim$", "-test.timeout=5m", fmt.Sprint("-sim.seeds=", limit))
	suite.Env = append(os.Environ(), "GOMAXPROCS=1") // one history after the other, so that the first is the first
	out, err := suite.CombinedOutput()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	found := regexp.MustCompile(`seed (\d+): (.*)`).FindSubmatch(out)
	if err == nil || found == nil {
		t.Fatalf("not noticed within %d histories:\n%s", limit, tail(out))
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
