package sharding

import "strings"

// Env is what the meaning of a text depends on beside the schema.
type Env struct {
	Database      string
	AnsiQuotes    bool // sql_mode
	NoBackslash   bool
	PipesAsConcat bool
	IgnoreSpace   bool
	SQLMode       string // whole, for the parser and the cache key
	Charset       string // character_set_client
}

// charsetClass says how a client character set's bytes become characters.
type charsetClass uint8

const (
	charsetUTF8    charsetClass = iota // utf8mb3, utf8mb4
	charsetASCII                       // ASCII bytes are ASCII characters, others are not looked into
	charsetLatin1                      // MySQL's latin1 is cp1252
	charsetBinary                      // bytes
	charsetRefused                     // quotes and backslashes may be parts of characters: only ASCII texts are read
	charsetNever                       // not even ASCII means ASCII
)

// classifyCharset knows every character set that a client may choose. In gbk, sjis, big5, cp932 and gb18030 a
// backslash can be the second byte of a character, and ucs2, utf16 and utf32 cannot be client sets at all.
func classifyCharset(name string) charsetClass {
	switch strings.ToLower(name) {
	case "", "utf8", "utf8mb3", "utf8mb4":
		return charsetUTF8
	case "latin1":
		return charsetLatin1
	case "binary":
		return charsetBinary
	case "gbk", "sjis", "big5", "cp932", "gb18030", "ucs2", "utf16", "utf16le", "utf32":
		return charsetRefused
	case "swe7": // '\' and '[' stand for letters
		return charsetNever
	}
	return charsetASCII
}

func (e *Env) hasMode(mode string) bool {
	rest := e.SQLMode
	for rest != "" {
		var m string
		m, rest, _ = strings.Cut(rest, ",")
		if strings.EqualFold(strings.TrimSpace(m), mode) {
			return true
		}
	}
	return false
}

// strict says whether the server refuses values that it would have to change.
func (e *Env) strict() bool {
	return e.hasMode("STRICT_TRANS_TABLES") || e.hasMode("STRICT_ALL_TABLES") || e.hasMode("TRADITIONAL")
}
