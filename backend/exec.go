package backend

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"lockstep/protocol"
)

// Exec runs a statement and returns its OK; rows, if there are any, are read and
// forgotten. *protocol.ServerError, or a transport error (then the connection is broken).
func (c *Conn) Exec(ctx context.Context, sql string) (protocol.OK, error) {
	if err := c.usable(ctx, "statement"); err != nil {
		return protocol.OK{}, err
	}
	defer c.Interrupt(ctx)()
	if err := c.send(protocol.ComQuery, sql); err != nil {
		return protocol.OK{}, c.fail("sending a statement", err)
	}
	sum, err := protocol.DrainResponse(c.wire)
	if err != nil {
		return protocol.OK{}, c.fail("reading an answer", err)
	}
	if sum.Err != nil {
		c.noteError(sum.Err)
		return protocol.OK{}, c.fail("statement", sum.Err)
	}
	c.NoteStatus(sum.OK.Status)
	return sum.OK, nil
}

func (c *Conn) send(cmd protocol.Command, arg string) error {
	if err := c.writeCommand(cmd, arg); err != nil {
		return err
	}
	return c.wire.Flush()
}

// noteError keeps what is known of the session after a refused statement: an
// ERR packet carries no status, and a statement that failed with autocommit=0 may
// have opened a transaction all the same.
func (c *Conn) noteError(*protocol.ServerError) {
	if !c.autocommit {
		c.stale = true
	}
}

// Result is a small answer.
type Result struct {
	Columns []protocol.Column
	Rows    [][]protocol.Field // owned by the caller
}

// TooManyRowsError says that a look-up had more rows than its caller allows.
type TooManyRowsError struct{ Limit int }

func (e *TooManyRowsError) Error() string {
	return fmt.Sprintf("answer has more than %d rows", e.Limit)
}

// Query runs a statement and collects its rows (for small internal look-ups; at
// most maxRows). More rows are read and forgotten, and give *TooManyRowsError.
func (c *Conn) Query(ctx context.Context, sql string, maxRows int) (*Result, error) {
	res := &Result{}
	columns, err := c.each(ctx, sql, func(row []protocol.Field) error {
		if len(res.Rows) >= maxRows {
			return &TooManyRowsError{maxRows}
		}
		size := 0
		for _, f := range row {
			size += len(f)
		}
		mem := make([]byte, 0, size)
		own := make([]protocol.Field, len(row))
		for i, f := range row {
			if f != nil {
				at := len(mem)
				mem = append(mem, f...)
				own[i] = mem[at:len(mem):len(mem)]
			}
		}
		res.Rows = append(res.Rows, own)
		return nil
	})
	if err != nil {
		return nil, err
	}
	res.Columns = columns
	return res, nil
}

// Each runs a statement and shows its rows to f, one by one; they are valid during the call. After f's
// first error, which is returned, the rest is read and forgotten.
func (c *Conn) Each(ctx context.Context, sql string, f func([]protocol.Field) error) error {
	_, err := c.each(ctx, sql, f)
	return err
}

// each runs a statement and shows its rows to f; they are valid during the
// call. After f's first error the rest is read and forgotten.
func (c *Conn) each(ctx context.Context, sql string, f func([]protocol.Field) error) ([]protocol.Column, error) {
	if err := c.usable(ctx, "query"); err != nil {
		return nil, err
	}
	defer c.Interrupt(ctx)()
	if err := c.send(protocol.ComQuery, sql); err != nil {
		return nil, c.fail("sending a query", err)
	}
	rows, err := protocol.ReadRows(c.wire)
	if err != nil {
		var se *protocol.ServerError
		if errors.As(err, &se) {
			c.noteError(se)
		}
		return nil, c.fail("query", err)
	}
	columns := slices.Clone(rows.Columns())
	var fields []protocol.Field
	var refused error
	for rows.Next() && refused == nil {
		if fields, err = protocol.ParseTextRow(fields, rows.Payload(), len(columns)); err != nil {
			return nil, c.fail("reading a row", err)
		}
		refused = f(fields)
	}
	if err := rows.Drain(); err != nil {
		return nil, c.fail("reading rows", err)
	}
	c.NoteStatus(rows.Summary().OK.Status)
	return columns, refused
}
