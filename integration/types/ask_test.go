package types

import (
	"encoding/binary"
	"fmt"
	"slices"
	"strings"
	"testing"

	"lockstep/integration/wireclient"
)

// param is a bound parameter.
type param struct {
	kind     byte
	unsigned bool
	value    []byte // as on the wire without its length; nil: NULL
}

// Parameter types.
const (
	kindNull    = 0x06
	kindVarchar = 0x0f
	kindBlob    = 0xfc
	kindString  = 0xfe
)

// execute is a COM_STMT_EXECUTE with parameters and their types.
func execute(id uint32, params []param) wireclient.Command {
	cmd := binary.LittleEndian.AppendUint32(wireclient.Command{wireclient.ComStmtExecute}, id)
	cmd = append(cmd, 0, 1, 0, 0, 0)
	if len(params) == 0 {
		return cmd
	}
	bitmap := len(cmd)
	cmd = append(cmd, make([]byte, (len(params)+7)/8)...)
	cmd = append(cmd, 1)
	for i, p := range params {
		sign := byte(0)
		if p.unsigned {
			sign = 0x80
		}
		cmd = append(cmd, p.kind, sign)
		if p.value == nil {
			cmd[bitmap+i/8] |= 1 << (i % 8)
		}
	}
	for _, p := range params {
		if p.value == nil {
			continue
		}
		switch p.kind {
		case 0x01, 0x02, 0x03, 0x04, 0x05, 0x08, 0x09, 0x0d: // of fixed size
		case 0x07, 0x0a, 0x0b, 0x0c: // temporal
			cmd = append(cmd, byte(len(p.value)))
		default:
			cmd = append(cmd, lenenc(len(p.value))...)
		}
		cmd = append(cmd, p.value...)
	}
	return cmd
}

func lenenc(n int) []byte {
	switch {
	case n < 0xfb:
		return []byte{byte(n)}
	case n < 1<<16:
		return []byte{0xfc, byte(n), byte(n >> 8)}
	case n < 1<<24:
		return []byte{0xfd, byte(n), byte(n >> 8), byte(n >> 16)}
	}
	return binary.LittleEndian.AppendUint64([]byte{0xfe}, uint64(n))
}

// text asks by COM_QUERY.
func text(c *wireclient.Conn, sql string) ([]*wireclient.Answer, error) {
	a, err := c.Do(wireclient.Query(sql))
	return []*wireclient.Answer{a}, err
}

// prepared asks by a prepared statement, executed once for each list of parameters.
func prepared(c *wireclient.Conn, sql string, lists ...[]param) ([]*wireclient.Answer, error) {
	a, err := c.Do(append(wireclient.Command{wireclient.ComStmtPrepare}, sql...))
	if err != nil || a.Closed {
		return nil, fmt.Errorf("prepare: %w", err)
	}
	answers := []*wireclient.Answer{a}
	if a.Results[0].Prepared == nil {
		return answers, nil
	}
	id := a.Results[0].Prepared.ID
	a.Results[0].Prepared.ID = 0 // a server's own business
	if len(lists) == 0 {
		lists = [][]param{nil}
	}
	for _, params := range lists {
		a, err := c.Do(execute(id, params))
		if err != nil {
			return answers, err
		}
		answers = append(answers, a)
	}
	return answers, c.Write(wireclient.Frames(0, binary.LittleEndian.AppendUint32([]byte{wireclient.ComStmtClose}, id)))
}

// question is something to ask on both sides.
type question struct {
	kind, query string // names for the table of differences
	sql         string
	binary      bool
	params      [][]param
	unordered   bool // rows are in no order
}

func (q *question) String() string {
	way := "text"
	if q.binary {
		way = "prepared"
	}
	return fmt.Sprintf("%s, %s, %s: %.150q", q.kind, q.query, way, q.sql)
}

func (q *question) ask(c *wireclient.Conn) ([]*wireclient.Answer, error) {
	if q.binary {
		return prepared(c, q.sql, q.params...)
	}
	return text(c, q.sql)
}

// lines are those of all answers. Rows in no order are sorted.
func (q *question) lines(answers []*wireclient.Answer) []string {
	var lines []string
	for _, a := range answers {
		more := a.Lines()
		if q.unordered {
			i := slices.IndexFunc(more, isRow)
			if i >= 0 {
				n := i
				for n < len(more) && isRow(more[n]) {
					n++
				}
				slices.Sort(more[i:n])
			}
		}
		lines = append(lines, more...)
	}
	return lines
}

func isRow(line string) bool { return strings.HasPrefix(line, "ROW") }

// compare asks on both sides; what differs is told, unless it stands in the table.
func (p *pair) compare(t *testing.T, b *both, q *question) {
	t.Helper()
	plain, err := q.ask(b.plain)
	if err != nil {
		t.Fatalf("%v: on a plain server: %v", q, err)
	}
	proxied, err := q.ask(b.proxied)
	if err != nil {
		t.Fatalf("%v: through the proxy: %v", q, err)
	}
	got, want := q.lines(proxied), q.lines(plain)
	if d := p.difference(q); d != nil {
		if slices.Equal(got, want) {
			return // not for each value
		}
		d.used = true
		switch {
		case d.refused != 0:
			if code := refusal(proxied); code != d.refused {
				t.Errorf("%v: is not refused with %d, though %s:\n%s", q, d.refused, d.why, strings.Join(got, "\n"))
			}
			return
		case d.all:
			return
		}
		got, want = d.without(got), d.without(want)
	}
	if slices.Equal(got, want) {
		return
	}
	t.Errorf("%v", q)
	for i := range max(len(got), len(want)) {
		g, w := "nothing", "nothing"
		if i < len(got) {
			g = got[i]
		}
		if i < len(want) {
			w = want[i]
		}
		if g != w {
			t.Errorf("   got %s\n       want %s", g, w)
		}
	}
	for _, a := range proxied {
		if d := a.Detail(); d != "" {
			t.Errorf("   %s", d)
		}
	}
}

// refusal is the code of the error in the last answer; 0: none.
func refusal(answers []*wireclient.Answer) uint16 {
	a := answers[len(answers)-1]
	if len(a.Results) == 1 && a.Results[0].Err != nil {
		return a.Results[0].Err.Code
	}
	return 0
}
