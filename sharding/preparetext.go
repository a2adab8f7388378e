package sharding

import "encoding/hex"

// TextPrepare is PREPARE, EXECUTE, DEALLOCATE PREPARE or EXECUTE IMMEDIATE as SQL text.
type TextPrepare struct {
	Verb  string   // prepare, execute, deallocate, immediate
	Name  string   // of the statement, as written
	From  string   // prepare, immediate: the expression that gives the statement's text
	Text  string   // that text, where From is a plain string
	Plain bool     // Text is set
	Using []string // execute, immediate: the expressions of the values
}

// prepareText reads the statements on prepared statements from the first word on.
func (c *compiler) prepareText() error {
	st := c.st
	st.Kind = KindPrepareText
	p := &st.Prepare
	end := len(c.toks)
	switch {
	case c.oneOf(0, "DEALLOCATE", "DROP"):
		p.Verb = "deallocate"
		if c.word(1) != "PREPARE" || !c.isName(2) {
			return syntaxError(c.src, c.startOf(1))
		}
		p.Name = c.nameOf(2)
		return c.end(3)
	case c.word(0) == "PREPARE":
		p.Verb = "prepare"
		if !c.isName(1) || c.word(2) != "FROM" {
			return syntaxError(c.src, c.startOf(min(2, end)))
		}
		p.Name = c.nameOf(1)
		return c.preparedFrom(3, end)
	case c.word(1) == "IMMEDIATE":
		p.Verb = "immediate"
		using := c.find(2, end, "USING")
		if err := c.preparedFrom(2, using); err != nil {
			return err
		}
		return c.preparedUsing(using)
	}
	p.Verb = "execute"
	if !c.isName(1) {
		return syntaxError(c.src, c.startOf(1))
	}
	p.Name = c.nameOf(1)
	if end > 2 && c.word(2) != "USING" {
		return syntaxError(c.src, c.startOf(2))
	}
	return c.preparedUsing(2)
}

// preparedFrom reads the expression from token i to end.
func (c *compiler) preparedFrom(i, end int) error {
	if i >= end {
		return syntaxError(c.src, c.startOf(i))
	}
	p := &c.st.Prepare
	p.From = c.src[c.startOf(i):c.endOf(end-1)]
	if end == i+1 && c.isString(c.toks[i]) {
		p.Text, p.Plain = c.stringValue(i)
	}
	return nil
}

// preparedUsing reads USING a, b … at token i, or nothing at the end.
func (c *compiler) preparedUsing(i int) error {
	if i >= len(c.toks) {
		return nil
	}
	if i+1 == len(c.toks) {
		return syntaxError(c.src, len(c.src))
	}
	for _, part := range c.split(i+1, len(c.toks)) {
		if part[0] >= part[1] {
			return syntaxError(c.src, c.startOf(part[0]))
		}
		c.st.Prepare.Using = append(c.st.Prepare.Using, c.src[c.startOf(part[0]):c.endOf(part[1]-1)])
	}
	return nil
}

// LiteralText is the text of a string literal that the proxy has written: '…', _charset X'…', or a number as it is.
func LiteralText(literal string) (text string, ok bool) {
	s := newScanner(&Env{}, []byte(literal))
	t := s.next()
	if t.kind == tokWord { // _utf8mb4
		t = s.next()
	}
	if t.kind != tokLiteral || t.end != len(literal) {
		return "", false
	}
	switch t.lit {
	case LitHex:
		b, err := hex.DecodeString(literal[t.start+2 : t.end-1])
		return string(b), err == nil
	case LitString, LitStrings:
		v, _ := decodeLiteral(nil, []byte(literal[t.start:t.end]), t.lit, false, false)
		return string(v.B), v.Kind == ValString || v.Kind == ValBytes
	}
	return literal, true
}
