package wire

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	gomysql "github.com/go-mysql-org/go-mysql/client"

	"lockstep/integration/cluster"
	"lockstep/protocol"
)

func TestMain(m *testing.M) { cluster.Main(m) }

// client is a connection that shows every packet of an answer.
type client struct {
	t    *testing.T
	conn *protocol.Conn
	caps protocol.Capability
}

// optional are the capabilities that a test chooses.
const optional = protocol.ClientDeprecateEOF | protocol.ClientQueryAttributes | protocol.ClientSessionTrack |
	protocol.ClientMultiStatements | protocol.ClientFoundRows

// dial logs in with the given capabilities beside those that every client has.
func dial(t *testing.T, address, database string, caps protocol.Capability) *client {
	t.Helper()
	cc, err := gomysql.Connect(address, cluster.User, cluster.Password, database, func(c *gomysql.Conn) error {
		errs := []error{c.SetCapability(uint32(protocol.ClientMultiResults)), c.SetCapability(uint32(protocol.ClientPSMultiResults))}
		for bit := protocol.Capability(1); bit != 0; bit <<= 1 {
			switch {
			case optional&bit == 0:
			case caps&bit == 0:
				c.UnsetCapability(uint32(bit))
			case bit != protocol.ClientDeprecateEOF && bit != protocol.ClientQueryAttributes: // those are on
				errs = append(errs, c.SetCapability(uint32(bit)))
			}
		}
		return errors.Join(errs...)
	})
	if err != nil {
		t.Fatal(err)
	}
	return over(t, cc.Conn.Conn, caps)
}

func over(t *testing.T, nc net.Conn, caps protocol.Capability) *client {
	t.Helper()
	t.Cleanup(func() { _ = nc.Close() }) // the test may have ended it
	if err := nc.SetDeadline(time.Now().Add(30 * time.Second)); err != nil {
		t.Fatal(err)
	}
	return &client{t, protocol.NewConn(nc, protocol.Options{}), caps}
}

// send sends a command.
func (c *client) send(cmd protocol.Command, arg ...byte) {
	c.t.Helper()
	if err := errors.Join(c.conn.WriteCommand(cmd, arg), c.conn.Flush()); err != nil {
		c.t.Fatal(err)
	}
}

// packet reads one packet.
func (c *client) packet() []byte {
	c.t.Helper()
	p, err := c.conn.ReadPacket()
	if err != nil {
		c.t.Fatalf("from %s: %v", c.conn.NetConn().RemoteAddr(), err)
	}
	return slices.Clone(p)
}

// shownStatus are the flags that two servers agree on.
const shownStatus = protocol.StatusInTrans | protocol.StatusAutocommit | protocol.StatusMoreResultsExists | protocol.StatusCursorExists |
	protocol.StatusLastRowSent | protocol.StatusPSOutParams | protocol.StatusInTransReadonly

func isEnd(p []byte, caps protocol.Capability) bool {
	if caps.Has(protocol.ClientDeprecateEOF) {
		return p[0] == 0xfe && len(p) < 1<<24-1
	}
	return p[0] == 0xfe && len(p) < 9
}

// last describes an OK packet, an EOF packet, or the OK packet that stands for one.
func (c *client) last(p []byte) (string, protocol.Status) {
	c.t.Helper()
	if p[0] == 0xff {
		e, err := protocol.ParseError(p)
		if err != nil {
			c.t.Fatal(err)
		}
		return fmt.Sprintf("error %d", e.Code), 0
	}
	if p[0] == 0xfe && !c.caps.Has(protocol.ClientDeprecateEOF) {
		if len(p) != 5 {
			c.t.Fatalf("EOF packet % x", p)
		}
		s := protocol.Status(binary.LittleEndian.Uint16(p[3:]))
		return fmt.Sprintf("end %#x, %d warnings", s&shownStatus, binary.LittleEndian.Uint16(p[1:])), s
	}
	kind := "ok"
	if p[0] == 0xfe {
		kind = "end"
	}
	tracked, err := protocol.ParseTrack(p)
	if err != nil {
		c.t.Fatal(err)
	}
	ok, err := protocol.ParseOK(append([]byte{0}, p[1:]...))
	if err != nil {
		c.t.Fatal(err)
	}
	s := fmt.Sprintf("%s %#x, %d warnings", kind, ok.Status&shownStatus, ok.Warnings)
	if kind == "ok" {
		s += fmt.Sprintf(", %d affected", ok.AffectedRows)
	}
	for _, ch := range tracked {
		s += fmt.Sprintf(", %d:%s=%s", ch.Kind, ch.Name, ch.Value)
	}
	return s, ok.Status
}

// answer reads a whole answer to a statement, all its results, one line for each packet that says
// something. Rows are shown as their bytes.
func (c *client) answer() []string {
	c.t.Helper()
	var lines []string
	for {
		p := c.packet()
		if p[0] == 0 || p[0] == 0xff {
			line, status := c.last(p)
			lines = append(lines, line)
			if !status.Has(protocol.StatusMoreResultsExists) {
				return lines
			}
			continue
		}
		var names []string
		for range p[0] {
			col, err := protocol.ParseColumn(c.packet())
			if err != nil {
				c.t.Fatal(err)
			}
			names = append(names, col.Name)
		}
		lines = append(lines, "columns "+strings.Join(names, ","))
		out := false
		if !c.caps.Has(protocol.ClientDeprecateEOF) {
			line, status := c.last(c.packet())
			out = status.Has(protocol.StatusPSOutParams) // only MariaDB says again, behind the row, that more follows
			if status.Has(protocol.StatusCursorExists) {
				return append(lines, line)
			}
		}
		rows, more := c.rows()
		lines = append(lines, rows...)
		if !more && !out {
			return lines
		}
	}
}

