package backend

import "context"

// Keep makes Release leave the connection with its owner, as long as nothing is wrong with it: what a server keeps for a
// session, such as temporary tables and locks by name, stays. Discard ends it.
func (c *Conn) Keep() { c.kept = true }

// LetGo ends Keep: the next Release gives it back to the pool.
func (c *Conn) LetGo() { c.kept = false }

// Alive says whether a kept connection is still there, as far as can be told without asking the server.
func (c *Conn) Alive() bool { return c.owned.Load() && !c.broken.Load() && c.quiet() }

// Autocommit says what the connection's autocommit is.
func (c *Conn) Autocommit() bool { return c.autocommit }

// Align brings a kept connection in line, as Acquire does.
func (c *Conn) Align(ctx context.Context, want *State, autocommit bool) error {
	return c.align(ctx, want, autocommit)
}
