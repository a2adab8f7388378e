package coordinator

import (
	"errors"
	"fmt"
)

// state of a transaction in two-phase commit.
//
//	new ──start──▶ preparing ──all yes──▶ deciding ──durable──▶ committing ─┐
//	                   │                    │  │                            ├─▶ finished
//	                   └──no, unknown──▶ aborting ◀─not durable, veto──┘  │  ─────────┘
//	                                           └──unknown──▶ held
type state uint8

const (
	stateNew state = iota
	statePreparing
	stateDeciding
	stateCommitting
	stateAborting
	stateHeld // nobody commits, nobody rolls back
	stateFinished
)

var stateNames = [...]string{"new", "preparing", "deciding", "committing", "aborting", "held", "finished"}

func (s state) String() string { return stateNames[s] }

// branchState of one participant.
type branchState uint8

const (
	branchActive    branchState = iota
	branchPreparing             // asked for its vote
	branchPrepared              // voted yes
	branchEnding                // told the verdict, no answer yet
	branchEnded                 // acknowledged
	branchLeft                  // left to the resolver
)

// eventKind is what happens to a transaction.
type eventKind uint8

const (
	evStart      eventKind = iota // the client says COMMIT
	evAbandoned                   // it cannot be committed: nothing was prepared
	evVoted                       // participant answered prepare
	evDurable                     // the log holds the decision
	evNotDurable                  // the log certainly does not and never will
	evUnsure                      // the log may hold it
	evVetoed                      // an operator or a limit forbids the commit, before the log was asked
	evAnswered                    // participant answered commit or rollback
	evGaveUp                      // time for retries at a participant is over
)

var eventNames = [...]string{"start", "abandoned", "voted", "durable", "not-durable", "unsure", "vetoed", "answered", "gave-up"}

type event struct {
	kind  eventKind
	i     int // participant
	reply Reply
	err   error
}

func (e event) String() string {
	s := eventNames[e.kind]
	switch e.kind {
	case evVoted, evAnswered:
		return fmt.Sprintf("%s %d %s", s, e.i, e.reply.Result)
	case evGaveUp:
		return fmt.Sprintf("%s %d", s, e.i)
	}
	return s
}

// effectKind is what the driver has to do.
type effectKind uint8

const (
	doPrepare  effectKind = iota
	doAppend              // make the decision to commit durable
	doCommit              // tell a participant
	doRollback            // tell a participant
	doRetry               // the same verb again, a little later
	doLeave               // this branch is the resolver's from now on
	doForget              // the decision is not needed any more
	doFinish              // outcome is set
)

var effectNames = [...]string{"prepare", "append", "commit", "rollback", "retry", "leave", "forget", "finish"}

type effect struct {
	kind effectKind
	i    int // participant
}

func (e effect) String() string {
	switch e.kind {
	case doAppend, doForget, doFinish:
		return effectNames[e.kind]
	}
	return fmt.Sprintf("%s %d", effectNames[e.kind], e.i)
}

// errNoVote is the cause of a roll-back when a participant gave no answer.
var errNoVote = errors.New("no vote came")

// machine is one transaction. It is pure: step takes an event and returns what to do.
type machine struct {
	state    state
	branches []branchState
	refusal  error // the first participant's that said no
	silence  error // the first participant's that did not answer
	cause    error // why not committed, if neither of the two above
	outcome  Verdict
}

func newMachine(participants int) *machine {
	return &machine{branches: make([]branchState, participants)}
}

// step advances by one event. *AssertionError: the event cannot be; nothing has changed.
func (m *machine) step(e event) ([]effect, error) {
	if e.i < 0 || e.i >= len(m.branches) {
		return nil, m.broken(e)
	}
	switch {
	case m.state == stateNew && e.kind == evStart:
		return m.start(), nil
	case m.state == stateNew && e.kind == evAbandoned:
		m.state, m.cause = stateAborting, e.err
		return m.tell(doRollback), nil
	case (m.state == statePreparing || m.state == stateAborting) && e.kind == evVoted && m.branches[e.i] == branchPreparing:
		return m.voted(e)
	case m.state == stateDeciding && e.kind == evDurable:
		m.state = stateCommitting
		return m.tell(doCommit), nil
	case m.state == stateDeciding && (e.kind == evNotDurable || e.kind == evVetoed):
		m.state, m.cause = stateAborting, e.err
		return m.tell(doRollback), nil
	case m.state == stateDeciding && e.kind == evUnsure:
		m.state, m.cause, m.outcome = stateHeld, e.err, InDoubt
		return m.hold(), nil
	case (m.state == stateCommitting || m.state == stateAborting) && m.branches[e.i] == branchEnding &&
		(e.kind == evAnswered || e.kind == evGaveUp):
		return m.answered(e)
	}
	return nil, m.broken(e)
}

