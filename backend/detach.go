package backend

import (
	"context"
	"errors"
	"fmt"

	"lockstep/protocol"
)

// errAttached refuses a MySQL whose prepared branches stay with their connections: those that this
// package gives back after XA PREPARE would not be free, and another session's XA COMMIT would not find the branch.
var errAttached = errors.New("it keeps prepared transactions on their connections; Lockstep needs MySQL 8.0.29 or later with xa_detach_on_prepare=ON, the default")

// mustDetach checks that a new connection to a MySQL parts with its branches when they are
// prepared. The setting is taken over from the global one at login, so that each connection has to be asked.
func (c *Conn) mustDetach(ctx context.Context) error {
	if c.flavor != MySQL {
		return nil
	}
	res, err := c.Query(ctx, "SELECT @@xa_detach_on_prepare", 1)
	var se *protocol.ServerError
	if errors.As(err, &se) && se.Code == 1193 { // no such variable: an older one
		return errAttached
	}
	if err != nil {
		return fmt.Errorf("asking for xa_detach_on_prepare: %w", err)
	}
	if len(res.Rows) != 1 || string(res.Rows[0][0]) != "1" {
		return errAttached
	}
	return nil
}
