package sharding

import "strings"

// session reads SET, USE, KILL, LOCK and UNLOCK TABLES.
func (c *compiler) session() (bool, error) {
	st := c.st
	switch c.word(0) {
	case "SET":
		st.Kind, st.ReadOnly = KindSet, true
		return true, c.set()
	case "USE":
		st.Kind, st.ReadOnly = KindUse, true
		return true, c.savepointName(1)
	case "KILL":
		st.Kind, st.ReadOnly = KindKill, true
		return true, c.kill()
	case "LOCK":
		if !c.oneOf(1, "TABLES", "TABLE") {
			return true, syntaxError(c.src, c.startOf(1))
		}
		st.Kind = KindLockTables
		return true, c.lockTables()
	case "UNLOCK":
		if !c.oneOf(1, "TABLES", "TABLE") {
			return true, syntaxError(c.src, c.startOf(1))
		}
		st.Kind, st.ReadOnly = KindUnlockTables, true
		return true, c.end(2)
	}
	return false, nil
}

func (c *compiler) kill() error {
	i := 1
	i = c.skipIf(i, "HARD")
	i = c.skipIf(i, "SOFT")
	switch c.word(i) {
	case "QUERY":
		c.st.Kill.Query = true
		i++
	case "CONNECTION":
		i++
	}
	if i >= len(c.toks) || c.toks[i].kind != tokLiteral || c.toks[i].lit != LitInt {
		return syntaxError(c.src, c.startOf(i))
	}
	id, ok := parseDigits([]byte(c.textOf(i)))
	if !ok {
		return syntaxError(c.src, c.startOf(i))
	}
	c.st.Kill.ID = id
	return c.end(i + 1)
}

// set reads the assignments of SET.
func (c *compiler) set() error {
	switch {
	case c.words(1, "STATEMENT"):
		return c.setStatement()
	case c.words(1, "PASSWORD") || c.words(1, "ROLE") || c.words(1, "DEFAULT", "ROLE"):
		return refuse("users and roles are those of the configuration, not of the shards")
	case len(c.toks) == 1:
		return syntaxError(c.src, len(c.src))
	}
	scope := ScopeSession
	if i := c.setTransactionAt(); i > 0 {
		scope = ScopeNext
		switch c.word(i - 2) {
		case "GLOBAL":
			scope = ScopeGlobal
		case "SESSION", "LOCAL":
			scope = ScopeSession
		}
		for _, part := range c.split(i, len(c.toks)) {
			if err := c.setTransaction(part[0], part[1], scope); err != nil {
				return err
			}
		}
		return nil
	}
	for _, part := range c.split(1, len(c.toks)) {
		if err := c.assignment(part[0], part[1], &scope); err != nil {
			return err
		}
	}
	return nil
}

func (c *compiler) assignment(i, end int, scope *Scope) error {
	if i >= end {
		return syntaxError(c.src, c.startOf(i))
	}
	switch c.word(i) {
	case "GLOBAL", "PERSIST", "PERSIST_ONLY":
		if i+1 < end && !c.punct(i+1, '=') {
			*scope = ScopeGlobal
			i++
		}
	case "SESSION", "LOCAL":
		if i+1 < end && !c.punct(i+1, '=') {
			*scope = ScopeSession
			i++
		}
	}
	switch {
	case c.word(i) == "NAMES" && !c.punct(i+1, '='):
		return c.setNames(i+1, end, "names")
	case c.words(i, "CHARACTER", "SET"):
		return c.setNames(i+2, end, "character set")
	case c.word(i) == "CHARSET" && !c.punct(i+1, '='):
		return c.setNames(i+1, end, "character set")
	}
	a := Assignment{Scope: *scope}
	var err error
	if i, err = c.variableName(i, &a); err != nil {
		return err
	}
	switch {
	case c.punct(i, '='):
		i++
	case c.punct(i, ':') && c.punct(i+1, '='):
		i += 2
	default:
		return syntaxError(c.src, c.startOf(min(i, end)))
	}
	if i >= end {
		return syntaxError(c.src, c.startOf(end))
	}
	return c.value(i, end, a)
}

// variableName reads x, @x, @@x, @@session.x.
func (c *compiler) variableName(i int, a *Assignment) (int, error) {
	if c.isName(i) {
		a.Name = strings.ToLower(c.nameOf(i))
		i++
		for c.punct(i, '.') && c.isName(i+1) {
			a.Name += "." + strings.ToLower(c.nameOf(i+1))
			i += 2
		}
		return i, nil
	}
	if i >= len(c.toks) || c.toks[i].kind != tokVar {
		return i, syntaxError(c.src, c.startOf(i))
	}
	system, scope, name := variableParts(c.textOf(i))
	a.Name = name
	if !system {
		a.Scope = ScopeUser
		return i + 1, nil
	}
	switch scope {
	case "global", "persist", "persist_only":
		a.Scope = ScopeGlobal
	case "session", "local":
		a.Scope = ScopeSession
	default:
		a.Scope = ScopeSession
	}
	return i + 1, nil
}

