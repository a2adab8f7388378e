package catalog

import (
	"context"
	"errors"
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"
	"sync"

	"lockstep/backend"
	"lockstep/sharding"
)

// start finds where a table's ids begin: above the largest on any shard, and
// not below what CREATE or ALTER TABLE … AUTO_INCREMENT=n asked for.
func (q *Sequences) start(ctx context.Context, t *sharding.Table, r idRange) (uint64, error) {
	shards := q.holders(t)
	nexts := make([]uint64, len(shards))
	errs := make([]error, len(shards))
	var wait sync.WaitGroup
	for i, s := range shards {
		wait.Go(func() {
			nexts[i], errs[i] = nextOf(ctx, s, q.o.Physical(s.Name(), t.Database), t.Name, r)
			if errs[i] != nil {
				errs[i] = fmt.Errorf("read the largest id on shard %s: %w", s.Name(), errs[i])
			}
		})
	}
	wait.Wait()
	next, found := uint64(1), false
	for i := range shards {
		switch {
		case errs[i] == nil:
			next, found = max(next, nexts[i]), true
		case !missingTable(errs[i]):
			return 0, errs[i]
		}
	}
	if !found {
		return 0, errors.Join(errs...)
	}
	return min(next, r.end), nil
}

// holders are the shards that may have rows of a table.
func (q *Sequences) holders(t *sharding.Table) []*backend.Shard {
	var shards []*backend.Shard
	met := map[int]bool{}
	for _, i := range t.Rule.Shards {
		if i < 0 || i >= len(q.o.Shards) {
			return q.o.Shards
		}
		if !met[i] {
			met[i] = true
			shards = append(shards, q.o.Shards[i])
		}
	}
	if len(shards) == 0 {
		return q.o.Shards
	}
	return shards
}

// nextOf asks one shard for the least id above all that it has.
func nextOf(ctx context.Context, s *backend.Shard, database, table string, r idRange) (uint64, error) {
	c, err := s.Acquire(ctx, anyState, true)
	if err != nil {
		return 0, err
	}
	defer c.Release()
	name := identifier(database) + "." + identifier(table)
	res, err := c.Query(ctx, "SELECT MAX("+identifier(r.column)+") FROM "+name, 1)
	if err != nil {
		return 0, err
	}
	next := uint64(1)
	if len(res.Rows) == 1 && res.Rows[0][0] != nil {
		if next, err = above(string(res.Rows[0][0])); err != nil {
			return 0, err
		}
	}
	// Not from information_schema: MySQL caches it for a day.
	res, err = c.Query(ctx, "SHOW CREATE TABLE "+name, 1)
	if err != nil {
		return 0, err
	}
	if len(res.Rows) == 1 && len(res.Rows[0]) > 1 {
		if asked, ok := autoIncrementOption(string(res.Rows[0][1])); ok {
			next = max(next, asked)
		}
	}
	return next, nil
}

// above is the least id over the largest value that a column has, as its text.
func above(largest string) (uint64, error) {
	if strings.HasPrefix(largest, "-") {
		return 1, nil
	}
	if v, err := strconv.ParseUint(largest, 10, 64); err == nil {
		if v == math.MaxUint64 {
			return v, nil
		}
		return v + 1, nil
	}
	v, err := strconv.ParseFloat(largest, 64) // FLOAT and DOUBLE columns
	if err != nil || v >= 1<<63 {
		return 0, fmt.Errorf("the largest id is %q, which is no number that ids can go on from", largest)
	}
	return uint64(v) + 1, nil
}

// The options of a table stand on the line that closes the list of columns, the
// engine and AUTO_INCREMENT before anything that could hold free text.
var optionLine = regexp.MustCompile(`(?m)^\) (?:/\*![0-9]+ TABLESPACE [^*]*\*/ )?(?:ENGINE=\w+ )?AUTO_INCREMENT=([0-9]+)\b`)

// autoIncrementOption reads AUTO_INCREMENT=n off a CREATE TABLE as the server prints it.
func autoIncrementOption(create string) (uint64, bool) {
	m := optionLine.FindStringSubmatch(create)
	if m == nil {
		return 0, false
	}
	n, err := strconv.ParseUint(m[1], 10, 64)
	return n, err == nil
}
