package history

import (
	"slices"
	"time"
)

// CheckBank holds transfers and their readers to what package doc says. Without
// a final state only the readers are checked.
func CheckBank(h *History) *Report {
	c := bankCheck{h: h, r: newReport(), transfers: map[string]*Op{}, entries: map[string][]Leg{}}
	for _, op := range h.Ops {
		if op.Kind != Transfer {
			continue
		}
		if other := c.transfers[op.Transfer]; other != nil {
			c.r.broken("bad history", "operations %d and %d are both transfer %s", other.N, op.N, op.Transfer)
		}
		c.transfers[op.Transfer] = op
	}
	if len(h.Final) > 0 {
		c.final()
	}
	c.index()
	c.readers()
	return c.r
}

type bankCheck struct {
	h         *History
	r         *Report
	transfers map[string]*Op
	entries   map[string][]Leg // in the end, by transfer

	// By account, each sorted: when transfers were acknowledged without a
	// warning, and when those began that may have happened.
	acknowledged, possible map[int][]time.Duration
}

func (c *bankCheck) final() {
	changed, balances := map[int]int64{}, map[int]int64{}
	total := int64(0)
	for _, s := range c.h.Final {
		for _, e := range s.Ledger {
			if home, known := c.h.Meta.Home[e.Account]; !known || home != s.Shard {
				c.r.broken("wrong shard", "entry of transfer %s for account %d is on shard %d, the account is on %d", e.Transfer, e.Account, s.Shard, home)
			}
			c.entries[e.Transfer] = append(c.entries[e.Transfer], e.Leg)
			changed[e.Account] += e.Amount
		}
		for id, balance := range s.Balances {
			if home, known := c.h.Meta.Home[id]; !known || home != s.Shard {
				c.r.broken("wrong shard", "account %d is on shard %d and should be on %d", id, s.Shard, home)
			}
			balances[id] = balance
			total += balance
		}
	}
	for id := range c.h.Meta.Home {
		balance, there := balances[id]
		if want := c.h.Meta.Initial + changed[id]; !there || balance != want {
			c.r.broken("balance against ledger", "account %d has %d in the end (there: %v), its entries say %d", id, balance, there, want)
		}
	}
	if want := c.h.Meta.Initial * int64(len(c.h.Meta.Home)); total != want {
		c.r.broken("total", "all accounts have %d in the end, want %d", total, want)
	}
	for id, op := range c.transfers {
		c.transfer(op, c.entries[id])
	}
	for id, legs := range c.entries {
		if c.transfers[id] == nil {
			c.r.broken("transfer from nobody", "entries of transfer %s that nobody made: %v", id, legs)
		}
	}
	c.r.Checked["transfers"] = len(c.transfers)
}

// transfer holds one against its entries in the end.
func (c *bankCheck) transfer(op *Op, booked []Leg) {
	there := len(booked) > 0
	whole := len(booked) == len(op.Legs)
	for _, l := range op.Legs {
		whole = whole && slices.Contains(booked, l)
	}
	if there && !whole {
		c.r.broken("half a transfer", "operation %d, transfer %s (%s %s), %s: entries %v of %v", op.N, op.Transfer, op.Outcome, op.Error, op.GTRID, booked, op.Legs)
	}
	switch {
	case !there && op.Outcome == OK:
		c.r.broken("lost transfer", "operation %d, transfer %s, %s: acknowledged, and not there", op.N, op.Transfer, op.GTRID)
	case there && op.Outcome == Failed:
		c.r.broken("failed transfer is there", "operation %d, transfer %s, %s (%s): entries %v", op.N, op.Transfer, op.GTRID, op.Error, booked)
	}
	if there && op.Answer == Aborted || !there && op.Answer == Committed {
		c.r.broken("wrong outcome look-up", "operation %d, transfer %s, %s: the answer was %s, entries in the end: %v", op.N, op.Transfer, op.GTRID, op.Answer, booked)
	}
}

func (c *bankCheck) index() {
	c.acknowledged, c.possible = map[int][]time.Duration{}, map[int][]time.Duration{}
	for _, op := range c.transfers {
		for _, l := range op.Legs {
			if op.Outcome == OK && !op.Warned {
				c.acknowledged[l.Account] = append(c.acknowledged[l.Account], op.End)
			}
			if op.Outcome != Failed {
				c.possible[l.Account] = append(c.possible[l.Account], op.Start)
			}
		}
	}
	for _, m := range []map[int][]time.Duration{c.acknowledged, c.possible} {
		for _, list := range m {
			slices.Sort(list)
		}
	}
}
