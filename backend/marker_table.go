package backend

import (
	"context"
	"errors"
	"fmt"

	"lockstep/protocol"
)

// CreateMarkerTable makes the database lockstep and the table lockstep.branch where
// they are missing; made says whether it did. Nothing is changed where the table is there, nor on a read-only server.
// Errors: *MarkerTableError (missing privileges, another layout), *ReadOnlyError, *DownError, ctx's.
func (s *Shard) CreateMarkerTable(ctx context.Context) (made bool, err error) {
	err = s.onSide(ctx, func(ctx context.Context, c *Conn) error {
		err := c.tryMarkerTable(ctx)
		if !missingMarkerTable(err) {
			return err
		}
		if err := c.checkPrimary(ctx); err != nil {
			return err
		}
		// Who may not make databases can still make the table in one that is there.
		if _, err := c.Exec(ctx, createMarkerDatabase); err != nil && code(err) != protocol.ErrDBAccessDenied {
			return err
		}
		if _, err := c.Exec(ctx, createMarkerTable); err != nil {
			return err
		}
		made = true
		return c.tryMarkerTable(ctx)
	})
	var said *protocol.ServerError
	if err == nil || errors.As(err, &said) {
		s.markerTable.Store(err == nil)
	}
	if err != nil {
		return made, fmt.Errorf("shard %s: making table lockstep.branch: %w", s.o.Name, s.markerTableError(err))
	}
	return made, nil
}

// tryMarkerTable reads no row, but needs every column.
func (c *Conn) tryMarkerTable(ctx context.Context) error {
	_, err := c.Exec(ctx, "SELECT "+markerColumns+", shard, has_token FROM lockstep.branch LIMIT 0")
	return err
}
