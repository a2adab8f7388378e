package merge

import (
	"lockstep/protocol"
)

// Limits bound what is held in memory; past them Run answers a *protocol.ServerError
// (1104, SQLSTATE 42000) that names the setting. Zero means no limit.
type Limits struct {
	Rows  int // limits.max_merge_rows: rows to sort, groups, or distinct keys, whichever is most
	Bytes int // limits.max_merge_bytes: values, keys and bookkeeping of all steps together
}

const errTooBigSelect = 1104 // ER_TOO_BIG_SELECT

// budget counts what the steps of one merge hold.
type budget struct {
	limits Limits
	bytes  int
}

// hold counts bytes that a step is about to hold, with which it holds so many rows.
func (b *budget) hold(rows, bytes int) error {
	b.bytes += bytes
	if b.limits.Rows > 0 && rows > b.limits.Rows {
		return protocol.NewError(errTooBigSelect,
			"merging the shards' rows needs more than %d rows in memory (limits.max_merge_rows): narrow the statement with WHERE, or sort and group by an index", b.limits.Rows)
	}
	if b.limits.Bytes > 0 && b.bytes > b.limits.Bytes {
		return protocol.NewError(errTooBigSelect,
			"merging the shards' rows needs more than %d bytes of memory (limits.max_merge_bytes): narrow the statement with WHERE, or sort and group by an index", b.limits.Bytes)
	}
	return nil
}

// arena copies rows into large pieces of memory, so that holding a row costs no
// allocation of its own.
type arena struct {
	free   []byte
	budget *budget
}

const (
	arenaFirst = 4 << 10 // bytes; small merges stay small
	arenaPiece = 64 << 10
)

// hold copies b for a step that holds so many rows. A piece is counted whole when it is made.
func (a *arena) hold(rows int, b []byte) ([]byte, error) {
	if len(b) > len(a.free) {
		size := arenaPiece
		if a.free == nil {
			size = arenaFirst
		}
		size = max(size, len(b))
		if err := a.budget.hold(rows, size); err != nil {
			return nil, err
		}
		a.free = make([]byte, size)
	}
	held := a.free[:len(b):len(b)]
	a.free = a.free[len(b):]
	copy(held, b)
	return held, nil
}
