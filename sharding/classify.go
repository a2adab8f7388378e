package sharding

import "strings"

// statement classifies by the first words; only statements that read or change rows go through the parser.
func (c *compiler) statement() error {
	if len(c.toks) == 0 {
		if !c.commented() {
			return errorf(codeEmptyQuery, "Query was empty")
		}
		c.st.Kind = KindEmpty
		c.st.ReadOnly = true
		return nil
	}
	i := 0
	for c.punct(i, '(') {
		i++
	}
	switch c.word(i) {
	case "SELECT", "WITH", "TABLE", "VALUES":
		return c.query()
	}
	if i > 0 {
		return syntaxError(c.src, c.startOf(i))
	}
	switch c.word(0) {
	case "INSERT", "REPLACE":
		return c.insert()
	case "UPDATE":
		return c.update()
	case "DELETE":
		return c.delete()
	case "DO":
		return c.do()
	}
	c.pinAll()
	if done, err := c.transaction(); done {
		return err
	}
	if done, err := c.session(); done {
		return err
	}
	if done, err := c.show(); done {
		return err
	}
	if done, err := c.ddl(); done {
		return err
	}
	if done, err := c.administration(); done {
		return err
	}
	return syntaxError(c.src, c.startOf(0))
}

// commented says whether a text without statement holds a comment: servers answer OK to it.
func (c *compiler) commented() bool { return strings.ContainsAny(c.src, "/#-") }

// end checks that nothing follows token i.
func (c *compiler) end(i int) error {
	if i < len(c.toks) {
		return syntaxError(c.src, c.startOf(i))
	}
	return nil
}

// transaction reads the words of transactions.
func (c *compiler) transaction() (bool, error) {
	st := c.st
	st.ReadOnly = true
	switch c.word(0) {
	case "BEGIN":
		st.Kind = KindBegin
		if c.words(1, "NOT", "ATOMIC") {
			return true, refuse("BEGIN NOT ATOMIC … END blocks cannot be looked into")
		}
		return true, c.end(c.skipIf(1, "WORK"))
	case "START":
		if c.word(1) != "TRANSACTION" {
			return false, nil
		}
		st.Kind = KindBegin
		return true, c.startTransaction(2)
	case "COMMIT", "ROLLBACK":
		st.Kind = KindCommit
		i := c.skipIf(1, "WORK")
		if c.word(0) == "ROLLBACK" {
			st.Kind = KindRollback
			if c.word(i) == "TO" {
				st.Kind = KindRollbackTo
				return true, c.savepointName(c.skipIf(i+1, "SAVEPOINT"))
			}
		}
		return true, c.completion(i)
	case "SAVEPOINT":
		st.Kind = KindSavepoint
		return true, c.savepointName(1)
	case "RELEASE":
		st.Kind = KindRelease
		if c.word(1) != "SAVEPOINT" {
			return true, syntaxError(c.src, c.startOf(1))
		}
		return true, c.savepointName(2)
	case "XA":
		st.Kind = KindXA
		st.Words = c.rest(1)
		return true, nil
	}
	return false, nil
}

func (c *compiler) startTransaction(i int) error {
	o := &c.st.Begin
	for i < len(c.toks) {
		switch {
		case c.words(i, "READ", "ONLY"):
			o.ReadOnly = true
			i += 2
		case c.words(i, "READ", "WRITE"):
			o.ReadWrite = true
			i += 2
		case c.words(i, "WITH", "CONSISTENT", "SNAPSHOT"):
			o.Snapshot = true
			i += 3
		default:
			return syntaxError(c.src, c.startOf(i))
		}
		if i == len(c.toks) {
			break
		}
		if !c.punct(i, ',') || i+1 == len(c.toks) {
			return syntaxError(c.src, c.startOf(i))
		}
		i++
	}
	if o.ReadOnly && o.ReadWrite {
		return syntaxError(c.src, len(c.src))
	}
	return nil
}

// completion reads [AND [NO] CHAIN] [[NO] RELEASE].
func (c *compiler) completion(i int) error {
	switch {
	case c.words(i, "AND", "CHAIN"):
		c.st.Chain = true
		i += 2
	case c.words(i, "AND", "NO", "CHAIN"):
		i += 3
	}
	switch {
	case c.words(i, "RELEASE"):
		c.st.ReleaseAfter = true
		i++
	case c.words(i, "NO", "RELEASE"):
		i += 2
	}
	return c.end(i)
}

func (c *compiler) savepointName(i int) error {
	if !c.isName(i) {
		return syntaxError(c.src, c.startOf(i))
	}
	c.st.Name = c.nameOf(i)
	return c.end(i + 1)
}