func (m *machine) broken(e event) error {
	return &AssertionError{State: m.state.String(), Event: e.String()}
}

func (m *machine) start() (out []effect) {
	m.state = statePreparing
	for i := range m.branches {
		m.branches[i] = branchPreparing
		out = append(out, effect{doPrepare, i})
	}
	return out
}

func (m *machine) voted(e event) (out []effect, err error) {
	switch e.reply.Result {
	case Done:
		m.branches[e.i] = branchPrepared
		if m.state == stateAborting {
			return m.rollback(e.i), nil
		}
		if m.count(branchPrepared) < len(m.branches) {
			return nil, nil
		}
		m.state = stateDeciding
		return []effect{{doAppend, 0}}, nil
	case Refused, Retry: // a definite no; what the server left of the branch is rolled back
		if m.refusal == nil {
			m.refusal = orElse(e.reply.Err, errors.New("prepare was refused"))
		}
		out = m.rollback(e.i)
	case Unknown: // it may be prepared or may yet become so
		if m.silence == nil {
			m.silence = orElse(e.reply.Err, errNoVote)
		}
		m.branches[e.i] = branchLeft
		out = []effect{{doLeave, e.i}}
	default:
		return nil, m.broken(e)
	}
	if m.state == statePreparing { // the first that is not a yes decides; who voted yes need not wait for the rest
		m.state = stateAborting
		for i, b := range m.branches {
			if b == branchPrepared {
				out = append(out, m.rollback(i)...)
			}
		}
	}
	return append(out, m.finish()...), nil
}

func (m *machine) rollback(i int) []effect {
	m.branches[i] = branchEnding
	return []effect{{doRollback, i}}
}

// tell gives the verdict to all.
func (m *machine) tell(verb effectKind) (out []effect) {
	for i := range m.branches {
		m.branches[i] = branchEnding
		out = append(out, effect{verb, i})
	}
	return out
}

// hold leaves all branches as they are.
func (m *machine) hold() (out []effect) {
	for i := range m.branches {
		m.branches[i] = branchLeft
		out = append(out, effect{doLeave, i})
	}
	return append(out, effect{doFinish, 0})
}

func (m *machine) answered(e event) ([]effect, error) {
	if e.kind == evAnswered {
		switch e.reply.Result {
		case Done:
			m.branches[e.i] = branchEnded
			return m.finish(), nil
		case Retry:
			return []effect{{doRetry, e.i}}, nil
		case Refused, Unknown:
		default:
			return nil, m.broken(e)
		}
	}
	m.branches[e.i] = branchLeft
	return append([]effect{{doLeave, e.i}}, m.finish()...), nil
}

// finish ends the transaction when no answer is outstanding.
func (m *machine) finish() (out []effect) {
	ended := m.count(branchEnded)
	if ended+m.count(branchLeft) < len(m.branches) {
		return nil
	}
	m.outcome = RolledBack
	if m.state == stateCommitting {
		m.outcome = Committed
		if ended == len(m.branches) {
			out = append(out, effect{doForget, 0})
		}
	}
	m.state = stateFinished
	return append(out, effect{doFinish, 0})
}

func (m *machine) count(want branchState) (n int) {
	for _, b := range m.branches {
		if b == want {
			n++
		}
	}
	return n
}

// why not committed: a shard's own no says more than a silence.
func (m *machine) why() error {
	if m.outcome == Committed {
		return nil
	}
	return orElse(m.refusal, orElse(m.cause, m.silence))
}

func orElse(err, other error) error {
	if err != nil {
		return err
	}
	return other
}
