package catalog

import (
	"context"
	"fmt"
	"log/slog"
	"math"
	"sync"

	"lockstep/backend"
	"lockstep/protocol"
	"lockstep/sharding"
)

// Sequences hands out AUTO_INCREMENT ids in blocks kept in the table lockstep.sequence of one shard:
// never twice the same id, also over crashes and several proxies. Safe for concurrent use.
type Sequences struct {
	o     SequenceOptions
	store store

	mu     sync.RWMutex
	tables map[tableName]*sequence
}

// SequenceOptions says where sequences are kept.
//
// Sessions ask for ids in the middle of transactions that hold connections. Where
// Home and Shards are the pools that those come from, and every connection of one is
// held by a session that waits for ids, the request for ids waits until
// acquire_timeout ends it. Pools of their own, of one or two connections, cannot run dry in this way.
type SequenceOptions struct {
	Home     *backend.Shard   // keeps the table
	Shards   []*backend.Shard // asked for MAX(column) when a table is first used; in the order of sharding.Schema.Shards
	Holder   string           // this proxy's coordinator id
	Block    int              // ids taken at once; default 1000
	Physical func(shard, logical string) string
	Logger   *slog.Logger
}

const defaultBlock = 1000

// NewSequences makes the sequences; it asks no server. What is stored is made on first use.
func NewSequences(o SequenceOptions) *Sequences {
	if o.Block <= 0 {
		o.Block = defaultBlock
	}
	if o.Physical == nil {
		o.Physical = func(_, logical string) string { return logical }
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	return &Sequences{o: o, store: store{home: o.Home, holder: o.Holder, logger: o.Logger}, tables: map[tableName]*sequence{}}
}

func (q *Sequences) of(name tableName) *sequence {
	q.mu.RLock()
	s := q.tables[name]
	q.mu.RUnlock()
	if s != nil {
		return s
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	if s = q.tables[name]; s == nil {
		s = &sequence{turn: make(chan struct{}, 1)}
		q.tables[name] = s
	}
	return s
}

// Reserve returns the first of n consecutive ids of a table. On the first use of a table the
// sequence starts above the largest value found on any shard. When the column's type has no n ids left the
// error is a *protocol.ServerError as a server gives it: 167 or 1467.
func (q *Sequences) Reserve(ctx context.Context, t *sharding.Table, n int) (uint64, error) {
	if n <= 0 {
		return 0, fmt.Errorf("reserve ids of %s.%s: %d is no number of ids", t.Database, t.Name, n)
	}
	r, err := rangeOf(t)
	if err != nil {
		return 0, err
	}
	s := q.of(tableName{t.Database, t.Name})
	want := uint64(n)
	if first, ok := s.grab(want); ok {
		return first, nil
	}
	if err := s.wait(ctx); err != nil {
		return 0, fmt.Errorf("wait for ids of %s.%s: %w", t.Database, t.Name, err)
	}
	defer s.done()
	// Whoever had the turn before may have brought enough.
	for {
		first, left, ok := s.grabOrLeft(want)
		if ok {
			return first, nil
		}
		b, err := q.take(ctx, t, r, request{need: want - left, size: max(uint64(q.o.Block), want), has: s.left()})
		if err != nil {
			return 0, err
		}
		s.add(b)
	}
}

// Explicit raises the sequence above an id that a client gave itself; no server is asked while the id lies below what
// is already reserved. An id that the column cannot hold changes nothing: the shard refuses or changes it.
func (q *Sequences) Explicit(ctx context.Context, t *sharding.Table, highest uint64) error {
	r, err := rangeOf(t)
	if err != nil {
		return err
	}
	if highest > r.max {
		return nil
	}
	s := q.of(tableName{t.Database, t.Name})
	if s.skip(highest) {
		return nil
	}
	if cannotWait(ctx) {
		return ErrWouldWait
	}
	if err := s.wait(ctx); err != nil {
		return fmt.Errorf("wait for the sequence of %s.%s: %w", t.Database, t.Name, err)
	}
	defer s.done()
	if s.skip(highest) {
		return nil
	}
	floor := r.end
	if highest < r.end {
		floor = highest + 1
	}
	// A block is taken along, so that a client that counts by itself costs one request per block.
	b, err := q.take(ctx, t, r, request{floor: floor, size: uint64(q.o.Block)})
	if err != nil {
		return err
	}
	s.replace(b)
	return nil
}

// Forget drops what is known and stored of a table's sequence (DROP TABLE, TRUNCATE, RENAME, ALTER … AUTO_INCREMENT).
// After an error the ids go on where they were, or the next Forget starts them anew.
func (q *Sequences) Forget(ctx context.Context, database, table string) error {
	name := tableName{database, table}
	s := q.of(name)
	if err := s.wait(ctx); err != nil {
		return fmt.Errorf("wait for the sequence of %s.%s: %w", database, table, err)
	}
	defer s.done()
	s.replace(block{})
	if err := q.store.forget(ctx, sequenceName(name)); err != nil {
		return fmt.Errorf("forget the sequence of %s.%s: %w", database, table, err)
	}
	return nil
}

// take asks the home shard for a block, starting the table's sequence when there is none.
func (q *Sequences) take(ctx context.Context, t *sharding.Table, r idRange, ask request) (block, error) {
	name := sequenceName(tableName{t.Database, t.Name})
	fail := func(err error) (block, error) {
		return block{}, fmt.Errorf("reserve ids of %s.%s on shard %s: %w", t.Database, t.Name, q.o.Home.Name(), err)
	}
	ask.end = r.end
	// Twice at most, unless somebody forgets the sequence over and over, or other proxies have ids.
	for range 64 {
		b, outcome, err := q.store.take(ctx, name, ask)
		switch {
		case err != nil:
			return fail(err)
		case outcome == taken:
			return b, nil
		case outcome == raced:
			continue
		case outcome == elsewhere:
			ask.floor = max(ask.floor, b.end)
			ask.has = block{}
			continue
		case outcome == exhausted && ask.need == 0:
			// The stored next lies above already.
			return block{next: r.end, end: r.end}, nil
		case outcome == exhausted:
			return block{}, q.exhausted(r)
		}
		next, err := q.start(ctx, t, r)
		if err != nil {
			return block{}, fmt.Errorf("start the ids of %s.%s: %w", t.Database, t.Name, err)
		}
		if err := q.store.start(ctx, name, next); err != nil {
			return fail(err)
		}
		q.o.Logger.Info("sequence started", "database", t.Database, "table", t.Name, "next", next)
	}
	return fail(fmt.Errorf("row '%s' of lockstep.sequence vanishes and comes back again and again", name))
}

// exhausted is the server's own answer when a column cannot count any further:
// MariaDB says 167 for all types but the widest, MySQL has 1467 for that.
func (q *Sequences) exhausted(r idRange) error {
	if !r.widest && q.store.mariaDB() {
		return &protocol.ServerError{Code: 167, SQLState: "22003", Message: fmt.Sprintf("Out of range value for column '%s' at row 1", r.column)}
	}
	return protocol.NewError(1467, "Failed to read auto-increment value from storage engine")
}

// sequence is one table's ids in memory.
type sequence struct {
	turn chan struct{} // full while somebody asks the home shard

	mu  sync.Mutex
	has block
}

// block is ids from next on, below end.
type block struct{ next, end uint64 }

// wait takes the turn to ask the home shard.
func (s *sequence) wait(ctx context.Context) error {
	select {
	case s.turn <- struct{}{}:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

func (s *sequence) done() { <-s.turn }

func (s *sequence) grab(n uint64) (uint64, bool) {
	first, _, ok := s.grabOrLeft(n)
	return first, ok
}

func (s *sequence) grabOrLeft(n uint64) (first, left uint64, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	left = s.has.end - s.has.next
	if left < n {
		return 0, left, false
	}
	first = s.has.next
	s.has.next += n
	return first, left, true
}

// add joins a block to the ids that are left if it follows them; otherwise,
// another proxy was faster, and they are dropped: n ids must be consecutive.
func (s *sequence) add(b block) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if b.next == s.has.end && s.has.end != 0 {
		s.has.end = b.end
		return
	}
	s.has = b
}

// left is what is left of the ids in memory.
func (s *sequence) left() block {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.has
}

// skip leaves out ids up to highest; it is false when they lie above what is reserved.
func (s *sequence) skip(highest uint64) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if highest == math.MaxUint64 || highest >= s.has.end {
		return false
	}
	s.has.next = max(s.has.next, highest+1)
	return true
}

func (s *sequence) replace(b block) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.has = b
}
