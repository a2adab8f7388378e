package backend

// Keep makes Release leave the connection with its owner, as long as nothing is wrong with it: what a server keeps for a
// session, such as temporary tables and locks by name, stays. Discard ends it.
func (c *Conn) Keep() { c.kept = true }

// Alive says whether a kept connection is still there, as far as can be told without asking the server.
func (c *Conn) Alive() bool { return c.owned.Load() && !c.broken.Load() && c.quiet() }
