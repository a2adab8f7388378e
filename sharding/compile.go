package sharding

import (
	"regexp"
	"slices"
	"sort"
	"strconv"
	"strings"
)

// compiler turns one text into a Statement.
type compiler struct {
	schema   *Schema
	env      *Env
	charset  charsetClass
	src      string
	toks     []token
	lits     []Literal
	params   []int // positions of '?'
	prepared bool
	st       *Statement
	edits    []edit
	facts    facts
	sources  int // numbers given to sources

	evaluates   bool           // values of its text are worked out before it is planned
	apart       bool           // no shard has all its tables
	system      *systemPlanner // of a query on information_schema
	systemEdits []edit         // its text on the tables that stand in

	conditional  bool         // an executable comment that only some servers run
	edited       bool         // the text that shards get is another one, whatever their names are
	substitutes  []substitute // what the parser sees in the place of what it does not know: beyondparser.go
	beyond       string       // why rows of several shards are not merged for it
	history      bool         // it reads rows that are no more
	unseenNames  bool         // it names columns that the parser does not see
	hint         string
	maxTime      uint64          // of the hint MAX_EXECUTION_TIME(n)
	slotStarts   map[int]int     // byte → slot
	marked       map[int]bool    // bytes where a database's name begins that is a slot
	qualifiersOf map[*Table]bool // tables whose qualifiers are marked
}

// compile analyses a text.
func compile(s *Schema, env *Env, sql []byte, prepared bool) (st *Statement, cacheable bool, err error) {
	c := &compiler{schema: s, env: env, charset: classifyCharset(env.Charset), src: string(sql), prepared: prepared}
	if !readable(c.charset, sql) {
		return nil, false, errorf(codeBadCharset, "Lockstep does not read statements in character set '%s'; use utf8mb4", env.Charset)
	}
	if err := c.tokenize(sql); err != nil {
		return nil, false, err
	}
	c.st = &Statement{env: *env, charset: c.charset, schema: s, prepared: prepared, Params: len(c.params), Verbatim: true,
		Digest: digest(c.src, c.lits)}
	if prepared {
		c.st.own, c.st.ownLits, c.st.Marks = []byte(c.src), c.lits, c.params
	}
	if err := c.statement(); err != nil {
		return nil, false, err
	}
	c.finish()
	return c.st, c.cacheable(), nil
}

// cacheable says whether the statement's shape may come again. What SET assigns and the
// proxy's own commands name are part of their shapes: ids that never come twice would drive plans out of the cache.
func (c *compiler) cacheable() bool {
	switch c.st.Kind {
	case KindSetStatement:
		return c.prepared // it says where its parts are
	case KindSet, KindLockstep, KindKill, KindPrepareText:
		return c.prepared || len(c.lits) == 0
	case KindLoad:
		return false // its file names and terminators are part of it
	}
	return true
}

// readable says whether the lexer sees the characters of a text that the client means.
func readable(cs charsetClass, text []byte) bool {
	return cs < charsetRefused || cs == charsetRefused && isASCII(text)
}

func isASCII(text []byte) bool {
	for _, b := range text {
		if b >= 0x80 {
			return false
		}
	}
	return true
}

func (c *compiler) tokenize(sql []byte) error {
	s := newScanner(c.env, sql)
	var depth depthGauge
	for {
		t := s.next()
		if t.kind == tokPunct {
			depth.punct(sql[t.start])
		} else {
			depth.token()
		}
		if depth.deepest > maxDepth {
			return refuse("its expressions are nested more than %d levels deep", maxDepth)
		}
		switch t.kind {
		case tokEOF:
			c.conditional = s.conditional
			for n := len(c.toks); n > 0 && c.toks[n-1].kind == tokPunct && c.src[c.toks[n-1].start] == ';'; n-- {
				c.toks = c.toks[:n-1]
			}
			return nil
		case tokBad:
			return syntaxError(c.src, t.start)
		case tokLiteral:
			c.lits = append(c.lits, Literal{Start: t.start, End: t.end, Kind: t.lit})
		case tokParam:
			if !c.prepared {
				return syntaxError(c.src, t.start)
			}
			c.params = append(c.params, t.start)
		case tokHint:
			if name, ok := shardHint(c.src[t.start:t.end]); ok {
				c.hint = name
			} else if n, ok := timeHint(c.src[t.start:t.end]); ok {
				c.maxTime = n
			}
			continue
		}
		c.toks = append(c.toks, t)
	}
}

