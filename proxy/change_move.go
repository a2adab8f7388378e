package proxy

import (
	"errors"
	"slices"

	"lockstep/backend"
	"lockstep/protocol"
	"lockstep/sharding"
)

// moveState is how a session's connections read and write rows that move: so that every value that is stored is taken over as
// it is, whatever the session would think of it.
var moveState = map[string]string{
	"sql_mode":  "'NO_AUTO_VALUE_ON_ZERO,ALLOW_INVALID_DATES'",
	"time_zone": "'+00:00'",
}

// moveRows takes the rows that an UPDATE has changed, and whose shard key belongs to another shard now, there.
func (c *changing) moveRows(t *namedTable, byShard map[int][][]namedRow) error {
	if len(t.rows) > 1 {
		if err := c.inOrder(t, byShard); err != nil {
			return err
		}
	}
	defer c.s.lend(moveState)()
	for _, shard := range sortedShards(byShard) {
		for _, rows := range byShard[shard] {
			if err := c.moveBatch(t, shard, rows); err != nil {
				return err
			}
		}
	}
	return nil
}

func sortedShards(byShard map[int][][]namedRow) (shards []int) {
	for shard := range byShard {
		shards = append(shards, shard)
	}
	slices.Sort(shards)
	return shards
}

// inOrder refuses a change of several rows where one gets a unique key that another had: one server would have met them one
// after the other, and might have found the key still taken.
func (c *changing) inOrder(t *namedTable, byShard map[int][][]namedRow) error {
	for k, key := range t.Move.Clash {
		var had []string
		for i := range t.rows {
			r := &t.rows[i]
			if r.clash[k] != "" && !(key.Primary && r.key == r.fresh) {
				had = append(had, r.clash[k])
			}
		}
		for keys := range slices.Chunk(had, keysAtOnce) {
			for _, shard := range sortedShards(byShard) {
				if len(byShard[shard]) == 0 {
					continue
				}
				res, err := c.query(shard, sharding.AppendClash(nil, t.Table, c.database(t, shard), key.Columns, keys), 1)
				if err != nil {
					return err
				}
				if string(res.Rows[0][0]) != "0" {
					return notSupported("a change of the shard key %s of several rows of %s, where one row gets the key of another: whether it is free then depends on the order in which rows are changed", t.Table.Rule.Key, t.Table.Name)
				}
			}
		}
	}
	return nil
}

// moveBatch moves some rows of a shard.
func (c *changing) moveBatch(t *namedTable, from int, rows []namedRow) error {
	m := t.Move
	keys := make([]string, len(rows))
	for i := range rows {
		keys[i] = rows[i].fresh
	}
	res, err := c.query(from, m.AppendRows(nil, t.Table, c.database(t, from), keys), len(rows))
	if err != nil {
		return err
	}
	if len(res.Rows) != len(rows) {
		return notSupported("this change of the shard key %s of %s: %d of %d rows were found by the new primary keys that they should have", t.Table.Rule.Key, t.Table.Name, len(res.Rows), len(rows))
	}
	var left []string
	arrive := map[int][]byte{}
	for _, fields := range res.Rows {
		home, err := sharding.Home(t.Table, m.Place, fields)
		if err != nil {
			return err
		}
		if home == from {
			continue
		}
		key, _ := sharding.AppendRowKey(nil, m.Where, fields)
		left = append(left, string(key))
		text := arrive[home]
		if text == nil {
			text = m.AppendInsert(nil, t.Table, c.database(t, home))
		} else {
			text = append(text, ',')
		}
		arrive[home] = sharding.AppendRow(text, m, fields)
	}
	if len(left) == 0 {
		return nil
	}
	if m.Tied != "" {
		return t.tied()
	}
	return c.carry(t, from, left, arrive)
}

// tied refuses to move a row.
func (t *namedTable) tied() error {
	return notSupported("moving a row of %s to another shard, where its new %s belongs: %s", t.Table.Name, t.Table.Rule.Key, t.Move.Tied)
}

// carry deletes rows where they were and inserts them where they belong. The client has heard of its UPDATE: what these
// statements say, unless they fail, is nothing to it.
func (c *changing) carry(t *namedTable, from int, left []string, arrive map[int][]byte) error {
	said, warned := c.ok, len(c.s.diag.entries)
	defer func() { c.ok = said }()
	gone := shardStep{target: sharding.Target{Shard: from, SQL: t.Move.AppendDelete(nil, t.Table, c.database(t, from), left)}, rows: uint64(len(left))}
	if err := c.step([]shardStep{gone}, true); err != nil {
		return err
	}
	var list []shardStep
	for shard, text := range arrive {
		list = append(list, shardStep{target: sharding.Target{Shard: shard, SQL: text}})
	}
	slices.SortFunc(list, func(a, b shardStep) int { return a.target.Shard - b.target.Shard })
	if err := c.step(list, true); err != nil {
		return err
	}
	if now := c.s.diag.entries; len(now) > warned {
		return notSupported("this change of the shard key %s of %s: a row would not be the same on its new shard (%s)", t.Table.Rule.Key, t.Table.Name, now[warned].text)
	}
	c.s.p.metrics.moved.Add(float64(len(left)))
	return nil
}

// database is what the table's database is called on a shard.
func (c *changing) database(t *namedTable, shard int) string {
	if p := c.physicalOn(shard); p != nil {
		return p(t.Table.Database)
	}
	return t.Table.Database
}

// query reads rows of a shard inside the transaction.
func (c *changing) query(shard int, sql []byte, most int) (*backend.Result, error) {
	s := c.s
	l, err := s.lease(shard, false, "")
	if err != nil {
		return nil, err
	}
	if l.branch.fresh {
		s.untrack(l.conn)
		s.dropBranch(l.branch)
		return nil, errors.New("rows are moved from a shard where none was changed")
	}
	res, err := l.conn.Query(s.ctx, string(sql), most)
	var se *protocol.ServerError
	var many *backend.TooManyRowsError
	switch {
	case err == nil:
		s.done(&l)
		return res, nil
	case l.conn.Broken():
		return nil, s.lost(&l, err, true)
	case errors.As(err, &se):
		if told := s.deadlocked(se); told != nil {
			se = told
		}
		b := l.branch
		s.answered(&l, se)
		s.noticeServerError(b, se)
		return nil, se
	case errors.As(err, &many):
		s.done(&l)
		return nil, notSupported("a change of a shard key where a primary key has more rows than one")
	}
	return nil, s.lost(&l, err, true)
}
