package coordinator

// The votes: from COMMIT to the decision.

func (m *machine) start() []effect {
	if m.three { // all prepared will be the decision: nobody can forbid it any more once they are asked
		m.state = stateAdmitting
		return []effect{{doAdmit, 0}}
	}
	return m.all(statePreparing, branchPreparing, doPrepare)
}

// voted takes an answer to prepare.
func (m *machine) voted(e event) ([]effect, error) {
	switch e.reply.Result {
	case Done:
		m.branches[e.i] = branchPrepared
		if m.state == stateAborting {
			return m.rollback(e.i), nil
		}
		return m.counted(), nil
	case Unknown:
		if m.three && m.state == statePreparing {
			// Nobody may roll back a prepared branch while this one may be prepared too.
			m.keepSilence(e.reply.Err)
			m.branches[e.i] = branchSilent
			return m.counted(), nil
		}
		return m.no(e), nil
	case Refused, Retry:
		return m.no(e), nil
	}
	return nil, m.broken(e)
}

// counted decides once every vote is in and none is a no.
func (m *machine) counted() []effect {
	yes, silent := m.count(branchPrepared), m.count(branchSilent)
	switch {
	case yes+silent < len(m.branches):
		return nil
	case silent > 0:
		m.state = stateInquiring
		return []effect{{doInquire, 0}}
	case m.three: // all are prepared, which anybody can see: that is the decision
		return m.all(stateCommitting, branchEnding, doCommit)
	}
	m.state = stateDeciding
	return []effect{{doAppend, 0}}
}

// no ends the transaction: participant e.i refused, or gave no answer where
// that is enough. The first no decides; who voted yes need not wait for the rest.
func (m *machine) no(e event) (out []effect) {
	if e.reply.Result == Unknown { // a verb may be under way there still
		m.keepSilence(e.reply.Err)
		m.branches[e.i] = branchLeft
		out = []effect{{doLeave, e.i}}
	} else { // definite; what the server left of the branch is rolled back
		if m.refusal == nil {
			m.refusal = orElse(e.reply.Err, errNoReason)
		}
		out = m.rollback(e.i)
	}
	if m.state != stateAborting {
		m.state = stateAborting
		out = append(out, m.release()...)
	}
	return append(out, m.finish()...)
}

// release rolls back what has nothing under way, and leaves the silent.
func (m *machine) release() (out []effect) {
	for i, b := range m.branches {
		switch b {
		case branchPrepared:
			out = append(out, m.rollback(i)...)
		case branchSilent:
			m.branches[i] = branchLeft
			out = append(out, effect{doLeave, i})
		}
	}
	return out
}

// found takes the result of an inquiry into who of the silent is prepared.
func (m *machine) found(e event) ([]effect, error) {
	switch e.verdict {
	case Committed:
		m.state = stateCommitting
	case RolledBack:
		m.state, m.cause = stateAborting, orElse(e.err, errFenced)
	case InDoubt: // the resolver of any proxy goes on asking
		m.state, m.cause, m.outcome = stateFinished, orElse(e.err, errSilent), InDoubt
		return m.leaveAll(), nil
	default:
		return nil, m.broken(e)
	}
	var out []effect
	for i, b := range m.branches {
		switch {
		case b == branchSilent:
			m.branches[i] = branchLeft
			out = append(out, effect{doLeave, i})
		case m.state == stateCommitting:
			m.branches[i] = branchEnding
			out = append(out, effect{doCommit, i})
		default:
			out = append(out, m.rollback(i)...)
		}
	}
	return append(out, m.finish()...), nil
}

func (m *machine) keepSilence(err error) {
	if m.silence == nil {
		m.silence = orElse(err, errNoVote)
	}
}

func (m *machine) rollback(i int) []effect {
	m.branches[i] = branchEnding
	return []effect{{doRollback, i}}
}