// rows reads rows up to what ends them.
func (c *client) rows() (lines []string, more bool) {
	c.t.Helper()
	for {
		p := c.packet()
		if isEnd(p, c.caps) || p[0] == 0xff {
			line, status := c.last(p)
			return append(lines, line), status.Has(protocol.StatusMoreResultsExists)
		}
		lines = append(lines, fmt.Sprintf("row %q", p))
	}
}

// query runs a text statement.
func (c *client) query(sql string) []string {
	c.t.Helper()
	arg := []byte(sql)
	if c.caps.Has(protocol.ClientQueryAttributes) {
		arg = append([]byte{0, 1}, arg...)
	}
	c.send(protocol.ComQuery, arg...)
	return c.answer()
}

// must runs statements that answer OK.
func (c *client) must(statements ...string) {
	c.t.Helper()
	for _, sql := range statements {
		if got := c.query(sql); !strings.HasPrefix(got[len(got)-1], "ok") {
			c.t.Fatalf("%.100s: %v", sql, got)
		}
	}
}

// prepare prepares a statement and returns its id.
func (c *client) prepare(sql string) uint32 {
	c.t.Helper()
	c.send(protocol.ComStmtPrepare, []byte(sql)...)
	ok, err := protocol.ParsePrepareOK(c.packet())
	if err != nil {
		c.t.Fatalf("%s: %v", sql, err)
	}
	for _, n := range []uint16{ok.Params, ok.Columns} {
		if n > 0 && !c.caps.Has(protocol.ClientDeprecateEOF) {
			n++
		}
		for range n {
			c.packet()
		}
	}
	return ok.StatementID
}

// execute executes a statement; flags are the cursor's.
func (c *client) execute(id uint32, flags byte, params ...protocol.Param) []string {
	c.t.Helper()
	e := protocol.AppendExecute(nil, id, flags, params)[1:]
	if c.caps.Has(protocol.ClientQueryAttributes) {
		e = named(e, flags, params)
	}
	c.send(protocol.ComStmtExecute, e...)
	return c.answer()
}

// named makes of an execution one with the number of parameters and a name for each, and an attribute behind them.
func named(e []byte, flags byte, params []protocol.Param) []byte {
	out := append(append([]byte{}, e[:4]...), flags|protocol.ParameterCount, 1, 0, 0, 0, byte(len(params)+1))
	out = append(out, make([]byte, (len(params)+8)/8)...) // nothing is NULL
	out = append(out, 1)
	for _, p := range params {
		out = append(out, byte(p.Type), 0, 0)
	}
	out = append(append(out, byte(protocol.TypeString), 0, 4), "name"...)
	for _, p := range params {
		out = append(out, p.Value...)
	}
	return append(append(out, 5), "value"...)
}

func (c *client) fetch(id, rows uint32) []string {
	c.t.Helper()
	c.send(protocol.ComStmtFetch, binary.LittleEndian.AppendUint32(binary.LittleEndian.AppendUint32(nil, id), rows)...)
	lines, _ := c.rows()
	return lines
}

func (c *client) statement(cmd protocol.Command, id uint32) []string {
	c.t.Helper()
	c.send(cmd, binary.LittleEndian.AppendUint32(nil, id)...)
	if cmd == protocol.ComStmtClose {
		return nil
	}
	line, _ := c.last(c.packet())
	return []string{line}
}

func long(n int32) protocol.Param {
	return protocol.Param{Type: protocol.TypeLong, Value: binary.LittleEndian.AppendUint32(nil, uint32(n))}
}

// equal compares two transcripts and shows where they part.
func equal(t *testing.T, what string, got, want []string) {
	t.Helper()
	for i := range max(len(got), len(want)) {
		if i >= len(got) || i >= len(want) || got[i] != want[i] {
			part := func(lines []string) string {
				return strings.Join(lines[min(len(lines), max(0, i-3)):min(len(lines), i+4)], "\n\t")
			}
			t.Errorf("%s: line %d: got\n\t%s\nwant\n\t%s", what, i, part(got), part(want))
			return
		}
	}
}

// worlds runs a test against each server family: a proxy over two shards, and a server itself.
func worlds(t *testing.T, config string, run func(t *testing.T, c *cluster.Cluster, server string)) {
	for _, e := range cluster.Engines {
		t.Run(e.String(), func(t *testing.T) {
			c := cluster.Start(t, cluster.Options{Engine: e, Config: config})
			c.StartProxy()
			for _, address := range []string{c.Listen, c.Shards[0].Address()} {
				dial(t, address, "", 0).must("CREATE DATABASE IF NOT EXISTS d")
			}
			run(t, c, c.Shards[0].Address())
		})
	}
}
