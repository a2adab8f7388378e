package chaos

import (
	"context"
	"slices"

	"lockstep/integration/history"
)

// Lists that are written at the same time, and about how many values each gets before
// the next ones take its place.
const (
	activeLists  = 10
	valuesOfList = 20
)

// listAppend runs a transaction of appends and locking reads over some lists, or reads one without a lock.
func (s *session) listAppend() history.Outcome {
	base := int(s.l.appended.Load() / valuesOfList)
	key := func() int { return 1 + (base+s.rnd.IntN(activeLists))%listCount }
	if s.rnd.IntN(6) == 0 {
		return s.plainRead(key())
	}
	keys := make([]int, 1+s.rnd.IntN(3))
	for i := range keys {
		keys[i] = key()
	}
	s.sortMostly(keys)
	keys = slices.Compact(keys)
	var mops []history.Mop
	for _, k := range keys {
		// Read, append, both in either order, or appends on both sides of a read.
		for range 1 + s.rnd.IntN(2) {
			if s.rnd.IntN(2) == 0 {
				mops = append(mops, history.Mop{Action: history.Read, Key: k})
			} else {
				mops = append(mops, history.Mop{Action: history.Add, Key: k, Value: s.l.appended.Add(1)})
			}
		}
	}
	op := s.l.rec.Invoke(history.Op{Client: s.n, Kind: history.Append, Mops: mops})
	s.transaction(op, func() error {
		for i := range op.Mops {
			if err := s.step(&op.Mops[i]); err != nil {
				return err
			}
		}
		return nil
	})
	s.l.rec.Done(op)
	return op.Outcome
}

func (s *session) step(m *history.Mop) error {
	var err error
	switch m.Action {
	case history.Add:
		err = s.exec("UPDATE list SET vals = CONCAT(vals, ',', ?) WHERE id = ?", m.Value, m.Key)
	case history.Read:
		lock := " FOR UPDATE"
		if s.rnd.IntN(4) == 0 {
			lock = " LOCK IN SHARE MODE"
		}
		m.List, err = s.list(m.Key, lock)
	case history.Plain:
		m.List, err = s.list(m.Key, "")
	}
	m.Done = err == nil
	return err
}

func (s *session) list(key int, lock string) ([]int64, error) {
	var text string
	if err := s.conn.QueryRowContext(context.Background(), "SELECT vals FROM list WHERE id = ?"+lock, key).Scan(&text); err != nil {
		return nil, err
	}
	list, err := values(text)
	if err != nil {
		s.l.fault("%v", err)
	}
	return list, err
}

func (s *session) plainRead(key int) history.Outcome {
	op := s.l.rec.Invoke(history.Op{Client: s.n, Kind: history.Append, Via: s.proxy.ID, Mops: []history.Mop{{Action: history.Plain, Key: key}}})
	op.Outcome = history.OK
	if err := s.step(&op.Mops[0]); err != nil {
		op.Outcome, op.Error = history.Failed, err.Error()
		s.rollBack(err)
	}
	s.l.rec.Done(op)
	return op.Outcome
}
