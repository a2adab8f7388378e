package sharding

import (
	"fmt"
	"strings"
	"sync"

	"github.com/pingcap/tidb/pkg/parser"
	"github.com/pingcap/tidb/pkg/parser/ast"
	"github.com/pingcap/tidb/pkg/parser/mysql"
	_ "github.com/pingcap/tidb/pkg/parser/test_driver" // the parser's literals
)

var parsers = sync.Pool{New: func() any {
	p := parser.New()
	p.SetMariaDB(true)
	return p
}}

// parse reads the text with the parser. What it sees has the received text's length, so that positions agree, but only
// our tokens: comments are blank, and so are blank spans (byte positions) and bytes in strings that are not plain. The
// values of literals are read by decodeLiteral alone.
func (c *compiler) parse(blank ...[2]int) (ast.StmtNode, error) {
	text := []byte(strings.Repeat(" ", len(c.src)))
	for _, t := range c.toks {
		copy(text[t.start:t.end], c.src[t.start:t.end])
		if c.isString(t) {
			for i := t.start; i < t.end; i++ {
				if text[i] >= 0x80 || text[i] < ' ' {
					text[i] = 'x'
				}
			}
		}
	}
	for _, b := range blank {
		for i := b[0]; i < b[1]; i++ {
			text[i] = ' '
		}
	}
	for _, b := range c.substitutes {
		for i := b.start; i < b.end; i++ {
			text[i] = ' '
		}
		copy(text[b.start:], b.with)
	}
	p := parsers.Get().(*parser.Parser)
	p.SetStrictDoubleTypeCheck(false)
	mode := mysql.SQLMode(0)
	if c.env.AnsiQuotes {
		mode |= mysql.ModeANSIQuotes
	}
	if c.env.NoBackslash {
		mode |= mysql.ModeNoBackslashEscapes
	}
	if c.env.PipesAsConcat {
		mode |= mysql.ModePipesAsConcat
	}
	if c.env.IgnoreSpace {
		mode |= mysql.ModeIgnoreSpace
	}
	if c.env.hasMode("HIGH_NOT_PRECEDENCE") {
		mode |= mysql.ModeHighNotPrecedence
	}
	p.SetSQLMode(mode)
	nodes, err := parseText(p, string(text)+endMark)
	if err != nil {
		return nil, c.locate(string(text), err) // the parser's state is not to be trusted then
	}
	if len(nodes) != 1 {
		return nil, syntaxError(c.src, len(c.src))
	}
	node := nodes[0]
	// A parser that is used again touches nodes that it still holds; Reset makes it forget them.
	p.Reset()
	parsers.Put(p)
	return node, nil
}

// parseText keeps a panic of the parser from ending the process: the text is a client's.
func parseText(p *parser.Parser, text string) (nodes []ast.StmtNode, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("parse statement: %v", r)
		}
	}()
	nodes, _, err = p.ParseSQL(text)
	return nodes, err
}

// endMark follows every text, so that an error at the text's end can be told from one at its last word.
const endMark = " ;"

// locate turns the parser's error into MySQL's, near the token where the parser stopped.
func (c *compiler) locate(text string, err error) error {
	_, rest, ok := strings.Cut(err.Error(), `near "`)
	if !ok {
		return syntaxError(c.src, c.startOf(0))
	}
	if len(rest) > 2000 {
		rest = rest[:2000]
	} else if i := strings.LastIndexByte(rest, '"'); i >= 0 {
		rest = rest[:i]
	}
	at := strings.LastIndex(text+endMark, rest)
	if rest == "" || at < 0 {
		return syntaxError(c.src, len(c.src))
	}
	return syntaxError(c.src, c.startOf(c.tokenAt(at)))
}
