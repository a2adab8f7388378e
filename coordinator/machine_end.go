package coordinator

// The end: from the decision to the last answer.

// leaveAll leaves all branches as they are.
func (m *machine) leaveAll() (out []effect) {
	for i := range m.branches {
		m.branches[i] = branchLeft
		out = append(out, effect{doLeave, i})
	}
	return append(out, effect{doFinish, 0})
}

// answered takes an answer to commit or rollback.
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
		if ended == len(m.branches) && !m.three {
			out = append(out, effect{doForget, 0})
		}
	}
	m.state = stateFinished
	return append(out, effect{doFinish, 0})
}
