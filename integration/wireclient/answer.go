package wireclient

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
)

// Answer is all that a server sent because of one command.
type Answer struct {
	Results []Result
	Closed  bool // the server closed the connection where a packet would begin
}

// Result is one of an answer's results, or the whole answer of a command that has only one.
type Result struct {
	first byte // number of its first packet

	OK       *OK
	Err      *Err
	EOF      *EOF // a lone one
	Text     *string
	Prepared *Prepared

	Params  []Column // of a prepared statement
	Columns []Column
	Middle  *EOF // behind the column definitions
	Rows    []Row
	End     *EOF // behind the rows
	RowErr  *Err // in its place

	binary bool
}

// Answer reads the whole answer to a command that was sent on a fresh sequence.
func (c *Conn) Answer(cmd Command) (*Answer, error) { return c.AnswerAt(cmd.frames(), cmd) }

// AnswerAt is Answer for one whose first packet has another number.
func (c *Conn) AnswerAt(number byte, cmd Command) (*Answer, error) {
	c.next = number
	a := &Answer{}
	err := c.read(a, cmd)
	if errors.Is(err, ErrClosed) {
		a.Closed, err = true, nil
	}
	if err != nil {
		return a, fmt.Errorf("answer to command %#x: %w", cmd.code(), err)
	}
	return a, nil
}

func (c *Conn) read(a *Answer, cmd Command) error {
	switch code := cmd.code(); code {
	case ComQuit, ComStmtClose, ComStmtSendLongData:
		return nil
	case ComQuery, ComStmtExecute:
		for {
			more, err := c.result(a, code == ComStmtExecute)
			if err != nil || !more {
				return err
			}
		}
	case ComStmtPrepare:
		return c.prepare(a)
	case ComFieldList:
		return c.fieldList(a)
	case ComStatistics:
		p, err := c.packet()
		if err != nil {
			return err
		}
		text := string(p)
		a.Results = append(a.Results, Result{first: c.next - 1, Text: &text})
		return nil
	default:
		_, err := c.single(a)
		return err
	}
}

// single reads an answer of one packet: OK, EOF or ERR. head is another one, of a result set.
func (c *Conn) single(a *Answer) (head []byte, err error) {
	p, err := c.packet()
	if err != nil {
		return nil, err
	}
	if len(p) == 0 {
		return nil, errors.New("empty packet")
	}
	r := Result{first: c.next - 1}
	switch {
	case p[0] == 0x00:
		var ok OK
		ok, err = c.parseOK(p)
		r.OK = &ok
	case p[0] == 0xff:
		r.Err, err = parseErr(p)
	case p[0] == 0xfe && len(p) < 9:
		var e EOF
		e, err = c.parseEnd(p)
		r.EOF = &e
	default:
		return p, nil
	}
	a.Results = append(a.Results, r)
	return nil, err
}

// result reads one result of a query and says whether its flags announce another.
func (c *Conn) result(a *Answer, binary bool) (more bool, err error) {
	head, err := c.single(a)
	if err != nil {
		return false, err
	}
	if head == nil {
		r := &a.Results[len(a.Results)-1]
		if r.EOF != nil {
			return false, errors.New("EOF packet where a result begins")
		}
		return r.OK != nil && r.OK.Status&StatusMoreResults != 0, nil
	}
	cur := cursor{rest: head}
	columns := cur.integer()
	if err := cur.end(); err != nil || columns == 0 {
		return false, fmt.Errorf("column count % x: %w", head[:min(len(head), 32)], cur.err)
	}
	a.Results = append(a.Results, Result{first: c.next - 1, binary: binary})
	r := &a.Results[len(a.Results)-1]
	if r.Columns, err = c.definitions(columns); err != nil {
		return false, err
	}
	if r.Middle, err = c.middle(); err != nil {
		return false, err
	}
	if r.Middle != nil && r.Middle.Status&StatusCursorExists != 0 {
		return r.Middle.Status&StatusMoreResults != 0, nil
	}
	if err := c.rows(r); err != nil {
		return false, err
	}
	return r.End != nil && r.End.Status&StatusMoreResults != 0, nil
}

func (c *Conn) definitions(n uint64) ([]Column, error) {
	var cols []Column
	for range n {
		p, err := c.packet()
		if err != nil {
			return cols, err
		}
		col, err := parseColumn(p, false)
		if err != nil {
			return cols, err
		}
		cols = append(cols, col)
	}
	return cols, nil
}

// middle reads the EOF packet behind column definitions, where there is one.
func (c *Conn) middle() (*EOF, error) {
	if c.caps&CapDeprecateEOF != 0 {
		return nil, nil
	}
	p, err := c.packet()
	if err != nil {
		return nil, err
	}
	if !c.isEnd(p) {
		return nil, fmt.Errorf("% x where the column definitions end", p[:min(len(p), 32)])
	}
	e, err := c.parseEnd(p)
	return &e, err
}

