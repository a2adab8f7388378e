package coordinator

import (
	"fmt"
	"strings"

	"lockstep/txlog"
)

// finding is what is known of one participant of a three-phase transaction. All but
// the first three are facts that stay true, whatever happens later.
type finding uint8

const (
	findUnasked   finding = iota // its shard has not answered
	findNothing                  // neither a row nor a prepared branch at that moment
	findOpen                     // a row that is not committed and no prepared branch: active, or just changing
	findPrepared                 // was prepared
	findCommitted                // is committed
	findFenced                   // was not prepared, and never can be
)

var findingNames = [...]string{"not known", "not there", "active", "prepared", "committed", "fenced"}

func (f finding) String() string { return findingNames[f] }

func (f finding) final() bool { return f >= findPrepared }

// remedyKind is what turns a finding that is not final into one that is.
type remedyKind uint8

const (
	remedyAsk   remedyKind = iota // look again
	remedyFence                   // see to it that it never prepares
	remedyEnd                     // end the session that has it open, then look again
)

type remedy struct {
	kind remedyKind
	i    int
}

// inquiry finds the verdict of one three-phase transaction from its participants' shards alone. It is
// pure, and anybody may run it at any time, also several at once: they come to the same verdict.
//
//	every participant was prepared, or one is committed  ─▶ commit
//	one was never prepared, and is fenced                ─▶ roll back
//	otherwise                                            ─▶ no verdict yet; remedies lead to one
//
// Why two inquiries agree: the first rule needs all participants prepared, the second one that never was.
// Why the transaction's own coordinator agrees: it commits when all are prepared, and it
// rolls back a prepared branch only when one refused to prepare, which it does not ask again. What it has
// heard may be old: that a branch said yes once and is rolled back since shows in the fence, which stays
// as long as the branch that it stands against could still say yes.
type inquiry struct {
	participants []string
	found        []finding
	blocked      []error // by participant: why it could not be asked or fenced
	failures     []int   // by participant: how often
}

func newInquiry(participants []string) *inquiry {
	return &inquiry{participants: participants, found: make([]finding, len(participants)), blocked: make([]error, len(participants)), failures: make([]int, len(participants))}
}

// see takes in a finding. One that is final is not unlearned: a branch that is prepared
// no more was settled by somebody who knew the verdict.
func (q *inquiry) see(i int, f finding) {
	if !q.found[i].final() || f == findCommitted {
		q.found[i], q.blocked[i] = f, nil
	}
}

// block notes why a participant could not be asked or helped.
func (q *inquiry) block(i int, err error) {
	if !q.found[i].final() {
		q.blocked[i] = err
		q.failures[i]++
	}
}

// verdict is zero as long as there is none.
func (q *inquiry) verdict() txlog.Verdict {
	prepared, fenced := 0, false
	for _, f := range q.found {
		switch f {
		case findCommitted:
			return txlog.Commit
		case findFenced:
			fenced = true
		case findPrepared:
			prepared++
		}
	}
	switch {
	case fenced:
		return txlog.Rollback
	case prepared == len(q.found) && prepared > 0:
		return txlog.Commit
	}
	return 0
}

// remedies to take when there is no verdict. A fence anywhere is enough, and so
// is needed only once: where it failed least, so that a shard that takes no writes does not stand in the way.
func (q *inquiry) remedies() (out []remedy) {
	fence := -1
	for i, f := range q.found {
		if f == findNothing && (fence < 0 || q.failures[i] < q.failures[fence]) {
			fence = i
		}
	}
	for i, f := range q.found {
		switch {
		case f == findUnasked:
			out = append(out, remedy{remedyAsk, i})
		case f == findOpen:
			out = append(out, remedy{remedyEnd, i})
		case i == fence:
			out = append(out, remedy{remedyFence, i})
		}
	}
	return out
}

// why says what the verdict rests on, or what is waited for.
func (q *inquiry) why() string {
	switch q.verdict() {
	case txlog.Commit:
		if i := q.which(findCommitted); i >= 0 {
			return fmt.Sprintf("its branch on %s is committed", q.participants[i])
		}
		return "all of its participants were prepared"
	case txlog.Rollback:
		return fmt.Sprintf("its branch on %s was not prepared and is fenced off", q.participants[q.which(findFenced)])
	}
	var waits []string
	for i, f := range q.found {
		if f.final() {
			continue
		}
		w := fmt.Sprintf("%s: %s", q.participants[i], f)
		if q.blocked[i] != nil {
			w += fmt.Sprintf(" (%v)", q.blocked[i])
		}
		waits = append(waits, w)
	}
	return "undecided until it is known of every participant whether it is prepared: " + strings.Join(waits, "; ")
}

func (q *inquiry) which(f finding) int {
	for i, g := range q.found {
		if g == f {
			return i
		}
	}
	return -1
}
