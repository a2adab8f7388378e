package differential

import (
	"encoding/binary"
	"fmt"
	"strings"
	"testing"
	"time"

	"lockstep/integration/cluster"
	"lockstep/integration/wireclient"
	"lockstep/localdb"
)

// reply is all that a client sees of one statement.
type reply struct {
	err      *wireclient.Err
	columns  []wireclient.Column
	rows     [][]cell
	affected uint64
	id       uint64
	info     string
	warnings uint16
}

type cell struct {
	null bool
	text string // bytes, as they came
}

// refusal is the proxy's reason for not running a statement; "" where it ran. Servers have the same number for what they cannot do.
func (r *reply) refusal() string {
	if r.err != nil && r.err.Code == refused && strings.HasPrefix(r.err.Message, "Lockstep") {
		return r.err.Message
	}
	return ""
}

// session is a client's connection.
type session struct{ conn *wireclient.Conn }

func connect(t testing.TB, address, database string) session {
	t.Helper()
	collation := byte(45) // utf8mb4_general_ci
	if cluster.Engine(t) == localdb.MySQL {
		collation = 255 // its default: the proxy asks for a character set by its name
	}
	c, err := wireclient.Connect(address, wireclient.Options{Collation: collation, User: cluster.User, Password: cluster.Password, Database: database, Timeout: 30 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return session{c}
}

// ask runs one statement, as text or prepared.
func (s session) ask(sql string, bind bool, args []any) (*reply, error) {
	if !bind {
		a, err := s.conn.Do(wireclient.Query(sql))
		return outcome(a, err)
	}
	a, err := s.conn.Do(append(wireclient.Command{wireclient.ComStmtPrepare}, sql...))
	if err != nil || len(a.Results) != 1 || a.Results[0].Prepared == nil {
		return outcome(a, err)
	}
	id := a.Results[0].Prepared.ID
	a, err = s.conn.Do(execution(id, args))
	r, err := outcome(a, err)
	if err != nil {
		return nil, err
	}
	return r, s.conn.Write(wireclient.Frames(0, binary.LittleEndian.AppendUint32([]byte{wireclient.ComStmtClose}, id)))
}

func (s session) text(sql string) (*reply, error) { return s.ask(sql, false, nil) }

func outcome(a *wireclient.Answer, err error) (*reply, error) {
	if err != nil {
		return nil, err
	}
	return only(a)
}

// only reads the answer of a statement that has only one.
func only(a *wireclient.Answer) (*reply, error) {
	if a.Closed || len(a.Results) != 1 {
		return nil, fmt.Errorf("answer of %d results, closed: %v", len(a.Results), a.Closed)
	}
	r := &a.Results[0]
	out := &reply{columns: r.Columns}
	switch {
	case r.Err != nil:
		out.err = r.Err
	case r.OK != nil:
		out.affected, out.id, out.info, out.warnings = r.OK.Affected, r.OK.InsertID, r.OK.Info, r.OK.Warnings
	case r.End != nil:
		out.warnings = r.End.Warnings
	}
	if r.RowErr != nil {
		out = &reply{err: r.RowErr} // the rows before it do not count
		r.Rows = nil
	}
	for _, row := range r.Rows {
		var cells []cell
		for _, f := range row.Fields {
			cells = append(cells, cell{null: f == nil, text: string(f)})
		}
		out.rows = append(out.rows, cells)
	}
	return out, nil
}

// Types of parameters.
const (
	kindNull     = 0x06
	kindLongLong = 0x08
	kindString   = 0xfe
)

func execution(id uint32, args []any) wireclient.Command {
	cmd := binary.LittleEndian.AppendUint32(wireclient.Command{wireclient.ComStmtExecute}, id)
	cmd = append(cmd, 0, 1, 0, 0, 0)
	if len(args) == 0 {
		return cmd
	}
	bitmap := len(cmd)
	cmd = append(cmd, make([]byte, (len(args)+7)/8)...)
	cmd = append(cmd, 1)
	for i, v := range args {
		switch v.(type) {
		case nil:
			cmd[bitmap+i/8] |= 1 << (i % 8)
			cmd = append(cmd, kindNull, 0)
		case int64:
			cmd = append(cmd, kindLongLong, 0)
		default:
			cmd = append(cmd, kindString, 0)
		}
	}
	for _, v := range args {
		switch v := v.(type) {
		case int64:
			cmd = binary.LittleEndian.AppendUint64(cmd, uint64(v))
		case string: // shorter than 251 bytes
			cmd = append(append(cmd, byte(len(v))), v...)
		}
	}
	return cmd
}
