package proxy

import (
	"errors"

	"lockstep/protocol"
	"lockstep/sharding"
)

const (
	// keysAtOnce bounds the rows of one statement: servers look for that many keys one by one, not in the whole table.
	keysAtOnce  = 500
	bytesAtOnce = 1 << 20
	// valuesAtOnce bounds the rows whose values differ: to find a row's own costs a look at each.
	valuesAtOnce = 100
)

// changeTable changes the rows of one table: the shards at once, each in statements of bounded size.
func (c *changing) changeTable(ch *sharding.Change, t *namedTable) error {
	if ch.Returning && len(t.rows) == 0 {
		return c.noRows(t)
	}
	if ch.OneByOne {
		return c.oneByOne(ch, t)
	}
	byShard := map[int][][]namedRow{}
	var shards []int
	for _, shard := range t.Table.Rule.Shards {
		if _, again := byShard[shard]; !again {
			byShard[shard] = batches(t, shard)
			shards = append(shards, shard)
		}
	}
	global := t.Table.Rule.Kind == sharding.Global
	for round := 0; ; round++ {
		var list []shardStep
		for _, shard := range shards {
			if b := byShard[shard]; round < len(b) {
				list = append(list, c.statement(ch, t, shard, b[round]))
			}
		}
		if len(list) == 0 {
			break
		}
		if err := c.step(list, !global); err != nil {
			var se *protocol.ServerError
			if t.Move != nil && t.Move.Tied != "" && errors.As(err, &se) && se.Code == erNoReferencedRow {
				return t.tied() // the row that it would refer to may be on the shard where it would go
			}
			return err
		}
	}
	if t.Move == nil {
		return nil
	}
	return c.moveRows(t, byShard)
}

// noRows has a shard say what the columns of a DELETE … RETURNING are that meets no row.
func (c *changing) noRows(t *namedTable) error {
	key := "NULL"
	if len(t.Key) > 1 {
		key = "FALSE"
	}
	shard := t.Table.Rule.Shards[0]
	return c.step([]shardStep{{target: sharding.Target{Shard: shard, SQL: t.AppendStatement(nil, c.physicalOn(shard), []string{key}, nil)}}}, true)
}

// oneByOne changes each row by itself, in the order in which the rows were read: what they return is in it.
func (c *changing) oneByOne(ch *sharding.Change, t *namedTable) error {
	for i := range t.rows {
		if err := c.step([]shardStep{c.statement(ch, t, t.rows[i].shard, t.rows[i:i+1])}, true); err != nil {
			return err
		}
	}
	return nil
}

func (c *changing) statement(ch *sharding.Change, t *namedTable, shard int, rows []namedRow) shardStep {
	keys := make([]string, len(rows))
	values := make([][]string, len(rows))
	for i := range rows {
		keys[i] = rows[i].key
		for _, v := range rows[i].values {
			values[i] = append(values[i], v.literal)
		}
	}
	step := shardStep{target: sharding.Target{Shard: shard, SQL: t.AppendStatement(nil, c.physicalOn(shard), keys, values)}, rows: uint64(len(rows))}
	if ch.Ordered {
		for i := range rows {
			step.places = append(step.places, rows[i].place)
		}
	}
	if ch.Ignore && t.Delete {
		step.rows = 0 // it leaves out rows that others refer to
	}
	return step
}

func (c *changing) physicalOn(shard int) func(string) string {
	if !c.s.p.mapped() {
		return nil
	}
	return func(logical string) string { return c.s.p.physical(shard, logical) }
}

// batches cuts a shard's rows into those of one statement each, in the order in which they were read.
func batches(t *namedTable, shard int) (list [][]namedRow) {
	var now []namedRow
	size := 0
	for _, r := range t.rows {
		if r.shard != shard && r.shard != everyCopy {
			continue
		}
		n := len(r.key)
		for _, v := range r.values {
			n += len(v.literal) + len(r.key)
		}
		most := keysAtOnce
		switch {
		case t.OneRow:
			most = 1
		case len(t.Values) > 0:
			most = valuesAtOnce
		}
		if len(now) > 0 && (len(now) >= most || size+n > bytesAtOnce || mixes(now[len(now)-1].values, r.values)) {
			list, now, size = append(list, now), nil, 0
		}
		now, size = append(now, r), size+n
	}
	if len(now) > 0 {
		list = append(list, now)
	}
	return list
}
