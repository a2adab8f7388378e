package sharding

import "strconv"

// LineSplitter cuts a file into lines and finds each line's target. Feed it the file piece by piece; after each piece, and
// after End, take lines with Next until there is none. The memory that it holds is a line and a piece, or twice that.
type LineSplitter struct {
	l        *loadLines
	format   lineFormat
	limit    int
	reserve  func(t *Table, n int) (uint64, error)
	explicit func(t *Table, highest uint64) error

	buf   []byte
	at    int // what is before it has been given away
	tried int // bytes from at on that were not enough for a line
	final bool
	over  bool
	skip  uint64
	lines uint64 // that were read, those passed over too

	scan    lineScan
	targets [MaxShards]int // by shard
	numbers []byte         // a line with its id
	scratch []byte
	firstID uint64
	highest uint64
}

// defaultLineLimit is the largest line in bytes where SetLimit says nothing.
const defaultLineLimit = 16 << 20

func newLineSplitter(l *loadLines, charset string, in *Inputs) (*LineSplitter, error) {
	s := &LineSplitter{l: l, format: *l.format, limit: defaultLineLimit, reserve: in.Reserve, explicit: in.Explicit, skip: l.skip}
	s.format.charset = newFileCharset(charset)
	if s.format.charset.class >= charsetRefused {
		return nil, refuse("lines of a file in character set %s cannot be told apart here; use CHARACTER SET utf8mb4", charset)
	}
	s.scan = lineScan{key: &fieldValue{}, id: &fieldValue{}, keyAt: l.keyAt, idAt: l.idAt}
	return s, nil
}

// SetLimit bounds a line, in bytes.
func (s *LineSplitter) SetLimit(n int) { s.limit = n }

// FirstID is the first AUTO_INCREMENT value that was generated; 0: none.
func (s *LineSplitter) FirstID() uint64 { return s.firstID }

// Feed adds the next piece of the file; it is copied.
func (s *LineSplitter) Feed(piece []byte) {
	if s.at > 0 {
		s.buf = s.buf[:copy(s.buf, s.buf[s.at:])]
		s.at = 0
	}
	s.buf = append(s.buf, piece...)
}

// End says that the file has no more pieces.
func (s *LineSplitter) End() { s.final = true }

// Next takes a line: its target's position in Plan.Targets (-1: all of them) and its bytes, which are valid until
// the next call. ok is false when another piece is needed, or the file is over. Errors: *Error for a line that cannot be placed; or
// what Reserve and Explicit answered.
func (s *LineSplitter) Next() (target int, line []byte, ok bool, err error) {
	for !s.over {
		b := s.buf[s.at:]
		if !s.final && (len(b) == 0 || len(b) < 2*s.tried) {
			return 0, nil, false, nil // half a line is not read over and over
		}
		passing := s.skip > 0 && len(s.format.lineEnd) > 0
		var n int
		var end scanEnd
		switch {
		case passing && len(b) == 0:
			end = scanFile
		case passing:
			n, end = s.format.rest(b, 0, s.final)
		default:
			n, end = s.format.line(b, s.final, &s.scan)
		}
		if end == scanLine && n > s.limit || end == scanMore && len(b) > s.limit {
			return 0, nil, false, refuse("line %d of the file is longer than %d bytes (limits.max_load_line)", s.lines+1, s.limit)
		}
		switch end {
		case scanMore:
			s.tried = len(b)
			return 0, nil, false, nil
		case scanFile:
			s.over = true
			return 0, nil, false, nil
		case scanBad:
			return 0, nil, false, refuse("line %d of the file has bytes that are no characters of its character set; name the right one, such as CHARACTER SET binary", s.lines+1)
		}
		s.at += n
		s.tried = 0
		s.lines++
		if s.skip > 0 {
			s.skip--
			continue
		}
		target, line, err = s.place(b[:n])
		return target, line, err == nil, err
	}
	return 0, nil, false, nil
}

// place finds a line's target, and gives it its id.
func (s *LineSplitter) place(line []byte) (int, []byte, error) {
	l := s.l
	var id uint64
	var err error
	if l.idAt >= 0 || l.addID {
		if id, line, err = s.number(line); err != nil {
			return 0, nil, err
		}
	}
	if l.table.Rule.Kind == Global {
		return -1, line, nil
	}
	var k keyValue
	if l.keyIsID {
		k = intKey(false, id)
		if k.compare(l.table.keys[0].max) > 0 {
			return 0, nil, errorf(1467, "Failed to read auto-increment value from storage engine")
		}
	} else if k, err = s.key(); err != nil {
		return 0, nil, err
	}
	shard := l.table.place.shard(&k)
	if shard < 0 {
		return 0, nil, errorf(1526, "Table has no partition for value %s: no shard of %s takes this value of %s (line %d)", shownKey(&k), l.table.Name, l.table.Rule.Key, s.lines)
	}
	return s.targets[shard], line, nil
}

