package commit

import (
	"database/sql"
	"fmt"
	"slices"
	"testing"

	"lockstep/coordinator"
	"lockstep/integration/cluster"
)

// attempt is one transaction over the first n shards that meets a fault, with what must come of it.
type attempt struct {
	a      *accounts
	ids    []int // account on shard 0, 1 …
	before []int64
	gtrid  string
}

const stepAmount = 7

// attempt opens the transaction and leaves it at its COMMIT.
func (a *accounts) attempt(t *testing.T, c *client, n int) *attempt {
	t.Helper()
	at := &attempt{a: a, ids: a.pick(n)}
	c.must("BEGIN")
	for _, id := range at.ids {
		at.before = append(at.before, a.balance(t, id))
		c.must(add(id, stepAmount))
	}
	if err := c.QueryRow("SELECT @@lockstep_gtrid").Scan(&at.gtrid); err != nil {
		t.Fatal(err)
	}
	return at
}

// check that the transaction is on all of its shards or on none.
func (at *attempt) check(t *testing.T, committed bool) {
	t.Helper()
	for i, id := range at.ids {
		want := at.before[i]
		if committed {
			want += stepAmount
		}
		if got := at.a.balance(t, id); got != want {
			t.Errorf("account %d on shard %d has %d, want %d (committed: %v)", id, i, got, want, committed)
		}
	}
}

// happened says whether the transaction is on its shards, which must agree.
func (at *attempt) happened(t *testing.T) bool {
	t.Helper()
	committed := at.a.balance(t, at.ids[0]) == at.before[0]+stepAmount
	at.check(t, committed)
	return committed
}

// rowsAreFree changes the same rows again: nothing holds their locks any more.
func (at *attempt) rowsAreFree(t *testing.T, w *world) {
	t.Helper()
	eventually(t, settleLimit, func() error {
		if down := w.mustStatus().Readiness.Down; len(down) > 0 {
			return fmt.Errorf("the proxy does not reach %v", down)
		}
		return nil
	})
	c := w.client(t, "readTimeout=4s")
	defer c.close()
	c.must("BEGIN")
	for _, id := range at.ids {
		c.must(add(id, 0))
	}
	c.must("COMMIT")
}

// states of the branches, read from some shards: what is listed there as prepared must be branches of this one
// transaction, each on its own shard, and a row is changed exactly where its branch is committed.
func (at *attempt) states(t *testing.T, shards []int) (map[int]branchState, error) {
	t.Helper()
	seen := map[int]branchState{}
	for _, i := range shards {
		list, err := cluster.Branches(at.a.w.shard(i))
		if err != nil {
			return nil, err
		}
		if i >= len(at.ids) {
			if len(list) > 0 {
				return nil, fmt.Errorf("shard %d takes no part and has prepared %v", i, list)
			}
			continue
		}
		balance := at.a.balance(t, at.ids[i])
		changed := balance == at.before[i]+stepAmount
		if !changed && balance != at.before[i] {
			return nil, fmt.Errorf("account %d has %d, before it was %d", at.ids[i], balance, at.before[i])
		}
		switch {
		case len(list) > 1 || len(list) == 1 && (list[0].FormatID != coordinator.FormatID || list[0].BQUAL != at.a.w.Shards[i].Name || list[0].GTRID != at.gtrid):
			return nil, fmt.Errorf("shard %d has prepared %v, want none but the branch of %q", i, list, at.gtrid)
		case len(list) == 1 && changed:
			return nil, fmt.Errorf("shard %d lists %s as prepared, and others see its row", i, list[0].GTRID)
		case len(list) == 1:
			seen[i] = branchPrepared
		case changed:
			seen[i] = branchCommitted
		default:
			seen[i] = branchOpen
		}
	}
	return seen, nil
}

// settlesAt waits until the branches are as they can be at a step: what was sent last may still be arriving.
func (at *attempt) settlesAt(t *testing.T, step stepCase, shards []int) (seen map[int]branchState) {
	t.Helper()
	eventually(t, settleLimit, func() (err error) {
		if seen, err = at.states(t, shards); err != nil {
			return err
		}
		return step.fits(seen)
	})
	return seen
}

// seenByOthers reads the accounts of some shards in another session through the proxy: each is wholly as
// before or as after, and before where nothing is decided.
func (at *attempt) seenByOthers(t *testing.T, c *client, shards []int, allowed ...branchState) {
	t.Helper()
	for _, i := range shards {
		if i >= len(at.ids) {
			continue
		}
		state := branchOpen
		switch got := queryInt(t, c, fmt.Sprintf("SELECT balance FROM account WHERE id = %d", at.ids[i])); got {
		case at.before[i]:
		case at.before[i] + stepAmount:
			state = branchCommitted
		default:
			t.Errorf("another session sees %d in account %d, before it was %d", got, at.ids[i], at.before[i])
		}
		if !slices.Contains(allowed, state) {
			t.Errorf("another session sees account %d on shard %d as if its branch were %s, want %q", at.ids[i], i, state, allowed)
		}
	}
}

// locked checks that nobody else may change a row.
func (at *attempt) locked(t *testing.T, c *client, shard int) {
	t.Helper()
	var balance sql.NullInt64
	err := c.QueryRow(fmt.Sprintf("SELECT balance FROM account WHERE id = %d FOR UPDATE NOWAIT", at.ids[shard])).Scan(&balance)
	if code := codeOf(err); code != 1205 && code != 3572 { // MariaDB's and MySQL's
		t.Errorf("the row of a prepared branch on shard %d can be locked by another session: %v", shard, err)
	}
}

// names says whether messages name the transaction.
func (at *attempt) names(messages []string, shard string) bool {
	return mentions(messages, shard, at.gtrid)
}
