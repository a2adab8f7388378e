package backend

import (
	"context"
	"time"
)

var longAgo = time.Unix(1, 0)

func noStop() {}

// Interrupt makes blocking reads and writes on the connection fail once ctx ends;
// call stop when done (twice is harmless). A context that ends in between breaks the
// connection: whether an answer was still on its way cannot be told. Costs nothing
// when ctx cannot end, and no goroutine before it does.
func (c *Conn) Interrupt(ctx context.Context) (stop func()) {
	if ctx.Done() == nil {
		return noStop
	}
	fired := make(chan struct{})
	cancel := context.AfterFunc(ctx, func() {
		c.interrupted.Store(true)
		c.broken.Store(true)
		_ = c.nc.SetDeadline(longAgo) // fails only on a closed connection
		close(fired)
	})
	stopped := false
	return func() {
		if stopped {
			return
		}
		stopped = true
		if !cancel() {
			<-fired
			_ = c.nc.SetDeadline(time.Time{}) // as above; the connection stays broken
		}
	}
}

// Abort ends the connection from another goroutine: what its owner reads or writes
// fails now, and once the owner has let go of it the server is told to end the
// session. The caller sees to it that the owner still has the connection.
func (c *Conn) Abort() {
	c.interrupted.Store(true)
	c.broken.Store(true)
	_ = c.nc.SetDeadline(longAgo) // fails only on a closed connection
}
