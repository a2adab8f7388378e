package proxy

import (
	"errors"
	"io"

	"lockstep/protocol"
	"lockstep/proxy/merge"
)

// keptRows are the rows of an inner query that wait until they are used: in a spool, as those of a cursor. It is written
// once, as the sink of the query, and then read once.
type keptRows struct {
	columns []protocol.Column
	spool   *spool
	packets *protocol.Conn
	packet  []byte
	fields  []protocol.Field
	left    uint64
}

// keepRows runs a query of the proxy's own and keeps its rows. The caller closes them.
func (s *session) keepRows(q innerQuery) (*keptRows, innerAnswer, error) {
	k := &keptRows{spool: s.p.spools.newSpool(func() {})}
	k.packets = protocol.NewConn(k.spool, protocol.Options{MaxPacket: maxRow})
	answer, err := s.runInner(q, k)
	if err == nil {
		err = errors.Join(k.packets.Flush(), k.failure())
	}
	if err != nil {
		k.close()
		return nil, answer, err
	}
	k.packets = readSpool(k.spool)
	return k, answer, nil
}

// Columns keeps the columns.
func (k *keptRows) Columns(cols []protocol.Column) error {
	k.columns = append([]protocol.Column(nil), cols...)
	return nil
}

// Row keeps a row.
func (k *keptRows) Row(fields []protocol.Field) error {
	k.packet = protocol.AppendTextRow(k.packet[:0], fields)
	k.left++
	if err := k.packets.WritePacket(k.packet); err != nil {
		return err
	}
	return k.failure()
}

func (k *keptRows) failure() error {
	if k.spool.failed == nil {
		return nil
	}
	if errors.Is(k.spool.failed, errSpoolFull) {
		return protocol.NewError(erRecordFileFull, "Lockstep: the rows that the statement reads before it writes them take more than limits.max_cursor_bytes")
	}
	return k.spool.failed
}

// next is the next row, whose fields are valid until it is called again; nil at the end.
func (k *keptRows) next() ([]protocol.Field, error) {
	if k.left == 0 {
		return nil, nil
	}
	k.left--
	packet, err := k.packets.ReadPacket()
	if err != nil {
		if errors.Is(err, io.EOF) {
			err = io.ErrUnexpectedEOF
		}
		return nil, err
	}
	if k.fields, err = protocol.ParseTextRow(k.fields[:0], packet, len(k.columns)); err != nil {
		return nil, err
	}
	return k.fields, nil
}

func (k *keptRows) close() { _ = k.spool.Close() } // cannot fail

var _ merge.Sink = (*keptRows)(nil)
