package merge

// selection lets the rows through that OFFSET and LIMIT choose.
type selection struct {
	from          source
	offset, limit uint64
	countAll      bool // rows behind the limit are counted too

	found, given uint64
}

func (s *selection) next() (row, bool, error) {
	for s.countAll || s.given < s.limit {
		r, ok, err := s.from.next()
		if err != nil || !ok {
			return row{}, false, err
		}
		s.found++
		if s.found <= s.offset || s.given >= s.limit {
			continue
		}
		s.given++
		return r, true, nil
	}
	return row{}, false, nil
}
