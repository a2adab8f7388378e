package changes

import (
	"encoding/binary"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"lockstep/integration/cluster"
	"lockstep/integration/wireclient"
	"lockstep/localdb"
)

func TestMain(m *testing.M) { cluster.QuietMain(m) }

// plainServer starts the server that is the oracle.
func plainServer(t *testing.T, e localdb.Engine) string {
	return cluster.PlainServer(t, e).Address()
}

// client speaks with a server or a proxy.
type client struct {
	t       testing.TB
	conn    *wireclient.Conn
	address string
}

func dial(t testing.TB, address, database string, capabilities uint32) *client {
	t.Helper()
	conn, err := wireclient.Connect(address, wireclient.Options{User: cluster.User, Password: cluster.Password, Database: database,
		Capabilities: capabilities, Timeout: 30 * time.Second})
	if err != nil {
		t.Fatalf("connect to %s: %v", address, err)
	}
	t.Cleanup(conn.Close)
	return &client{t, conn, address}
}

// do runs a statement: as text, or prepared where it has arguments or prepared is set.
func (c *client) do(prepared bool, sql string, args ...string) wireclient.Result {
	c.t.Helper()
	if !prepared {
		return c.command(sql, wireclient.Query(sql))
	}
	r := c.command(sql, wireclient.Cmd(wireclient.ComStmtPrepare, []byte(sql)...))
	if r.Err != nil {
		return r
	}
	arg := binary.LittleEndian.AppendUint32(nil, r.Prepared.ID)
	arg = append(arg, 0, 1, 0, 0, 0)
	if len(args) > 0 {
		nulls := make([]byte, (len(args)+7)/8)
		var types, values []byte
		for i, a := range args {
			types = append(types, 0xfd, 0)
			if a == "NULL" {
				nulls[i/8] |= 1 << (i % 8)
				continue
			}
			values = append(append(values, byte(len(a))), a...)
		}
		arg = append(append(append(append(arg, nulls...), 1), types...), values...)
	}
	out := c.command(sql, wireclient.Cmd(wireclient.ComStmtExecute, arg...))
	c.command(sql, wireclient.Cmd(wireclient.ComStmtClose, binary.LittleEndian.AppendUint32(nil, r.Prepared.ID)...))
	return out
}

func (c *client) command(sql string, cmd wireclient.Command) wireclient.Result {
	c.t.Helper()
	a, err := c.conn.Do(cmd)
	switch {
	case err != nil:
		c.t.Fatalf("%s: %v", sql, err)
	case a.Closed:
		c.t.Fatalf("%s: the connection was closed", sql)
	case len(a.Results) == 0: // a command without an answer
		return wireclient.Result{}
	}
	return a.Results[0]
}

func (c *client) must(sql string) wireclient.Result {
	c.t.Helper()
	r := c.do(false, sql)
	if r.Err != nil {
		c.t.Fatalf("%s: %v", sql, r.Err)
	}
	return r
}

// rows of a text query, each as one line.
func (c *client) rows(sql string) []string {
	c.t.Helper()
	return lines(c.must(sql))
}

func lines(r wireclient.Result) (list []string) {
	for _, row := range r.Rows {
		var b strings.Builder
		for i, f := range row.Fields {
			if i > 0 {
				b.WriteByte('|')
			}
			if f == nil {
				b.WriteString("NULL")
			} else {
				b.Write(f)
			}
		}
		list = append(list, b.String())
	}
	return list
}

// told is what a client learns of a statement, but for the rows' order where that is open.
func told(r wireclient.Result, ordered bool) string {
	switch {
	case r.Err != nil:
		return r.Err.Error()
	case r.RowErr != nil:
		return r.RowErr.Error()
	case r.OK != nil:
		return fmt.Sprintf("affected %d id %d warnings %d info %q", r.OK.Affected, r.OK.InsertID, r.OK.Warnings, r.OK.Info)
	}
	rows := lines(r)
	if !ordered {
		slices.Sort(rows)
	}
	var names []string
	for _, col := range r.Columns {
		names = append(names, col.Name)
	}
	return fmt.Sprintf("%v %q", names, rows)
}
