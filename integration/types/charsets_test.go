package types

import (
	"fmt"
	"strings"
	"testing"
	"unicode"

	"lockstep/integration/wireclient"
)

// client is a client of some character set: by its handshake, or because it says so later.
type client struct {
	name      string
	collation byte // of the handshake
	says      string
	texts     []string // bytes in its character set
	unread    bool     // statements with such bytes are refused: those of a character may be a quote's or a backslash's
}

const (
	latin1Swedish = 8
	gbkChinese    = 28
	utf8mb3       = 33
)

var (
	latin1Texts = []string{"", "f", "\xe9", "na\xefve \xff", "\x80"}
	gbkTexts    = []string{"", "a", "\xc4\xe3\xba\xc3", "\xbf\x5c", "a\xbf\x5cb", "\x81\x5c\x81\x5c"} // some end in the byte of a backslash
	utf8Texts   = []string{"", "é", "日本", "ß"}
	utf8mb4Text = []string{"", "é", "日本 😀", "\U0001F1E9\U0001F1EA"}
)

var clients = []client{
	{name: "latin1 by handshake", collation: latin1Swedish, texts: latin1Texts},
	{name: "latin1 by SET NAMES", says: "SET NAMES latin1", texts: latin1Texts},
	{name: "gbk by handshake", collation: gbkChinese, texts: gbkTexts, unread: true},
	{name: "gbk by SET NAMES", says: "SET NAMES gbk", texts: gbkTexts, unread: true},
	{name: "gbk results only", says: "SET character_set_results = gbk", texts: utf8Texts},
	{name: "utf8mb3 by handshake", collation: utf8mb3, texts: utf8Texts},
	{name: "utf8mb3 by SET NAMES", says: "SET NAMES utf8mb3", texts: utf8Texts},
	{name: "utf8mb4", texts: utf8mb4Text},
	{name: "utf8mb4_bin", says: "SET NAMES utf8mb4 COLLATE utf8mb4_bin", texts: utf8mb4Text},
	{name: "binary", says: "SET NAMES binary", texts: utf8Texts},
	{name: "results as stored", says: "SET character_set_results = NULL", texts: utf8Texts},
}

// charsets has clients of several character sets write and read the same texts, as literals and as parameters.
func (p *pair) charsets(t *testing.T) {
	setup := p.dial(t, "d", 0)
	for i, c := range clients {
		table := fmt.Sprintf("cs%d", i)
		setup.run(t, fmt.Sprintf("CREATE TABLE %s (id INT PRIMARY KEY, u VARCHAR(50), l VARCHAR(50) CHARACTER SET latin1, g TEXT CHARACTER SET gbk, b VARBINARY(200))", table))
		b := p.dial(t, "d", c.collation)
		b.run(t, "SET sql_mode = ''")
		if c.says != "" {
			b.run(t, c.says)
		}
		ask := func(query, sql string, binary bool, params ...[]param) {
			p.compare(t, b, &question{kind: c.name, query: query, sql: sql, binary: binary, params: params})
		}
		for j, text := range c.texts {
			unread := c.unread && strings.ContainsFunc(text, func(r rune) bool { return r > unicode.MaxASCII })
			if unread {
				a, err := b.proxied.Do(wireclient.Query(fmt.Sprintf("SELECT '%s'", text)))
				if err != nil || a.Results[0].Err == nil || a.Results[0].Err.Code != 1115 {
					t.Errorf("%s: %q in a statement: %v %v", c.name, text, err, a.Lines())
				}
			}
			literal := func(query, sql string, binary bool) {
				if !unread {
					ask(query, sql, binary)
				}
			}
			literal("insert", fmt.Sprintf("INSERT INTO %s VALUES (%d, '%[3]s', '%[3]s', '%[3]s', '%[3]s')", table, j, text), false)
			value := param{kind: kindString, value: []byte(text)}
			ask("insert bound", fmt.Sprintf("INSERT INTO %s VALUES (%d, ?, ?, ?, ?)", table, 100+j), true, []param{value, value, value, value})
			literal("update", fmt.Sprintf("UPDATE %s SET u = '%s' WHERE id < 0", table, text), false)
			for _, binary := range []bool{false, true} {
				literal("literal", fmt.Sprintf("SELECT '%[1]s', LENGTH('%[1]s'), HEX('%[1]s'), 'a%[1]sb' AS `x`", text), binary)
				literal("literal in scatter", fmt.Sprintf("SELECT id, '%[1]s', HEX('%[1]s') FROM %[2]s WHERE u = '%[1]s' ORDER BY id", text, table), binary)
			}
			if text != "" && text != "\x80" {
				literal("name", fmt.Sprintf("SELECT id AS `%s` FROM %s ORDER BY id", text, table), false)
			}
			ask("where bound", fmt.Sprintf("SELECT id FROM %s WHERE u = ? ORDER BY id", table), true, []param{value})
			ask("like bound", fmt.Sprintf("SELECT id FROM %s WHERE g LIKE ? ORDER BY id", table), true, []param{value})
			ask("update bound", fmt.Sprintf("UPDATE %s SET b = CONCAT(b, ?)", table), true, []param{value})
			ask("echo", "SELECT ?", true, []param{value})
		}
		for _, binary := range []bool{false, true} {
			ask("one", fmt.Sprintf("SELECT * FROM %s WHERE id = 2", table), binary)
			ask("all", fmt.Sprintf("SELECT *, HEX(u), HEX(l), HEX(g), HEX(b) FROM %s ORDER BY id", table), binary)
			for _, column := range []string{"u", "l", "g", "b"} {
				ask("sorted", fmt.Sprintf("SELECT %[1]s FROM %[2]s ORDER BY %[1]s, id", column, table), binary)
				ask("grouped", fmt.Sprintf("SELECT %[1]s, COUNT(*) FROM %[2]s GROUP BY %[1]s ORDER BY %[1]s", column, table), binary)
				ask("max", fmt.Sprintf("SELECT MAX(%s) FROM %s", column, table), binary)
			}
		}
	}
}
