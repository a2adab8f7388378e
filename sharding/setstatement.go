package sharding

// setStatement reads SET STATEMENT a = 1, … FOR statement. Both parts are read by themselves when it runs: what the
// variables say decides how the statement is read.
func (c *compiler) setStatement() error {
	at := c.find(2, len(c.toks), "FOR")
	if at == 2 || at+1 >= len(c.toks) {
		return syntaxError(c.src, c.startOf(at))
	}
	if len(c.params) > 0 {
		return refuse("parameters in SET STATEMENT … FOR; set the variables for the session instead")
	}
	c.st.Kind, c.st.ReadOnly = KindSetStatement, false
	c.st.Assigns, c.st.For = [2]int{c.startOf(2), c.endOf(at - 1)}, c.startOf(at+1)
	return nil
}
