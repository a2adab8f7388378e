package history

import "testing"

func move(id string, legs ...Leg) *Op {
	return &Op{Kind: Transfer, Outcome: OK, Transfer: id, Legs: legs}
}

func outcome(op *Op, o Outcome) *Op { op.Outcome = o; return op }
func warned(op *Op) *Op             { op.Warned = true; return op }

func audit(reads ...AccountRead) *Op { return &Op{Kind: Audit, Outcome: OK, Reads: reads} }
func total(reads ...AccountRead) *Op { return &Op{Kind: Total, Outcome: OK, Reads: reads} }

// saw an account with entries that sum up to sum.
func saw(account int, balance, sum, count int64, ids ...string) AccountRead {
	return AccountRead{Account: account, Balance: balance, Sum: sum, Count: count, Transfers: ids}
}

// bank has four accounts of 100: 1 and 2 on shard 0, 3 and 4 on shard 1. booked are the entries in the
// end; balances follow them, but for those given.
func bank(booked []Entry, balances map[int]int64, ops ...*Op) *History {
	h := appends("|||", ops...)
	for i := range h.Final {
		h.Final[i].Balances = map[int]int64{}
	}
	for id, home := range h.Meta.Home {
		h.Final[home].Balances[id] = 100
	}
	for _, e := range booked {
		home := h.Meta.Home[e.Account]
		h.Final[home].Ledger = append(h.Final[home].Ledger, e)
		h.Final[home].Balances[e.Account] += e.Amount
	}
	for id, balance := range balances {
		h.Final[h.Meta.Home[id]].Balances[id] = balance
	}
	return h
}

