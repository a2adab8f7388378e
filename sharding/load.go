package sharding

import (
	"strconv"
	"strings"

	"github.com/pingcap/tidb/pkg/parser/ast"
)

// loadParts are the token spans of LOAD DATA [LOCAL] INFILE.
type loadParts struct {
	file      string
	replace   bool
	name      tableName
	nameAt    int    // token of the table's name
	nameEnd   int    // behind it and PARTITION (…)
	charset   string // of CHARACTER SET; "" without
	format    int    // first token behind CHARACTER SET
	formatEnd int    // behind FIELDS … LINES …
	skip      uint64 // IGNORE n LINES
	listOpen  int    // '(' of the list of columns, -1 without
	listClose int
	set       int // SET, or len(toks)
}

// load compiles LOAD DATA LOCAL INFILE.
func (c *compiler) load() error {
	st := c.st
	st.Kind = KindLoad
	if c.word(1) != "DATA" {
		st.Kind, st.Opaque = KindHandler, true
		return refuse("LOAD %s is not routed", c.word(1))
	}
	if err := c.refuseConditional(); err != nil {
		return err
	}
	f := newLineFormat(c.env.NoBackslash)
	p, err := c.loadParts(f)
	if err != nil {
		return err
	}
	st.UpdateReplace = p.replace
	c.findSlots(p.set, len(c.toks))
	node, err := c.parse(c.loadBlank(p)...)
	if err != nil {
		return err
	}
	n, ok := node.(*ast.LoadDataStmt)
	if !ok {
		return syntaxError(c.src, 0)
	}
	c.walk(n)
	file := &Load{File: []byte(p.file), Variables: c.loadVariables(p)}
	if c.hint != "" {
		if err := c.applyHint(); err != nil {
			return err
		}
		st.planner = &loadPlanner{whole: st.planner, file: file}
		return nil
	}
	if p.name.database == "" {
		return errorf(codeNoDatabase, "No database selected")
	}
	r, err := c.route()
	if err != nil {
		return err
	}
	t, known := c.schema.Table(p.name.database, p.name.name)
	if !known || t.Rule.Kind == Single {
		st.planner = &loadPlanner{whole: &writePlanner{routing: r}, file: file}
		return nil
	}
	if len(c.facts.names) > 1 {
		return refuse("LOAD DATA with a subquery is answered only for tables of one shard")
	}
	return c.loadTable(t, p, f, file)
}

// loadTable compiles LOAD DATA into a table that is sharded, or has copies.
func (c *compiler) loadTable(t *Table, p *loadParts, f *lineFormat, file *Load) error {
	if err := c.mayChange(t, true); err != nil {
		return err
	}
	whole := &fixedPlanner{shards: t.shards(), write: true, why: "all rows of the table are there"}
	if t.Rule.Kind == Global {
		if err := c.checkCopies(); err != nil {
			return err
		}
		whole.copies, whole.sameTime, whole.why = true, true, "every shard has a copy of the table"
		file.Copies = true
	} else if c.facts.assigns && len(t.Rule.Shards) > 1 {
		return refuse("a user variable that is assigned in SET would have another value on each shard")
	}
	if t.AutoIncrement == "" && (t.Rule.Kind == Global || len(t.Rule.Shards) == 1) {
		c.st.planner = &loadPlanner{whole: whole, file: file}
		return nil
	}
	l, err := c.loadLines(t, p, f)
	if err != nil {
		return err
	}
	c.st.planner = &loadPlanner{whole: whole, file: file, lines: l}
	return nil
}