// variableParts takes @x, @'x', @@x and @@scope.x apart; names are lower case and without quotes.
func variableParts(text string) (system bool, scope, name string) {
	if !strings.HasPrefix(text, "@@") {
		name = text[1:]
		if n := len(name); n >= 2 && (name[0] == '`' || name[0] == '\'' || name[0] == '"') && name[n-1] == name[0] {
			name = name[1 : n-1]
		}
		return false, "", strings.ToLower(name)
	}
	name = strings.ToLower(strings.ReplaceAll(text[2:], "`", ""))
	if s, rest, ok := strings.Cut(name, "."); ok {
		switch s {
		case "global", "session", "local", "persist", "persist_only":
			return true, s, rest
		}
	}
	return true, "", name
}

func (c *compiler) value(i, end int, a Assignment) error {
	if end == i+1 {
		switch {
		case c.word(i) == "DEFAULT":
			a.Default = true
			c.st.Set = append(c.st.Set, a)
			return nil
		case c.toks[i].kind == tokLiteral, c.isName(i) && !c.slotWord(i):
			a.Constant = true
		}
	} else if end == i+2 && (c.punct(i, '-') || c.punct(i, '+')) && c.toks[i+1].kind == tokLiteral {
		a.Constant = true
	}
	a.Value = c.src[c.startOf(i):c.endOf(end-1)]
	c.st.Set = append(c.st.Set, a)
	return nil
}

// slotWord is a bare word that is a function call.
func (c *compiler) slotWord(i int) bool {
	switch c.word(i) {
	case "CURRENT_USER", "CURRENT_TIMESTAMP", "CURRENT_DATE", "CURRENT_TIME", "LOCALTIME", "LOCALTIMESTAMP", "UTC_DATE", "UTC_TIME", "UTC_TIMESTAMP", "NULL":
		return true
	}
	return false
}

// setNames reads SET NAMES x [COLLATE y] and SET CHARACTER SET x.
func (c *compiler) setNames(i, end int, name string) error {
	word := func(i int) (string, bool) {
		if i >= end {
			return "", false
		}
		if c.isString(c.toks[i]) {
			v, _ := decodeLiteral(nil, []byte(c.textOf(i)), LitString, false, c.env.NoBackslash)
			return strings.ToLower(string(v.B)), true
		}
		if c.isName(i) {
			return strings.ToLower(c.nameOf(i)), true
		}
		return "", false
	}
	a := Assignment{Scope: ScopeSession, Name: name, Constant: true}
	var ok bool
	if a.Value, ok = word(i); !ok {
		return syntaxError(c.src, c.startOf(i))
	}
	if c.word(i) == "DEFAULT" {
		a.Default, a.Value = true, ""
	}
	i++
	if name == "names" && i < end && c.word(i) == "COLLATE" {
		if a.Collation, ok = word(i + 1); !ok {
			return syntaxError(c.src, c.startOf(i+1))
		}
		i += 2
	}
	if i < end {
		return syntaxError(c.src, c.startOf(i))
	}
	c.st.Set = append(c.st.Set, a)
	return nil
}

// setTransaction reads one characteristic: ISOLATION LEVEL x, READ ONLY, READ WRITE.
func (c *compiler) setTransaction(i, end int, scope Scope) error {
	a := Assignment{Scope: scope, Constant: true}
	switch {
	case c.words(i, "ISOLATION", "LEVEL"):
		i += 2
		a.Name = "transaction isolation"
		switch {
		case c.words(i, "READ", "UNCOMMITTED"), c.words(i, "READ", "COMMITTED"), c.words(i, "REPEATABLE", "READ"):
			a.Value = c.word(i) + "-" + c.word(i+1)
			i += 2
		case c.words(i, "SERIALIZABLE"):
			a.Value = "SERIALIZABLE"
			i++
		default:
			return syntaxError(c.src, c.startOf(i))
		}
	case c.words(i, "READ", "ONLY"), c.words(i, "READ", "WRITE"):
		a.Name, a.Value = "transaction access", "READ "+c.word(i+1)
		i += 2
	default:
		return syntaxError(c.src, c.startOf(i))
	}
	c.st.Set = append(c.st.Set, a)
	if i != end {
		return syntaxError(c.src, c.startOf(i))
	}
	return nil
}

// setTransactionAt is the token behind SET [scope] TRANSACTION, or 0.
func (c *compiler) setTransactionAt() int {
	i := 1
	if c.oneOf(i, "GLOBAL", "SESSION", "LOCAL") {
		i++
	}
	if c.word(i) == "TRANSACTION" && !c.punct(i+1, '=') {
		return i + 1
	}
	return 0
}
