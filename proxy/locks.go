package proxy

import (
	"context"

	"lockstep/backend"
	"lockstep/coordinator"
	"lockstep/proxy/admin"
)

// Locks is backend.Shard's, in the words of the admin port.
func (r resolverShard) Locks(ctx context.Context, x coordinator.XID, connection uint32) (admin.Locks, error) {
	holders, waiters, err := r.Shard.Locks(ctx, backend.XID(x), connection)
	out := admin.Locks{}
	for _, h := range holders {
		out.Holders = append(out.Holders, admin.Holder{
			Transaction: h.Transaction, Connection: h.Connection, Certain: h.Certain, State: h.State, Seconds: h.Seconds,
			RowsLocked: h.RowsLocked, RowsModified: h.RowsModified, TablesLocked: h.TablesLocked,
		})
	}
	for _, w := range waiters {
		out.Waiters = append(out.Waiters, admin.Waiter{
			Connection: w.Connection, User: w.User, Host: w.Host, Statement: w.Statement, Seconds: w.Seconds,
			Table: w.Table, Index: w.Index, For: w.For,
		})
	}
	return out, err
}