// key is the line's shard key. What the server would change to fit the column is refused: with LOCAL it does so with a
// warning, and the row would be on a shard where nobody looks for it.
func (s *LineSplitter) key() (keyValue, error) {
	t, f := s.l.table, s.scan.key
	switch {
	case !f.found:
		return keyValue{}, refuse("line %d of the file has no field for the shard key %s", s.lines, t.Rule.Key)
	case f.null(&s.format):
		return keyValue{}, refuse("the shard key %s is NULL in line %d of the file, and the server may store another value", t.Rule.Key, s.lines)
	}
	v := Value{Kind: ValString, B: f.text}
	k, scratch, fits := t.keys[0].convert(s.scratch[:0], &v, s.format.charset.class, storing)
	s.scratch = scratch
	switch fits {
	case fitExact:
		return k, nil
	case fitOverflow:
		return k, refuse("the value of the shard key %s in line %d of the file does not fit the column, and the server would store another one", t.Rule.Key, s.lines)
	}
	return k, refuse("the value of the shard key %s in line %d of the file is not of the column's type, so the value that the server would store is not certain", t.Rule.Key, s.lines)
}

// number is the id that the line's row will have: its own, or one of the sequence, which is then written into the line.
func (s *LineSplitter) number(line []byte) (uint64, []byte, error) {
	l := s.l
	if l.addID {
		id, err := s.generate()
		if err != nil {
			return 0, nil, err
		}
		s.numbers = append(s.numbers[:0], line[:s.scan.content]...)
		s.numbers = strconv.AppendUint(s.numbers, id, 10)
		s.numbers = append(s.numbers, s.format.fieldEnd...)
		s.numbers = append(s.numbers, line[s.scan.content:]...)
		return id, s.numbers, nil
	}
	f := s.scan.wanted(l.idAt)
	if !f.found {
		return 0, nil, refuse("line %d of the file has no field for the AUTO_INCREMENT column %s", s.lines, l.table.AutoIncrement)
	}
	if !f.null(&s.format) {
		k, ok := parseIntKey(f.text)
		if !ok && len(f.text) > 0 {
			return 0, nil, refuse("the value of the AUTO_INCREMENT column %s in line %d of the file must be a whole number", l.table.AutoIncrement, s.lines)
		}
		switch {
		case len(f.text) == 0 && (l.strict || l.zeroIsValue), l.zeroIsValue && k.magnitude == 0, k.negative && l.keyIsID:
			return 0, nil, refuse("the AUTO_INCREMENT column %s in line %d of the file must have an id, or be NULL or 0 where 0 asks for one", l.table.AutoIncrement, s.lines)
		case k.negative:
			return 0, line, nil
		case k.magnitude > s.highest:
			if s.explicit != nil {
				if err := s.explicit(l.table, k.magnitude); err != nil {
					return 0, nil, err
				}
			}
			s.highest = k.magnitude
		}
		if k.magnitude > 0 {
			return k.magnitude, line, nil
		}
	}
	if !s.format.takesDigits() {
		return 0, nil, refuse("an id for %s cannot be written into line %d of the file: FIELDS TERMINATED BY is empty, or a terminator holds digits", l.table.AutoIncrement, s.lines)
	}
	id, err := s.generate()
	if err != nil {
		return 0, nil, err
	}
	s.numbers = append(s.numbers[:0], line[:f.start]...)
	s.numbers = strconv.AppendUint(s.numbers, id, 10)
	s.numbers = append(s.numbers, line[f.end:]...)
	return id, s.numbers, nil
}

func (s *LineSplitter) generate() (uint64, error) {
	if s.reserve == nil {
		return 0, refuse("AUTO_INCREMENT values of %s cannot be reserved here", s.l.table.Name)
	}
	id, err := s.reserve(s.l.table, 1)
	if err == nil && s.firstID == 0 {
		s.firstID = id
	}
	return id, err
}

// shownKey is a key's value for a message. The weights of a text say nothing to people: then it is what servers say where
// several columns place a row.
func shownKey(k *keyValue) string {
	if k.integer {
		return string(appendIntKey(nil, k))
	}
	for _, c := range k.text {
		if c < ' ' || c > '~' {
			return "from column_list"
		}
	}
	return strconv.Quote(string(k.text))
}