// loadParts finds the parts of the statement, and reads what it says of the file's form into f.
func (c *compiler) loadParts(f *lineFormat) (*loadParts, error) {
	p := &loadParts{listOpen: -1}
	i := 2
	if c.oneOf(i, "LOW_PRIORITY", "CONCURRENT") {
		i++
	}
	local := c.word(i) == "LOCAL"
	i = c.skipIf(i, "LOCAL")
	if c.word(i) != "INFILE" || i+1 >= len(c.toks) || !c.isString(c.toks[i+1]) {
		return nil, syntaxError(c.src, c.startOf(i))
	}
	if !local {
		return nil, refuse("LOAD DATA without LOCAL reads a file of the server's machine, and there are several; use LOAD DATA LOCAL")
	}
	name, _ := c.stringOf(i + 1)
	p.file = string(name)
	i += 2
	p.replace = c.word(i) == "REPLACE"
	if c.oneOf(i, "REPLACE", "IGNORE") {
		i++
	}
	if !c.words(i, "INTO", "TABLE") {
		return nil, syntaxError(c.src, c.startOf(i))
	}
	var ok bool
	p.nameAt = i + 2
	if p.name, p.nameEnd, ok = c.qualified(p.nameAt); !ok {
		return nil, syntaxError(c.src, c.startOf(p.nameAt))
	}
	if c.word(p.nameEnd) == "PARTITION" {
		p.nameEnd = c.closing(p.nameEnd+1) + 1
	}
	i = p.nameEnd
	switch {
	case c.words(i, "CHARACTER", "SET"):
		i += 2
	case c.word(i) == "CHARSET":
		i++
	}
	if i > p.nameEnd {
		if c.isName(i) {
			p.charset = strings.ToLower(c.nameOf(i))
		} else if s, ok := c.stringOf(i); ok {
			p.charset = strings.ToLower(string(s))
		} else {
			return nil, syntaxError(c.src, c.startOf(i))
		}
		if !charsetName(p.charset) {
			return nil, errorf(codeBadCharset, "Unknown character set: '%s'", p.charset)
		}
		i++
	}
	p.format = i
	i, err := c.loadFormat(i, f)
	if err != nil {
		return nil, err
	}
	p.formatEnd = i
	return p, c.loadTail(p, i)
}

// charsetName says whether a name can be one of a character set, and so be written into a shard's text.
func charsetName(name string) bool {
	return name != "" && strings.Trim(name, "abcdefghijklmnopqrstuvwxyz0123456789_") == ""
}

// loadTail reads [IGNORE n LINES] [(columns)] [SET …] from token i.
func (c *compiler) loadTail(p *loadParts, i int) error {
	if c.word(i) == "IGNORE" {
		n, err := strconv.ParseUint(c.textOf(i+1), 10, 64)
		if err != nil || !c.oneOf(i+2, "LINES", "ROWS") {
			return syntaxError(c.src, c.startOf(i+1))
		}
		p.skip = n
		i += 3
	}
	if c.punct(i, '(') {
		p.listOpen, p.listClose = i, c.closing(i)
		i = p.listClose + 1
	}
	p.set = i
	if i < len(c.toks) && c.word(i) != "SET" {
		return syntaxError(c.src, c.startOf(i))
	}
	return nil
}

// stringOf is the value of the string at token i, also of one written in hexadecimal.
func (c *compiler) stringOf(i int) ([]byte, bool) {
	if i < 0 || i >= len(c.toks) || c.toks[i].kind != tokLiteral {
		return nil, false
	}
	text := []byte(c.textOf(i))
	switch c.toks[i].lit {
	case LitString, LitStrings:
		v, _ := decodeString(nil, text, c.env.NoBackslash)
		return v.B, true
	case LitHex:
		digits := text[2:]
		if text[0] != '0' { // x'…'
			digits = text[2 : len(text)-1]
		}
		v, _ := decodeHex(nil, digits)
		return v.B, true
	}
	return nil, false
}

// loadBlank is what the parser need not see, and does not know in all its forms.
func (c *compiler) loadBlank(p *loadParts) [][2]int {
	var blank [][2]int
	between := func(from, to int) {
		if from < to {
			blank = append(blank, [2]int{c.startOf(from), c.endOf(to - 1)})
		}
	}
	if c.oneOf(2, "LOW_PRIORITY", "CONCURRENT") {
		between(2, 3)
	}
	if into := p.nameAt - 2; c.oneOf(into-1, "REPLACE", "IGNORE") {
		between(into-1, into)
	}
	_, name, _ := c.qualified(p.nameAt)
	list := p.set
	if p.listOpen >= 0 {
		list = p.listOpen
		if p.listClose == p.listOpen+1 {
			list = p.set // the parser takes no empty list
		}
	}
	between(name, list)
	return blank
}

// loadVariables are the user variables that the fields are read into, lower case.
func (c *compiler) loadVariables(p *loadParts) []string {
	var names []string
	for _, part := range c.loadList(p) {
		if c.toks[part[0]].kind == tokVar {
			_, _, name := variableParts(c.textOf(part[0]))
			names = append(names, name)
		}
	}
	return names
}

// loadList is the list of columns and variables, as token spans.
func (c *compiler) loadList(p *loadParts) [][2]int {
	if p.listOpen < 0 {
		return nil
	}
	var list [][2]int
	for _, part := range c.split(p.listOpen+1, min(p.listClose, len(c.toks))) {
		if part[0] < part[1] {
			list = append(list, part)
		}
	}
	return list
}
