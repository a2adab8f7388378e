package backend

import (
	"context"
	"fmt"

	"lockstep/protocol"
)

// AbsentBranches tells which of these transactions have no branch at this shard, active or prepared. Servers
// list active branches nowhere, but do not start a second one of the same name: each name is tried, and left at once. Where
// the server answers with anything else than yes or 1440 (it is taken), the error is returned.
func (s *Shard) AbsentBranches(ctx context.Context, gtrids []string) (absent []string, err error) {
	err = s.onSide(ctx, func(ctx context.Context, c *Conn) error {
		for _, g := range gtrids {
			free, err := c.nameIsFree(ctx, XID{FormatID: formatID, GTRID: g, BQUAL: s.o.Name})
			if err != nil {
				return fmt.Errorf("trying the name of %q: %w", g, err)
			}
			if free {
				absent = append(absent, g)
			}
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("shard %s: looking for the branches of %d transactions: %w", s.o.Name, len(gtrids), err)
	}
	return absent, nil
}

// nameIsFree starts a branch of this name and rolls it back.
func (c *Conn) nameIsFree(ctx context.Context, x XID) (bool, error) {
	if err := x.check(); err != nil {
		return false, err
	}
	name := x.SQL()
	switch _, err := c.Exec(ctx, "XA START "+name); {
	case code(err) == protocol.ErrXAERDupID:
		return false, nil
	case err != nil:
		return false, err
	}
	for _, verb := range []string{"XA END ", "XA ROLLBACK "} {
		if _, err := c.Exec(ctx, verb+name); err != nil {
			c.MarkBroken() // the disconnect leaves the name
			return false, err
		}
	}
	return true, nil
}
