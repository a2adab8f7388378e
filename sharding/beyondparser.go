package sharding

import "github.com/pingcap/tidb/pkg/parser/ast"

// Some syntax of queries that servers know is not the parser's. Where it means nothing for where rows are, the parser is
// shown something else of the same length in its place: positions stay, and shards get the text as it was received.

// substitute is what the parser sees instead of bytes [start, end).
type substitute struct {
	start, end int
	with       string
}

// parseBeyond parses a query that the parser has refused, with substitutes for what it does not know.
func (c *compiler) parseBeyond(cause error, blank ...[2]int) (ast.StmtNode, error) {
	for i := range c.toks {
		switch {
		case c.words(i, "LOCK", "IN", "SHARE", "MODE"):
			c.lockTail(i + 4)
		case c.words(i, "FOR", "SYSTEM_TIME"):
			c.systemTime(i)
		case c.words(i, "OFFSET") && c.oneOf(i+2, "ROW", "ROWS") && c.word(i+3) == "FETCH" && c.word(i-1) != "LIMIT":
			c.offsetFetch(i)
		case c.words(i, "WITH", "TIES"):
			c.instead(i, i+2, "ONLY")
			c.beyond = "LIMIT WITH TIES needs all rows on one server"
		case c.words(i, "SOUNDS", "LIKE"):
			c.instead(i, i+2, "|") // compares nothing that a shard key could be found by
		case c.word(i) == "JSON_TABLE" && c.punct(i+1, '('):
			c.jsonTable(i)
		}
	}
	if len(c.substitutes) == 0 {
		return nil, cause
	}
	node, err := c.parse(blank...)
	if err != nil {
		c.substitutes, c.beyond, c.history, c.unseenNames = nil, "", false, false
		return nil, cause
	}
	return node, nil
}

// instead shows the parser a text in the place of tokens [i, end).
func (c *compiler) instead(i, end int, with string) {
	s := substitute{start: c.startOf(i), end: c.endOf(end - 1), with: with}
	if len(with) <= s.end-s.start {
		c.substitutes = append(c.substitutes, s)
	}
}

// lockTail is NOWAIT, SKIP LOCKED or WAIT n behind LOCK IN SHARE MODE.
func (c *compiler) lockTail(i int) {
	switch {
	case c.word(i) == "NOWAIT":
		c.instead(i, i+1, "")
	case c.words(i, "SKIP", "LOCKED"), c.word(i) == "WAIT":
		c.instead(i, i+2, "")
	}
}

// systemTime is FOR SYSTEM_TIME AS OF …, BETWEEN … AND …, FROM … TO … or ALL behind a table: earlier rows are on the shard
// where the present ones are.
func (c *compiler) systemTime(i int) {
	end := i + 2
	switch {
	case c.word(end) == "ALL":
		end++
	case c.words(end, "AS", "OF"):
		end = c.moment(end + 2)
	case c.word(end) == "BETWEEN":
		if end = c.moment(end + 1); c.word(end) != "AND" {
			return
		}
		end = c.moment(end + 1)
	case c.word(end) == "FROM":
		if end = c.moment(end + 1); c.word(end) != "TO" {
			return
		}
		end = c.moment(end + 1)
	default:
		return
	}
	c.instead(i, end, "")
	c.history = true
}

// moment is the token behind a point in time: a literal, a variable, a parameter, a call, or one of these plus or minus an interval.
func (c *compiler) moment(i int) int {
	if c.oneOf(i, "TIMESTAMP", "TRANSACTION") && !c.punct(i+1, '(') {
		i++
	}
	switch {
	case i >= len(c.toks):
		return i
	case c.toks[i].kind == tokLiteral, c.toks[i].kind == tokVar, c.toks[i].kind == tokParam:
		i++
	case c.punct(i, '('):
		i = c.closing(i) + 1
	case c.isName(i) && c.punct(i+1, '('):
		i = c.closing(i+1) + 1
	case c.isName(i):
		i++ // CURRENT_TIMESTAMP
	}
	for (c.punct(i, '-') || c.punct(i, '+')) && c.word(i+1) == "INTERVAL" {
		i += 4
	}
	return i
}

// offsetFetch is OFFSET m ROWS FETCH NEXT n ROWS ONLY: LIMIT m, n.
func (c *compiler) offsetFetch(i int) {
	at := i + 5 // FETCH FIRST|NEXT
	if !c.oneOf(i+4, "FIRST", "NEXT") || !c.oneOf(at+1, "ROW", "ROWS") || !c.words(at+2, "ONLY") && !c.words(at+2, "WITH", "TIES") {
		return
	}
	last := at + 3
	if c.word(at+2) == "WITH" {
		last = at + 4
	}
	c.instead(i, i+1, "LIMIT")
	c.instead(i+2, i+5, ",")
	c.instead(at+1, last, "")
	c.beyond = "OFFSET … FETCH needs all rows on one server"
}

// jsonTable is JSON_TABLE(…): it makes rows of one row's value, or of a constant.
func (c *compiler) jsonTable(i int) {
	end := c.closing(i + 1)
	if end == len(c.toks) {
		return
	}
	for j := i + 2; j < end; j++ {
		if c.oneOf(j, "SELECT", "TABLE", "WITH") {
			return // it may read other rows
		}
	}
	c.instead(i, end+1, "(SELECT 1)")
	c.beyond = "JSON_TABLE over several shards needs all rows on one server"
	c.unseenNames = true
}
