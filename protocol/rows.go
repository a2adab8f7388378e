package protocol

import (
	"errors"
	"fmt"
)

// Rows reads one answer row by row from a shard's connection, for merging. Text and binary
// results alike.
//
//	rows, err := ReadRows(src)      // err: transport or *ServerError
//	for rows.Next() { rows.Payload() }
//	rows.Err(); rows.Summary()
type Rows struct {
	src       *Conn
	columns   []Column
	payload   []byte
	done      bool
	transport error  // the connection is broken
	out       Status // flags of the first EOF that hold for the second
	sum       Summary
}

// ReadRows reads up to the end of the column definitions, or the OK packet of
// an answer without rows (then Columns is empty and Next false). A server's ERR packet
// comes back as *ServerError, a refused LOCAL INFILE request as *ServerError 1235; src
// remains usable after both.
func ReadRows(src *Conn) (*Rows, error) {
	rows, err := readRows(src)
	if err != nil {
		return nil, err
	}
	if rows.sum.Err != nil {
		return nil, rows.sum.Err
	}
	return rows, nil
}

// readRows is ReadRows with an ERR packet left in the summary.
func readRows(src *Conn) (*Rows, error) {
	src.seq.begin()
	r := &Rows{src: src}
	p, err := src.readAnswer()
	if err != nil {
		return nil, err
	}
	if len(p) == 0 {
		return nil, malformed("answer that starts with an empty packet")
	}
	switch p[0] {
	case headerOK:
		if r.sum.OK, err = ParseOK(p); err != nil {
			return nil, err
		}
		r.finish()
		return r, nil
	case headerErr:
		if r.sum.Err, err = ParseError(p); err != nil {
			return nil, err
		}
		r.finish()
		return r, nil
	case headerLocalInfile:
		return nil, refuseLocalInfile(src)
	}
	return r, r.readColumns(p)
}

func (r *Rows) readColumns(count []byte) error {
	n, err := columnCount(count)
	if err != nil {
		return err
	}
	r.columns = make([]Column, 0, min(n, 256))
	for range n {
		p, err := r.src.readAnswer()
		if err != nil {
			return err
		}
		if len(p) > 0 && p[0] == headerErr {
			return r.fail(p)
		}
		col, err := ParseColumn(p)
		if err != nil {
			return err
		}
		r.columns = append(r.columns, col)
	}
	r.sum.Columns = n
	p, err := r.src.readAnswer()
	if err != nil {
		return err
	}
	if len(p) > 0 && p[0] == headerErr {
		return r.fail(p)
	}
	if r.sum.OK.Warnings, r.sum.OK.Status, err = parseEOF(p); err != nil {
		return err
	}
	r.out = outParams(r.sum.OK.Status)
	if r.sum.OK.Status.Has(StatusCursorExists) {
		r.finish()
	}
	return nil
}

// fail ends the answer with the server's ERR packet.
func (r *Rows) fail(p []byte) error {
	e, err := ParseError(p)
	if err != nil {
		return err
	}
	r.sum.Err = e
	r.sum.OK.Status &^= StatusMoreResultsExists // nothing follows an ERR packet
	r.finish()
	return nil
}

func (r *Rows) finish() {
	r.done, r.payload = true, nil
	r.sum.MoreResults = r.sum.OK.Status.Has(StatusMoreResultsExists)
	r.src.seq.inside = r.sum.MoreResults
}

// Done says whether the answer has been read to its end.
func (r *Rows) Done() bool { return r.done }

// Columns returns the column definitions; they stay valid.
func (r *Rows) Columns() []Column { return r.columns }

// Next moves to the next row of this result. It is false at the end and on an error.
func (r *Rows) Next() bool {
	if r.done {
		return false
	}
	p, err := r.src.readAnswer()
	if err == nil {
		switch {
		case len(p) == 0:
			err = malformed("empty packet among rows")
		case p[0] == headerErr:
			err = r.fail(p)
		case isEOF(p):
			if r.sum.OK.Warnings, r.sum.OK.Status, err = parseEOF(p); err == nil {
				r.sum.OK.Status |= r.out
				r.finish()
			}
		default:
			r.payload = p
			r.sum.Rows++
			return true
		}
	}
	if err != nil {
		r.transport = fmt.Errorf("read row: %w", err)
	}
	r.done, r.payload = true, nil
	return false
}

// Payload is the row packet; valid until the next Next.
func (r *Rows) Payload() []byte { return r.payload }

// Err is what ended the rows early: *ServerError, or a transport error (then the connection is
// broken); nil after a complete result.
func (r *Rows) Err() error {
	if r.transport != nil {
		return r.transport
	}
	if r.sum.Err != nil {
		return r.sum.Err
	}
	return nil
}

// Summary is valid after Next was false. With MoreResults set, the next result waits for
// another ReadRows.
func (r *Rows) Summary() Summary { return r.sum }

// Drain reads the rest of the answer, its further results included, and forgets it. The error is
// as from Err.
func (r *Rows) Drain() error {
	for r.Next() {
	}
	if err := r.Err(); err != nil || !r.sum.MoreResults {
		return err
	}
	r.sum.MoreResults = false
	sum, err := DrainResponse(r.src)
	r.sum.OK = sum.OK
	var refused *ServerError
	switch {
	case errors.As(err, &refused):
		r.sum.Err = refused
	case err != nil:
		r.transport = err
	default:
		r.sum.Err = sum.Err
	}
	return r.Err()
}
