package proxy

import (
	"strconv"
	"strings"

	"lockstep/sharding"
)

// Bounds of what the values of one table may say of another: more are not asked for, or not written into a condition.
const (
	followRows   = 20_000
	followValues = 1_000
)

// following is what the rows that are there already say of those that are to be loaded.
func (d *scratchDesk) following(load *sharding.ScratchLoad) (map[sharding.ScratchFollow]sharding.Following, error) {
	known := make(map[sharding.ScratchFollow]sharding.Following)
	for _, f := range load.Follows() {
		from := &d.plan.Loads[f.Load]
		if d.loaded[from] > followRows {
			continue
		}
		k, err := d.values(from, f)
		if err != nil {
			return nil, err
		}
		known[f] = k
	}
	return known, nil
}

// values makes a condition of the values of one column.
func (d *scratchDesk) values(from *sharding.ScratchLoad, f sharding.ScratchFollow) (sharding.Following, error) {
	if err := d.s.stopped(); err != nil {
		return sharding.Following{}, err
	}
	column := quoteName(f.Column)
	res, err := d.l.conn.Query(d.s.ctx, "SELECT DISTINCT "+column+" FROM "+quoteName(from.Database)+"."+quoteName(from.Table.Name)+
		" WHERE "+column+" IS NOT NULL LIMIT "+strconv.Itoa(followValues+1), followValues+1)
	if err != nil {
		return sharding.Following{}, d.verb(err)
	}
	switch n := len(res.Rows); {
	case n == 0:
		return sharding.Following{None: true}, nil
	case n > followValues:
		return sharding.Following{}, nil
	}
	var b strings.Builder
	b.WriteString(quoteName(f.Own) + " IN (")
	for i, r := range res.Rows {
		if i > 0 {
			b.WriteByte(',')
		}
		b.Write(r[0])
	}
	b.WriteByte(')')
	return sharding.Following{Condition: b.String()}, nil
}
