package protocol

import "fmt"

// Summary tells what a relayed or read answer was.
type Summary struct {
	OK          OK           // of the last OK, or the Status/Warnings of the last EOF
	Err         *ServerError // the answer was, or ended in, an ERR packet
	Columns     int          // of the last result set; 0: no result set
	Rows        int64        // of the last result set; -1: there was none
	Started     bool         // something has been written towards the client
	MoreResults bool
	Tracked     bool // Patch.Track has been written towards the client
}

// maxColumns is more than any server can send (MySQL's limit is 4096).
const maxColumns = 1 << 16

// columnCount reads the first packet of a result set.
func columnCount(payload []byte) (int, error) {
	n, size := lenencInt(payload)
	if size == 0 || size != len(payload) || n == 0 || n > maxColumns {
		return 0, malformed("column count packet of %d bytes", len(payload))
	}
	return int(n), nil
}

// ReadOK reads an answer that must be a single OK or ERR packet; the latter comes back
// as *ServerError. Any other answer is an error after which src cannot be used.
func ReadOK(src *Conn) (OK, error) {
	src.seq.begin()
	p, err := src.readAnswer()
	if err != nil {
		return OK{}, err
	}
	if len(p) > 0 && p[0] == headerErr {
		return OK{}, serverError(p)
	}
	ok, err := ParseOK(p)
	if err != nil {
		return OK{}, fmt.Errorf("read OK packet: %w", err)
	}
	src.seq.inside = ok.Status.Has(StatusMoreResultsExists)
	return ok, nil
}

// serverError reads an ERR payload as the error to return: the *ServerError itself, or why
// it cannot be read.
func serverError(p []byte) error {
	e, err := ParseError(p)
	if err != nil {
		return err
	}
	return e
}

// DrainResponse reads and forgets a whole answer, all its results. A server's ERR packet is no
// error: it stands in Summary.Err. Rows counts the rows of all results. A LOCAL INFILE request
// is refused and comes back as *ServerError 1235, with src still usable.
func DrainResponse(src *Conn) (Summary, error) {
	var sum Summary
	for {
		rows, err := readRows(src)
		if rows != nil {
			for rows.Next() {
			}
			if rows.transport != nil {
				return sum, rows.transport
			}
			n := sum.Rows
			sum = rows.Summary()
			sum.Rows += n
		}
		if err != nil {
			return sum, err
		}
		if !sum.MoreResults || sum.Err != nil {
			return sum, nil //nolint:nilerr // a server's ERR stands in the summary
		}
	}
}

// refuseLocalInfile tells a server that its request for a local file gets none, and reads what it
// says to that. It returns *ServerError 1235, or the transport's error.
func refuseLocalInfile(src *Conn) error {
	if err := src.WritePacket(nil); err != nil {
		return err
	}
	if err := src.Flush(); err != nil {
		return err
	}
	p, err := src.readAnswer()
	if err != nil {
		return err
	}
	if len(p) == 0 || (p[0] != headerErr && p[0] != headerOK) {
		return malformed("answer to an empty LOCAL INFILE")
	}
	return NewError(ErrNotSupportedYet, "This version of MySQL doesn't yet support 'LOAD DATA LOCAL INFILE'")
}
