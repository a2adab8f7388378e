package coordinator

import (
	"errors"
	"fmt"
)

// state of a transaction that is being committed.
//
//	two-phase:    new ─▶ preparing ──all yes──▶ deciding ──durable──▶ committing ─▶ finished
//	three-phase:  new ─▶ admitting ─▶ preparing ──all yes──▶ committing ─▶ finished
//	                                      └──silence──▶ inquiring ─▶ committing | aborting | finished
//
//	a no, before the decision:  ─▶ aborting ─▶ finished
//	the log cannot tell:        ─▶ held
type state uint8

const (
	stateNew       state = iota
	stateAdmitting       // three-phase: the last moment for a veto
	statePreparing       //
	stateDeciding        // the log is being asked
	stateInquiring       // three-phase: all that answered are prepared, some did not answer
	stateCommitting
	stateAborting
	stateHeld // nobody commits, nobody rolls back
	stateFinished
)

var stateNames = [...]string{"new", "admitting", "preparing", "deciding", "inquiring", "committing", "aborting", "held", "finished"}

func (s state) String() string { return stateNames[s] }

// branchState of one participant.
type branchState uint8

const (
	branchActive    branchState = iota
	branchPreparing             // asked for its vote
	branchPrepared              // voted yes
	branchSilent                // three-phase: no answer to prepare; it may be prepared or become so
	branchEnding                // told the verdict, no answer yet
	branchEnded                 // acknowledged
	branchLeft                  // left to the resolver
)

// eventKind is what happens to a transaction.
type eventKind uint8

const (
	evStart      eventKind = iota // the client says COMMIT
	evAbandoned                   // it cannot be committed: nothing was prepared
	evAdmitted                    // nobody can forbid the commit from here on
	evVoted                       // participant answered prepare, its marker included where it leaves one
	evDurable                     // the log holds the decision
	evNotDurable                  // the log certainly does not and never will
	evUnsure                      // the log may hold it
	evVetoed                      // an operator or a limit forbids the commit, before the log was asked or a branch prepared
	evFound                       // the inquiry ended, with a verdict or none
	evAnswered                    // participant answered commit or rollback
	evGaveUp                      // time for retries at a participant is over
)

var eventNames = [...]string{"start", "abandoned", "admitted", "voted", "durable", "not-durable", "unsure", "vetoed", "found", "answered", "gave-up"}

type event struct {
	kind    eventKind
	i       int // participant
	reply   Reply
	verdict Verdict // of evFound; InDoubt: none yet
	err     error
}

func (e event) String() string {
	s := eventNames[e.kind]
	switch e.kind {
	case evVoted, evAnswered:
		return fmt.Sprintf("%s %d %s", s, e.i, e.reply.Result)
	case evGaveUp:
		return fmt.Sprintf("%s %d", s, e.i)
	case evFound:
		return fmt.Sprintf("%s %s", s, e.verdict)
	}
	return s
}

// effectKind is what the driver has to do.
type effectKind uint8

const (
	doAdmit    effectKind = iota // close the door to vetoes
	doPrepare                    //
	doAppend                     // make the decision to commit durable
	doInquire                    // find out the verdict from the participants' shards
	doCommit                     // tell a participant
	doRollback                   // tell a participant
	doRetry                      // the same verb again, a little later
	doLeave                      // this branch is the resolver's from now on
	doForget                     // the decision is not needed any more
	doFinish                     // outcome is set
)

var effectNames = [...]string{"admit", "prepare", "append", "inquire", "commit", "rollback", "retry", "leave", "forget", "finish"}

type effect struct {
	kind effectKind
	i    int // participant
}

func (e effect) String() string {
	switch e.kind {
	case doAdmit, doAppend, doInquire, doForget, doFinish:
		return effectNames[e.kind]
	}
	return fmt.Sprintf("%s %d", effectNames[e.kind], e.i)
}

var (
	errNoVote   = errors.New("no vote came")                               // a participant gave no answer
	errSilent   = errors.New("a participant may or may not be prepared")   // three-phase, its outcome is not known yet
	errFenced   = errors.New("a participant can not be prepared any more") // three-phase, found out by the inquiry
	errNoReason = errors.New("it was refused")
)

// machine is the commit of one transaction. It is pure: step takes an event and returns what to do.
type machine struct {
	three    bool // three-phase: committed once all are prepared; no log
	state    state
	branches []branchState
	refusal  error // the first participant's that said no
	silence  error // the first participant's that did not answer
	cause    error // why not committed, if neither of the two above
	outcome  Verdict
}

// newMachine for two-phase commit.
func newMachine(participants int) *machine {
	return &machine{branches: make([]branchState, participants)}
}

func newThreePhase(participants int) *machine {
	return &machine{branches: make([]branchState, participants), three: true}
}

// step advances by one event. *AssertionError: the event cannot be; nothing has changed.
func (m *machine) step(e event) ([]effect, error) {
	if e.i < 0 || e.i >= len(m.branches) {
		return nil, m.broken(e)
	}
	is := func(states ...state) bool {
		for _, s := range states {
			if m.state == s {
				return true
			}
		}
		return false
	}
	at := m.branches[e.i]
	switch e.kind {
	case evStart:
		if is(stateNew) {
			return m.start(), nil
		}
	case evAbandoned:
		if is(stateNew) {
			return m.abort(e.err), nil
		}
	case evAdmitted:
		if is(stateAdmitting) {
			return m.all(statePreparing, branchPreparing, doPrepare), nil
		}
	case evVoted:
		if is(statePreparing, stateAborting) && at == branchPreparing {
			return m.voted(e)
		}
	case evDurable:
		if is(stateDeciding) {
			return m.all(stateCommitting, branchEnding, doCommit), nil
		}
	case evNotDurable:
		if is(stateDeciding) {
			return m.abort(e.err), nil
		}
	case evVetoed:
		if is(stateDeciding, stateAdmitting) {
			return m.abort(e.err), nil
		}
	case evUnsure:
		if is(stateDeciding) {
			m.state, m.cause, m.outcome = stateHeld, e.err, InDoubt
			return m.leaveAll(), nil
		}
	case evFound:
		if is(stateInquiring) {
			return m.found(e)
		}
	case evAnswered, evGaveUp:
		if is(stateCommitting, stateAborting) && at == branchEnding {
			return m.answered(e)
		}
	}
	return nil, m.broken(e)
}

func (m *machine) broken(e event) error {
	return &AssertionError{State: m.state.String(), Event: e.String()}
}

// all moves the transaction and every branch on, with one effect for each.
func (m *machine) all(next state, b branchState, do effectKind) (out []effect) {
	m.state = next
	for i := range m.branches {
		m.branches[i] = b
		out = append(out, effect{do, i})
	}
	return out
}

// abort is for when no verb is under way.
func (m *machine) abort(cause error) []effect {
	m.cause = cause
	return m.all(stateAborting, branchEnding, doRollback)
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
