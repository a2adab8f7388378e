package proxy

import (
	"strings"
	"sync"

	"lockstep/protocol"
	"lockstep/sharding"
)

// A branch that only read has nothing to commit, but what it locked must stay locked until the transaction is
// decided: what others write there afterwards would have to lie behind a commit that did not know of it. A branch that
// wrote shows by its vote that it is still there. One that only read is asked, where it locked something; its proxy
// may not have heard that the shard has ended its session, or was started anew.

// locking says whether a statement's reads lock what they read.
func (s *session) locking(st *sharding.Statement) bool {
	if st.Locking {
		return true
	}
	if s.tx != nil && s.tx.isolation != "" {
		return s.tx.isolation == "SERIALIZABLE"
	}
	level := s.vars.vars["tx_isolation"]
	return level != "" && strings.EqualFold(level, isolationLiteral("SERIALIZABLE"))
}

// keptLocks makes sure that the branches that only read and locked are still there. An error:
// one is not, or does not say so in time, and the transaction cannot be committed.
func (s *session) keptLocks(t *transaction, readers []*branch) error {
	var asked []*branch
	for _, b := range readers {
		if b.locked {
			asked = append(asked, b)
		}
	}
	if len(asked) == 0 {
		return nil
	}
	ctx, cancel := s.verbTime()
	defer cancel()
	errs := make([]error, len(asked))
	var wait sync.WaitGroup
	for i, b := range asked {
		wait.Go(func() { _, errs[i] = b.conn.Exec(ctx, "DO 0") })
	}
	wait.Wait()
	for i, err := range errs {
		if err != nil {
			return protocol.NewError(erXARollback, "XA_RBROLLBACK: Transaction branch was rolled back (transaction %s: the rows that it locked on shard %s may be locked no longer: %v)",
				t.named.GTRID(), s.p.shards[asked[i].shard].Name(), err)
		}
	}
	return nil
}