func TestBankAnomalies(t *testing.T) {
	legs := func() []Leg { return []Leg{{1, -10}, {3, 10}} }
	t1 := func() *Op { return from(move("t1", legs()...), 1, 2) }
	booked := func(id string) []Entry { return []Entry{{id, Leg{1, -10}}, {id, Leg{3, 10}}} }
	for _, c := range []struct {
		name string
		h    *History
		want string // the rule; empty: nothing is wrong
	}{
		{"nothing happened", bank(nil, nil), ""},
		{"one transfer, read before, during and after", bank(booked("t1"), nil,
			from(t1(), 2, 4), from(audit(saw(1, 100, 0, 0)), 1, 3), from(audit(saw(1, 90, -10, 1, "t1"), saw(1, 90, -10, 1)), 3, 4),
			from(audit(saw(3, 110, 10, 1, "t1")), 5, 6), from(total(saw(1, 90, 0, 0), saw(3, 110, 0, 0)), 3, 4)), ""},
		{"lost transfer", bank(nil, nil, t1()), "lost transfer"},
		{"failed transfer is there", bank(booked("t1"), nil, outcome(t1(), Failed)), "failed transfer is there"},
		{"half of an acknowledged one", bank(booked("t1")[:1], nil, t1()), "half a transfer"},
		{"half of an unknown one", bank(booked("t1")[1:], nil, outcome(t1(), Unknown)), "half a transfer"},
		{"unknown and whole", bank(booked("t1"), nil, outcome(t1(), Unknown)), ""},
		{"unknown and gone", bank(nil, nil, outcome(t1(), Unknown)), ""},
		{"other amounts", bank([]Entry{{"t1", Leg{1, -5}}, {"t1", Leg{3, 5}}}, nil, t1()), "half a transfer"},
		{"nobody's", bank(booked("t2"), nil, t1()), "transfer from nobody"},
		{"balance against ledger", bank(nil, map[int]int64{1: 90}), "balance against ledger"},
		{"total", bank(nil, map[int]int64{1: 90}), "total"},
		{"account lost", func() *History {
			h := bank(nil, nil)
			delete(h.Final[0].Balances, 1)
			return h
		}(), "balance against ledger"},
		{"account on another shard", func() *History {
			h := bank(nil, nil)
			delete(h.Final[0].Balances, 1)
			h.Final[1].Balances[1] = 100
			return h
		}(), "wrong shard"},
		{"entry on another shard", func() *History {
			h := bank(booked("t1"), nil, t1())
			h.Final[0].Ledger, h.Final[1].Ledger = h.Final[1].Ledger, h.Final[0].Ledger
			return h
		}(), "wrong shard"},
		{"look-up said aborted", bank(booked("t1"), nil, answered(outcome(t1(), Unknown), Aborted)), "wrong outcome look-up"},
		{"look-up said committed", bank(nil, nil, answered(outcome(t1(), Unknown), Committed)), "wrong outcome look-up"},
		{"look-ups that are right", bank(booked("t1"), nil, answered(outcome(t1(), Unknown), Committed),
			answered(outcome(move("t2", legs()...), Unknown), Aborted)), ""},
		{"balance and ledger of two moments", bank(booked("t1"), nil, t1(), from(audit(saw(1, 100, -10, 1)), 3, 4)), "read of balance against ledger"},
		{"stale read", bank(booked("t1"), nil, t1(), from(audit(saw(1, 100, 0, 0)), 3, 4)), "stale read"},
		{"not stale: a shard was not told yet", bank(booked("t1"), nil, warned(t1()), from(audit(saw(1, 100, 0, 0)), 3, 4)), ""},
		{"not stale: the reader failed", bank(booked("t1"), nil, t1(), outcome(from(audit(saw(1, 100, 0, 0)), 3, 4), Failed)), ""},
		{"one acknowledged is missing, another is there", bank(append(booked("t1"), booked("t2")...), nil,
			t1(), from(move("t2", legs()...), 3, 6), from(audit(saw(1, 90, -10, 1, "t2")), 4, 5)), "stale read"},
		{"aborted read", bank(nil, nil, outcome(t1(), Failed), from(audit(saw(1, 90, -10, 1, "t1")), 3, 4)), "read of an aborted transfer"},
		{"aborted read, by count", bank(nil, nil, outcome(t1(), Failed), from(audit(saw(1, 90, -10, 1)), 3, 4)), "read of what cannot be"},
		{"read of what a look-up calls aborted", bank(nil, nil, answered(outcome(t1(), Unknown), Aborted), from(audit(saw(1, 90, -10, 1, "t1")), 3, 4)), "read of an aborted transfer"},
		{"read from the future", bank(booked("t1"), nil, from(t1(), 5, 6), from(audit(saw(1, 90, -10, 1)), 3, 4)), "read of what cannot be"},
		{"read from the future, by id", bank(booked("t1"), nil, from(t1(), 5, 6), from(audit(saw(1, 90, -10, 1, "t1")), 3, 4)), "transfer from nobody"},
		{"entry of another account", bank(booked("t1"), nil, t1(), from(audit(saw(2, 90, -10, 1, "t1")), 3, 4)), "transfer from nobody"},
		{"entry twice", bank(booked("t1"), nil, t1(), from(audit(saw(1, 80, -20, 2, "t1", "t1")), 3, 4)), "read of a ledger that changes"},
		{"not repeatable", bank(booked("t1"), nil, from(t1(), 1, 4), from(audit(saw(1, 100, 0, 0), saw(1, 90, -10, 1)), 2, 3)), "read not repeatable"},
		{"a locking reader sees half a transfer", bank(booked("t1"), nil, t1(), from(total(saw(1, 90, 0, 0), saw(3, 100, 0, 0)), 1, 2)), "group total"},
		{"an ordinary reader may", bank(booked("t1"), nil, from(t1(), 1, 4), from(audit(saw(1, 90, -10, 1), saw(3, 100, 0, 0)), 2, 3)), ""},
		{"the same transfer twice", bank(booked("t1"), nil, t1(), t1()), "bad history"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := CheckBank(c.h)
			if c.want == "" && r.Total > 0 {
				t.Errorf("nothing is wrong with it, and the checker says:\n%s", r)
			}
			if c.want != "" && !r.Has(c.want) {
				t.Errorf("the checker does not find %s; it says:\n%s", c.want, r)
			}
		})
	}
}
