package proxy

import (
	"lockstep/protocol"
	"lockstep/sharding"
)

// scratchLargeRow is from how many bytes on a row is inserted by itself, its strings as parameters: escaped they could be
// longer than a server's max_allowed_packet, which the row itself is not.
const scratchLargeRow = 1 << 20

func (l *scratchLoader) addLarge(fields []protocol.Field) error {
	sql := append([]byte(nil), l.head...)
	sql = append(sql, '(')
	var params []protocol.Param
	for i, f := range fields {
		if i > 0 {
			sql = append(sql, ',')
		}
		form := l.load.Columns[i].Form
		switch {
		case f == nil || form != sharding.ScratchBytes && form != sharding.ScratchJSON:
			sql = appendScratchValue(sql, f, form)
			continue
		case form == sharding.ScratchJSON:
			sql = append(sql, "CONVERT(? USING utf8mb4)"...)
		default:
			sql = append(sql, '?')
		}
		params = append(params, protocol.Param{Type: protocol.TypeLongBlob, Value: f})
	}
	sql = append(sql, ')')
	return l.insert(func() error { return l.d.execute(string(sql), params) })
}

// execute runs one of the proxy's own statements with parameters.
func (d *scratchDesk) execute(sql string, params []protocol.Param) error {
	if err := d.s.stopped(); err != nil {
		return err
	}
	conn := d.l.conn
	prep, err := conn.Prepare(d.s.ctx, sql)
	if err != nil {
		return d.verb(err)
	}
	defer conn.Interrupt(d.s.ctx)()
	wire := conn.Wire()
	wire.ResetSequence()
	if err = wire.WritePacket(protocol.AppendExecute(nil, prep.ID, 0, params)); err == nil {
		err = wire.Flush()
	}
	var sum protocol.Summary
	if err == nil {
		sum, err = protocol.DrainResponse(wire)
	}
	switch {
	case err != nil:
		conn.MarkBroken()
		return d.verb(err)
	case sum.Err != nil:
		return d.verb(sum.Err)
	}
	return nil
}
