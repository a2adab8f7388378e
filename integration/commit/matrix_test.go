package commit

import (
	"fmt"
	"os"
	"testing"

	"lockstep/integration/cluster"
	"lockstep/localdb"
)

// envMatrix makes TestCrashAtEachStep try every cell. Default: a choice.
const envMatrix = "LOCKSTEP_MATRIX"

// matrixChoice says how many victims there are at each step.
type matrixChoice int

const (
	oneVictim   matrixChoice = iota // of two shards, in turn
	everyKind                       // of two shards, the proxy, one shard, the proxy and one shard; of three one in turn
	everyVictim                     // the proxy, each shard, the proxy and each shard
)

// setup is a kind of cluster, and the mode of the commits over it.
type setup struct {
	engine localdb.Engine
	binLog bool
	mode   string
	choice matrixChoice
}

func (s setup) String() string {
	binLog := "no binlog"
	if s.binLog {
		binLog = "binlog"
	}
	return fmt.Sprintf("%s/%s/%s", s.engine, s.mode, binLog)
}

// setups of the full matrix are all. The choice is most of the engine that the environment asks for, with more
// victims where nothing else differs from what people run first, and of the other engine the
// one with the binary log, where the two differ most.
func setups(t *testing.T) (list []setup) {
	t.Helper()
	full := false
	switch text := os.Getenv(envMatrix); text {
	case "":
	case "full":
		full = true
	default:
		t.Fatalf("%s=%q: the only choice is full", envMatrix, text)
	}
	main := cluster.Engine(t)
	for _, engine := range cluster.Engines {
		for _, mode := range []string{twoPhase, threePhase} {
			for _, binLog := range []bool{false, true} {
				s := setup{engine: engine, binLog: binLog, mode: mode}
				switch {
				case full:
					s.choice = everyVictim
				case engine != main && (testing.Short() || !binLog || mode != twoPhase), mode == threePhase && binLog:
					continue
				case !testing.Short() && engine == main && mode == twoPhase && !binLog:
					s.choice = everyKind
				}
				list = append(list, s)
			}
		}
	}
	return list
}

// Something dies at each step of a commit: the proxy, a shard, or both at once.
func TestCrashAtEachStep(t *testing.T) {
	for _, s := range setups(t) {
		t.Run(s.String(), func(t *testing.T) {
			w := newWorld(t, cluster.Options{Engine: s.engine, Shards: 3, BinLog: s.binLog, Config: "timeouts:\n  prepare: 1s\n  commit: 3s\n  resolve: 200ms\n"})
			w.StartProxy()
			a := w.makeAccounts(24, 1000)
			w.StopProxy()
			for _, c := range crashes(s.mode, s.choice) {
				t.Run(fmt.Sprintf("%d shards/%s/%s", c.step.n, c.step, c.victim), func(t *testing.T) { w.crash(t, a, c) })
			}
		})
	}
}
