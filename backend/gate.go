package backend

import "context"

type gate struct{}
type verifier struct{}

func (s *Shard) FreeXIDs(ctx context.Context, xids []XID) error          { return ErrClosed }
func (s *Shard) SettleXID(ctx context.Context, x XID, commit bool) error { return ErrClosed }
