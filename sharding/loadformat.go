package sharding

import "bytes"

// codeWrongTerminators is a server's answer to a FIELDS or LINES option that cannot be.
const codeWrongTerminators = 1083

// lineFormat is the form of a file for LOAD DATA: what FIELDS and LINES say, with a server's defaults.
type lineFormat struct {
	fieldEnd  []byte
	lineEnd   []byte // empty: a line ends with its last field
	lineStart []byte // what stands before it in a line is passed over
	enclosed  int    // a byte; -1: none
	escape    int    // a byte; -1: none

	columns int // fields of a line that are read
	charset fileCharset
}

// fileCharset is what the characters of a file are made of.
type fileCharset struct {
	class   charsetClass
	several bool // a byte past ASCII may begin a character of several bytes
}

// Character sets beside UTF-8 whose characters have several bytes, none of which is ASCII.
var severalBytes = map[string]bool{"euckr": true, "gb2312": true, "ujis": true, "eucjpms": true}

func newFileCharset(name string) fileCharset {
	return fileCharset{class: classifyCharset(name), several: severalBytes[name]}
}

func newLineFormat(noBackslash bool) *lineFormat {
	f := &lineFormat{fieldEnd: []byte("\t"), lineEnd: []byte("\n"), enclosed: -1, escape: '\\'}
	if noBackslash {
		f.escape = -1
	}
	return f
}

// loadFormat reads [FIELDS …] [LINES …] from token i and returns the token behind them.
func (c *compiler) loadFormat(i int, f *lineFormat) (int, error) {
	text := func(words ...string) ([]byte, bool, error) {
		if !c.words(i, words...) {
			return nil, false, nil
		}
		v, ok := c.stringOf(i + len(words))
		if !ok {
			return nil, false, syntaxError(c.src, c.startOf(i+len(words)))
		}
		i += len(words) + 1
		return v, true, nil
	}
	one := func(to *int, words ...string) (bool, error) {
		v, ok, err := text(words...)
		switch {
		case err != nil || !ok:
			return false, err
		case len(v) > 1:
			return false, errorf(codeWrongTerminators, "Field separator argument is not what is expected; check the manual")
		case len(v) == 0:
			*to = -1
		default:
			*to = int(v[0])
		}
		return true, nil
	}
	options := func(list ...func() (bool, error)) error {
		for n := 0; ; n++ {
			found := false
			for _, option := range list {
				ok, err := option()
				if err != nil {
					return err
				}
				found = found || ok
			}
			if !found {
				if n == 0 {
					return syntaxError(c.src, c.startOf(i))
				}
				return nil
			}
		}
	}
	several := func(to *[]byte, words ...string) func() (bool, error) {
		return func() (bool, error) {
			v, ok, err := text(words...)
			if ok {
				*to = v
			}
			return ok, err
		}
	}
	if c.oneOf(i, "FIELDS", "COLUMNS") {
		i++
		err := options(
			several(&f.fieldEnd, "TERMINATED", "BY"),
			func() (bool, error) { return one(&f.enclosed, "OPTIONALLY", "ENCLOSED", "BY") },
			func() (bool, error) { return one(&f.enclosed, "ENCLOSED", "BY") },
			func() (bool, error) { return one(&f.escape, "ESCAPED", "BY") },
		)
		if err != nil {
			return i, err
		}
	}
	if c.word(i) == "LINES" {
		i++
		if err := options(several(&f.lineEnd, "TERMINATED", "BY"), several(&f.lineStart, "STARTING", "BY")); err != nil {
			return i, err
		}
	}
	return i, nil
}

// settle refuses forms whose lines cannot be told apart here; skip says that lines at the file's beginning are passed over.
func (f *lineFormat) settle(skip bool) error {
	if len(f.fieldEnd) == 0 && f.enclosed < 0 {
		return refuse("fields of a fixed length (no FIELDS TERMINATED BY and no ENCLOSED BY) are not told apart here")
	}
	for _, s := range [][]byte{f.fieldEnd, f.lineEnd, f.lineStart} {
		if !isASCII(s) {
			return refuse("terminators of LOAD DATA that are not ASCII")
		}
	}
	if f.enclosed >= 0x80 || f.escape >= 0x80 {
		return refuse("ENCLOSED BY and ESCAPED BY with a character that is not ASCII")
	}
	if bytes.Equal(f.fieldEnd, f.lineEnd) { // as servers do
		if skip {
			return refuse("IGNORE … LINES where fields and lines end alike")
		}
		f.lineEnd = nil
	}
	return nil
}

// takesDigits says whether digits can be written between fields without being taken for something else.
func (f *lineFormat) takesDigits() bool {
	for _, s := range [][]byte{f.fieldEnd, f.lineEnd, f.lineStart} {
		if bytes.ContainsAny(s, "0123456789") {
			return false
		}
	}
	digit := func(b int) bool { return b >= '0' && b <= '9' }
	return len(f.fieldEnd) > 0 && !digit(f.enclosed) && !digit(f.escape)
}