// shardHint reads /*+ shard(name) */.
func shardHint(comment string) (string, bool) {
	body := strings.TrimSpace(comment[3 : len(comment)-2])
	if len(body) < 6 || !strings.EqualFold(body[:5], "shard") {
		return "", false
	}
	body = strings.TrimSpace(body[5:])
	if !strings.HasPrefix(body, "(") {
		return "", false
	}
	name, _, ok := strings.Cut(body[1:], ")")
	return strings.Trim(strings.TrimSpace(name), "`'\""), ok
}

// maxTimeHint matches MAX_EXECUTION_TIME(n) among hints.
var maxTimeHint = regexp.MustCompile(`(?i)\bmax_execution_time\s*\(\s*(\d+)\s*\)`)

// timeHint reads /*+ MAX_EXECUTION_TIME(n) */.
func timeHint(comment string) (uint64, bool) {
	m := maxTimeHint.FindStringSubmatch(comment)
	if m == nil {
		return 0, false
	}
	n, err := strconv.ParseUint(m[1], 10, 64)
	return n, err == nil
}

// finish makes the template of the whole text, for shards that need another text than the received one.
func (c *compiler) finish() {
	for _, t := range c.st.Tables {
		c.uses(t.Database)
	}
	if d := c.st.DDL.Database; d != "" {
		c.uses(d)
	}
	if d := c.st.Show.Database; c.st.Kind == KindShow && d != "" {
		c.uses(d)
	}
	for _, d := range c.st.databases {
		c.uses(d)
	}
	if c.system != nil {
		own := c.edits
		c.edits = slices.Concat(own, c.systemEdits)
		c.sortEdits()
		c.system.text = &template{}
		c.appendSpan(c.system.text, 0, len(c.src))
		c.edits = own
	}
	c.sortEdits()
	if len(c.edits) > 0 || c.prepared {
		t := &template{}
		c.appendSpan(t, 0, len(c.src))
		c.st.rewrite = t
	}
	c.st.Leaves = c.st.Leaves || c.assignsVariable()
	c.st.SessionSlots = len(c.st.slots) > 0
	c.st.mustRender = len(c.st.slots) > 0 || c.evaluates || c.edited
	c.st.Verbatim = !c.st.mustRender
	if c.st.Kind == KindExplain {
		in := c.st.Inner
		in.rewrite, in.mustRender, in.SessionSlots, in.Verbatim = c.st.rewrite, c.st.mustRender, c.st.SessionSlots, c.st.Verbatim
		in.slots, in.databases, in.pinned = c.st.slots, c.st.databases, c.st.pinned
	}
}

// assignsVariable says whether @x := … stands anywhere in a statement on rows.
func (c *compiler) assignsVariable() bool {
	switch c.st.Kind {
	case KindSelect, KindInsert, KindUpdate, KindDelete, KindDo, KindLoad:
	default:
		return false
	}
	for i := range c.toks {
		if c.toks[i].kind == tokVar && c.punct(i+1, ':') && c.punct(i+2, '=') {
			return true
		}
	}
	return false
}

// uses notes a database that the statement uses.
func (c *compiler) uses(database string) {
	if !slices.Contains(c.st.Databases, database) {
		c.st.Databases = append(c.st.Databases, database)
	}
}

// pinAll makes every literal's value part of the shape.
func (c *compiler) pinAll() {
	c.st.pinned = c.st.pinned[:0]
	for i := range c.lits {
		c.st.pinned = append(c.st.pinned, i)
	}
}

// pinSpan makes the values of literals within a span part of the shape.
func (c *compiler) pinSpan(start, end int) {
	for i := range c.lits {
		if c.lits[i].Start >= start && c.lits[i].End <= end {
			c.st.pinned = append(c.st.pinned, i)
		}
	}
}

// literalAt is the index of the literal that begins at a byte, or -1.
func (c *compiler) literalAt(at int) int {
	i := sort.Search(len(c.lits), func(i int) bool { return c.lits[i].Start >= at })
	if i < len(c.lits) && c.lits[i].Start == at {
		return i
	}
	return -1
}

func (c *compiler) paramAt(at int) int {
	i := sort.SearchInts(c.params, at)
	if i < len(c.params) && c.params[i] == at {
		return i
	}
	return -1
}

// tokenAt is the index of the first token that begins at or behind a byte.
func (c *compiler) tokenAt(at int) int {
	return sort.Search(len(c.toks), func(i int) bool { return c.toks[i].start >= at })
}
