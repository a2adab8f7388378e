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

// following is what the rows that are there already say of those that are to be loaded: conditions, or that there are none.
func (d *scratchDesk) following(load *sharding.ScratchLoad) (more []string, none bool, err error) {
	for _, f := range load.Follows {
		from := &d.plan.Loads[f.Load]
		if d.loaded[from] > followRows {
			continue
		}
		if err := d.s.stopped(); err != nil {
			return nil, false, err
		}
		column := quoteName(f.Column)
		res, err := d.l.conn.Query(d.s.ctx, "SELECT DISTINCT "+column+" FROM "+quoteName(from.Database)+"."+quoteName(from.Table.Name)+
			" WHERE "+column+" IS NOT NULL LIMIT "+strconv.Itoa(followValues+1), followValues+1)
		if err != nil {
			return nil, false, d.verb(err)
		}
		switch n := len(res.Rows); {
		case n == 0:
			return nil, true, nil
		case n > followValues:
			continue
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
		more = append(more, b.String())
	}
	return more, false, nil
}
