package merge

import (
	"errors"
	"slices"
	"testing"

	"lockstep/protocol"
)

// fakeStream is a shard's answer. It spoils a row's memory when it moves on, as
// a connection's read window does.
type fakeStream struct {
	cols   []protocol.Column
	rows   [][]byte
	at     int
	window []byte
	fails  error // after the rows
}

func (s *fakeStream) Columns() []protocol.Column { return s.cols }

func (s *fakeStream) Next() bool {
	for i := range s.window {
		s.window[i] = 0xfb
	}
	if s.at >= len(s.rows) {
		return false
	}
	s.window = append(s.window[:0], s.rows[s.at]...)
	s.at++
	return true
}

func (s *fakeStream) Payload() []byte { return s.window }

func (s *fakeStream) Err() error {
	if s.at >= len(s.rows) {
		return s.fails
	}
	return nil
}

// texts makes fields; "NULL" is NULL.
func texts(values ...string) []protocol.Field {
	fields := make([]protocol.Field, len(values))
	for i, v := range values {
		if v != "NULL" {
			fields[i] = protocol.Field(v)
		}
	}
	return fields
}

func stream(cols []protocol.Column, rows ...[]protocol.Field) *fakeStream {
	s := &fakeStream{cols: cols}
	for _, r := range rows {
		s.rows = append(s.rows, protocol.AppendTextRow(nil, r))
	}
	return s
}

func streams(all ...*fakeStream) []Stream {
	var out []Stream
	for _, s := range all {
		out = append(out, s)
	}
	return out
}

func column(name string, t protocol.ColumnType) protocol.Column {
	return protocol.Column{Name: name, Type: t, Charset: protocol.CharsetBinary, Length: 20}
}

// collector keeps what it is sent, as a sink that takes decoded rows only.
type collector struct {
	cols  []protocol.Column
	rows  [][]protocol.Field
	fails error
	after int
}

func (c *collector) Columns(cols []protocol.Column) error {
	c.cols = slices.Clone(cols)
	return nil
}

func (c *collector) Row(fields []protocol.Field) error {
	if c.fails != nil && len(c.rows) >= c.after {
		return c.fails
	}
	own := make([]protocol.Field, len(fields))
	for i, f := range fields {
		if f != nil {
			own[i] = append(protocol.Field{}, f...)
		}
	}
	c.rows = append(c.rows, own)
	return nil
}

// rawCollector also takes encoded rows.
type rawCollector struct {
	collector
	raw int
}

func (c *rawCollector) RawRow(payload []byte) error {
	c.raw++
	fields, err := protocol.ParseTextRow(nil, payload, len(c.cols))
	if err != nil {
		return err
	}
	return c.Row(fields)
}

func show(rows [][]protocol.Field) []string {
	var out []string
	for _, r := range rows {
		line := ""
		for i, f := range r {
			if i > 0 {
				line += "|"
			}
			if f == nil {
				line += "NULL"
			} else {
				line += string(f)
			}
		}
		out = append(out, line)
	}
	return out
}

func wantRows(t *testing.T, got [][]protocol.Field, want ...string) {
	t.Helper()
	if g := show(got); !slices.Equal(g, want) {
		t.Errorf("rows %q, want %q", g, want)
	}
}

var errBroken = errors.New("the line broke")
