package history

import (
	"slices"
	"sort"
	"time"
)

// readers holds what readers saw to what they must see.
func (c *bankCheck) readers() {
	for _, op := range c.h.Ops {
		if op.Outcome != OK {
			continue // a reader that did not end was told nothing
		}
		switch op.Kind {
		case Audit:
			c.audit(op)
		case Total:
			c.total(op)
		}
	}
}

func (c *bankCheck) audit(op *Op) {
	seen := map[int]AccountRead{}
	for _, r := range op.Reads {
		c.r.Checked["account reads"]++
		if want := c.h.Meta.Initial + r.Sum; r.Balance != want {
			c.r.broken("read of balance against ledger", "operation %d saw account %d with %d, its %d entries say %d", op.N, r.Account, r.Balance, r.Count, want)
		}
		least, most := before(c.acknowledged[r.Account], op.Start), before(c.possible[r.Account], op.End)
		if r.Count < int64(least) {
			c.r.broken("stale read", "operation %d saw %d transfers of account %d, %d had been acknowledged when it began", op.N, r.Count, r.Account, least)
		}
		if r.Count > int64(most) {
			c.r.broken("read of what cannot be", "operation %d saw %d transfers of account %d, only %d can have happened", op.N, r.Count, r.Account, most)
		}
		if r.Transfers != nil {
			c.listed(op, r)
		}
		if first, again := seen[r.Account]; again && (first.Balance != r.Balance || first.Count != r.Count) {
			c.r.broken("read not repeatable", "operation %d saw account %d with %d after %d entries, then with %d after %d", op.N, r.Account, first.Balance, first.Count, r.Balance, r.Count)
		}
		seen[r.Account] = r
	}
}

// listed holds the ids of an account's entries to the transfers that can be there.
func (c *bankCheck) listed(op *Op, r AccountRead) {
	c.r.Checked["ledger reads"]++
	ids := slices.Clone(r.Transfers)
	slices.Sort(ids)
	if int64(len(ids)) != r.Count || len(slices.Compact(slices.Clone(ids))) != len(ids) {
		c.r.broken("read of a ledger that changes", "operation %d saw %d entries of account %d and listed %d", op.N, r.Count, r.Account, len(ids))
	}
	for _, id := range ids {
		t := c.transfers[id]
		switch {
		case t == nil || !touches(t, r.Account) || t.Start > op.End:
			c.r.broken("transfer from nobody", "operation %d saw transfer %s on account %d, which nobody had begun", op.N, id, r.Account)
		case t.Outcome == Failed || t.Answer == Aborted:
			c.r.broken("read of an aborted transfer", "operation %d saw transfer %s on account %d: %s %s %s", op.N, id, r.Account, t.Outcome, t.Error, t.Answer)
		}
	}
	for id, t := range c.transfers {
		if t.Outcome == OK && !t.Warned && t.End < op.Start && touches(t, r.Account) {
			if _, there := slices.BinarySearch(ids, id); !there {
				c.r.broken("stale read", "operation %d did not see transfer %s on account %d, acknowledged %v before it began", op.N, id, r.Account, op.Start-t.End)
			}
		}
	}
}

func touches(t *Op, account int) bool {
	return slices.ContainsFunc(t.Legs, func(l Leg) bool { return l.Account == account })
}

// total holds a locking read of a closed group to its sum.
func (c *bankCheck) total(op *Op) {
	c.r.Checked["group totals"]++
	sum := int64(0)
	for _, r := range op.Reads {
		sum += r.Balance
	}
	if want := c.h.Meta.Initial * int64(len(op.Reads)); sum != want {
		c.r.broken("group total", "operation %d locked %d accounts and saw %d in all, want %d: %v", op.N, len(op.Reads), sum, want, op.Reads)
	}
}

// before counts the times in a sorted list that lie before t.
func before(list []time.Duration, t time.Duration) int {
	return sort.Search(len(list), func(i int) bool { return list[i] >= t })
}