func (c *Conn) rows(r *Result) error {
	for {
		p, err := c.packet()
		if err != nil {
			return err
		}
		switch {
		case len(p) == 0:
			return errors.New("empty packet among rows")
		case p[0] == 0xff:
			r.RowErr, err = parseErr(p)
			return err
		case c.isEnd(p):
			e, err := c.parseEnd(p)
			r.End = &e
			return err
		}
		parse := parseTextRow
		if r.binary {
			parse = parseBinaryRow
		}
		row, err := parse(p, r.Columns)
		if err != nil {
			return err
		}
		r.Rows = append(r.Rows, row)
	}
}

func (c *Conn) prepare(a *Answer) error {
	p, err := c.packet()
	if err != nil {
		return err
	}
	r := Result{first: c.next - 1}
	switch {
	case len(p) > 0 && p[0] == 0xff:
		r.Err, err = parseErr(p)
		a.Results = append(a.Results, r)
		return err
	case len(p) != 12 || p[0] != 0 || p[9] != 0:
		return fmt.Errorf("answer to COM_STMT_PREPARE is % x", p[:min(len(p), 32)])
	}
	cur := cursor{rest: p[1:]}
	r.Prepared = &Prepared{ID: cur.uint32(), Columns: cur.uint16(), Params: cur.uint16()}
	cur.uint8()
	r.Prepared.Warnings = cur.uint16()
	for _, part := range []struct {
		n    uint16
		cols *[]Column
	}{{r.Prepared.Params, &r.Params}, {r.Prepared.Columns, &r.Columns}} {
		if part.n == 0 {
			continue
		}
		if *part.cols, err = c.definitions(uint64(part.n)); err != nil {
			return err
		}
		if r.Middle, err = c.middle(); err != nil {
			return err
		}
	}
	a.Results = append(a.Results, r)
	return nil
}

func (c *Conn) fieldList(a *Answer) error {
	r := Result{first: c.next}
	for {
		p, err := c.packet()
		if err != nil {
			return err
		}
		switch {
		case len(p) > 0 && p[0] == 0xff:
			if len(r.Columns) > 0 {
				return errors.New("ERR packet among column definitions")
			}
			r.Err, err = parseErr(p)
			a.Results = append(a.Results, r)
			return err
		case c.isEnd(p):
			e, err := c.parseEnd(p)
			r.End = &e
			a.Results = append(a.Results, r)
			return err
		}
		col, err := parseColumn(p, true)
		if err != nil {
			return err
		}
		r.Columns = append(r.Columns, col)
	}
}

// Lines tells the answer packet by packet, in an order in which two servers can be compared. The texts of errors are
// left out: Detail has them.
func (a *Answer) Lines() []string {
	var lines []string
	for i := range a.Results {
		lines = append(lines, a.Results[i].lines()...)
	}
	if a.Closed {
		lines = append(lines, "CLOSED")
	}
	return lines
}

// Detail is the texts of the answer's errors.
func (a *Answer) Detail() string {
	var list []string
	for i := range a.Results {
		if e := a.Results[i].Err; e != nil {
			list = append(list, e.Error())
		}
		if e := a.Results[i].RowErr; e != nil {
			list = append(list, e.Error())
		}
	}
	return strings.Join(list, "; ")
}

func (r *Result) lines() []string {
	at := fmt.Sprintf("#%d ", r.first)
	switch {
	case r.OK != nil:
		return []string{at + r.OK.String()}
	case r.Err != nil:
		return []string{at + r.Err.String()}
	case r.EOF != nil:
		return []string{at + r.EOF.String()}
	case r.Text != nil:
		word, _, _ := strings.Cut(*r.Text, " ")
		return []string{at + "TEXT " + word}
	}
	lines := []string{at + "COLUMNS " + fmt.Sprint(len(r.Columns))}
	if r.Prepared != nil {
		lines = []string{at + r.Prepared.String()}
	}
	for i := range r.Params {
		lines = append(lines, "PARAMETER "+r.Params[i].String())
	}
	for i := range r.Columns {
		lines = append(lines, r.Columns[i].String())
	}
	if r.Middle != nil {
		lines = append(lines, r.Middle.String())
	}
	for _, row := range r.Rows {
		lines = append(lines, row.String())
	}
	if r.End != nil {
		lines = append(lines, r.End.String())
	}
	if r.RowErr != nil {
		lines = append(lines, r.RowErr.String())
	}
	return lines
}

// String tells the row's bytes, or the length and digest of long ones.
func (r Row) String() string {
	var b strings.Builder
	b.WriteString("ROW")
	for _, f := range r.Fields {
		switch {
		case f == nil:
			b.WriteString(" NULL")
		case len(f) > 200:
			sum := sha256.Sum256(f)
			fmt.Fprintf(&b, " (%d bytes, %s)", len(f), hex.EncodeToString(sum[:6]))
		default:
			fmt.Fprintf(&b, " %q", f)
		}
	}
	return b.String()
}
