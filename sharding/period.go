package sharding

// Periods of time place rows, so their numbers must never change: the year (2024), the month (12 · year + month - 1) and the
// day (days since 0000-03-01 in the Gregorian calendar, which is day 0; no negative ones: January and February of year 0
// and the zero date count as day 0). A row is in partition number mod partitions: neighbouring periods
// are on neighbouring shards, and a shard gets every n-th period.

// period is the number of the period that a canonical DATE or DATETIME lies in.
func (p *placement) period(text []byte) int {
	year, month, day := calendar(text)
	switch p.fn {
	case placeYear:
		return year
	case placeMonth:
		return 12*year + max(month, 1) - 1
	}
	return dayNumber(year, month, day)
}

// calendar reads YYYYMMDD….
func calendar(text []byte) (year, month, day int) {
	year, _ = digits(text, 0, 4)
	month, _ = digits(text, 4, 2)
	day, _ = digits(text, 6, 2)
	return year, month, day
}

// dayNumber counts days from the first of March of year 0, with years that begin in March, so that leap days are their last.
func dayNumber(year, month, day int) int {
	if month < 3 {
		year, month = year-1, month+12
	}
	if year < 0 {
		return 0
	}
	return 365*year + year/4 - year/100 + year/400 + (153*(month-3)+2)/5 + day - 1
}

const midnight = "000000"

// begins says whether a moment is the first of its period.
func (p *placement) begins(text []byte) bool {
	if rest := text[8:]; len(rest) > 0 && string(rest) != midnight {
		return false
	}
	_, month, day := calendar(text)
	return p.fn == placeDay || day == 1 && (p.fn == placeMonth || month == 1)
}

// periods is the set of shards that may hold moments from lo to hi, both included, or hi left out.
func (p *placement) periods(lo, hi *keyValue, below bool) shardSet {
	if lo == nil || hi == nil {
		return p.all
	}
	first, last := p.period(lo.text), p.period(hi.text)
	if below && p.begins(hi.text) {
		last--
	}
	if last-first+1 >= len(p.shards) {
		return p.all
	}
	var s shardSet
	for i := first; i <= last; i++ {
		s.add(p.shards[i%len(p.shards)])
	}
	return s
}
