package coordinator

import "errors"

// The small model: one transaction over two shards, its coordinator, a second proxy; every
// interleaving of their steps with crashes, broken connections and late messages. The rules are the real ones
// (machine, inquiry, findingOf, judge); what surrounds them is as small as it can be.

const modelShards = 2

// model is the part that does not change.
type model struct {
	three   bool // three-phase
	mysql   bool // prepared branches are nobody's at once
	gone    bool // the coordinator's process and disk never come back: the second proxy has to do
	breaks  int8 // connections that may break
	crashes int8 // deaths of the coordinator
	reboots int8 // crashes of shards

	mistake mistake
}

// mistake put into the servers or a proxy, for the model to find.
type mistake uint8

const (
	noMistake            mistake = iota
	prepareWithoutMarker         // PREPARE runs although the marker could not be written
	purgeOfActive                // a fence is purged while its branch can still vote
)

type branchAt uint8 // on the server

const (
	atActive branchAt = iota
	atMarked          // active, marker written; PREPARE is the next statement of the same request
	atPrepared
	atCommitted
	atRolledBack
)

type markerAt uint8

const (
	noMarker markerAt = iota
	openMarker
	committedMarker
	fenceMarker
)

// verbs on their way to a server, and answers on their way back.
type verb uint8

const (
	noVerb   verb = iota
	verbVote      // the marker, then PREPARE; in three-phase mode
	verbPrepare
	verbCommit
	verbRollback
)

// serverState is one shard.
type serverState struct {
	branch    branchAt
	marker    markerAt
	was       bool // was prepared once
	session   bool // the coordinator's session is there
	detaching bool // MariaDB: the session is gone, the engine has not let go yet
	hidden    bool // MariaDB: a commit came too soon; prepared, unseen until a reboot
}

// legState is the coordinator's connection to a shard.
type legState struct {
	broken  bool
	request verb   // not yet executed
	answer  Result // executed, not yet received; 0: none
}

// driverState is the coordinator's process.
type driverState struct {
	alive     bool
	reborn    bool // restarted after a crash; only its resolver is of interest
	state     state
	branches  [modelShards]branchState
	outcome   Verdict
	waiting   [modelShards]verb // verb whose answer is awaited
	appending bool
	inquiring bool // by way of resolver 0
	legs      [modelShards]legState
}

// resolverAt is where a resolver stands in its pass over one shard.
type resolverAt uint8

const (
	resIdle   resolverAt = iota
	resListed            // the branch was in the first list
	resLook              // asks the shards: list of next
	resLook2             // asks the shards: marker of next
	resRemedy            // works on what is open
	resAgain             // second list
	resFree
	resSettle
)

type resolverState struct {
	at      resolverAt
	shard   int8
	next    int8
	saw     bool // next was in the prepared list
	found   [modelShards]finding
	verdict int8 // txlog.Verdict
}

// modelState is all that changes; it is a map key.
type modelState struct {
	driver    driverState
	durable   bool
	told      Verdict
	servers   [modelShards]serverState
	resolvers [2]resolverState // of the coordinator's process, of the second proxy
	breaks    int8
	crashes   int8
	reboots   int8
}

func (m *model) first() modelState {
	s := modelState{breaks: m.breaks, crashes: m.crashes, reboots: m.reboots}
	s.driver.alive = true
	for i := range s.servers {
		s.servers[i].session = true
	}
	return s
}

var errModel = errors.New("model")

// machine brings the real state machine to where the driver is.
func (m *model) machine(d *driverState) *machine {
	x := newMachine(modelShards)
	if m.three {
		x = newThreePhase(modelShards)
	}
	x.state, x.outcome = d.state, d.outcome
	copy(x.branches, d.branches[:])
	return x
}

func (r *resolverState) inquiry() *inquiry {
	q := newInquiry([]string{"s1", "s2"})
	copy(q.found, r.found[:])
	return q
}

// live is what the resolver in the same process sees.
func (d *driverState) live() bool { return d.alive && !d.reborn && d.outcome == 0 }

// settled: nothing is left to do anywhere.
func (s *modelState) settled() bool {
	for _, v := range s.servers {
		if v.branch != atCommitted && v.branch != atRolledBack || v.hidden {
			return false
		}
	}
	return true
}

// wrong names the rule that a state breaks.
func (m *model) wrong(s *modelState) string {
	committed, rolledBack := 0, 0
	for _, v := range s.servers {
		switch v.branch {
		case atCommitted:
			committed++
		case atRolledBack:
			rolledBack++
		}
	}
	all := s.servers[0].was && s.servers[1].was
	switch {
	case committed > 0 && rolledBack > 0:
		return "one branch is committed and one is rolled back"
	case committed > 0 && !m.three && !s.durable:
		return "a branch is committed and the decision is not durable"
	case committed > 0 && m.three && !all:
		return "a branch is committed and not all were prepared"
	case s.told == Committed && rolledBack > 0:
		return "the client was told of a commit, and a branch is rolled back"
	case s.told == RolledBack && committed > 0:
		return "the client was told of a roll-back, and a branch is committed"
	}
	return ""
}
