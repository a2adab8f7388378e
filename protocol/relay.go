package protocol

import (
	"errors"
	"fmt"
)

// Patch says what a relayed answer must say instead of the shard's own words.
//
// The flags that say what follows on the wire are the shard's and never cleared. That its session's state
// has changed is never passed on: Track says that of the client's. But
// MORE_RESULTS_EXISTS can be added, for an answer behind which the session itself sends another (a
// multi-statement packet that it runs one by one).
type Patch struct {
	StatusMask  Status // bits replaced in every OK/EOF
	StatusValue Status // by these
	// Track is a session's state changes (AppendTrack), to be told at the end of the last result's
	// rows where dst has CLIENT_DEPRECATE_EOF and CLIENT_SESSION_TRACK; otherwise it stays empty.
	Track []byte
	// Error, if not nil, is shown a server's error before it is relayed, and may give another
	// one to say in its place (also in Summary.Err); nil: the shard's words stay.
	Error func(*ServerError) *ServerError
}

func (p Patch) apply(s Status) Status {
	mask := p.StatusMask &^ framingStatus
	more := p.StatusMask & p.StatusValue & StatusMoreResultsExists
	return s&^(mask|StatusSessionChanged) | p.StatusValue&mask | more
}

// RelayError says which leg failed.
type RelayError struct {
	Source bool // the shard's leg broke; otherwise the client's
	// MidPacket: the client has a part of a packet or of a result's column definitions, so nothing
	// more can be said to it. Otherwise an ERR packet written to dst ends the answer properly.
	MidPacket bool
	Err       error
}

func (e *RelayError) Error() string {
	if e.Source {
		return fmt.Sprintf("relay from shard: %v", e.Err)
	}
	return fmt.Sprintf("relay to client: %v", e.Err)
}

func (e *RelayError) Unwrap() error { return e.Err }

// Relay copies one whole answer to COM_QUERY or COM_STMT_EXECUTE (all its
// results while MORE_RESULTS_EXISTS is set) from src, a shard, to dst, a client:
// headers scanned in place, whole spans written, no row decoded, at most one write per
// read window. The first error is returned as *RelayError, which says which side
// broke; a server's ERR packet is no error: it is relayed and stands in Summary.Err.
//
// An answer that is a single OK (no result set) is NOT written but returned in the summary for
// the session to answer in its own words (Summary.Started false). LOCAL INFILE requests are
// refused towards the shard with an empty packet; if nothing was written yet they come back as
// *ServerError 1235, and behind an earlier result the client gets that error in the answer (Summary.Err).
//
// dst is not flushed at the end. src has EOF framing. Where dst has CLIENT_DEPRECATE_EOF the EOF packet
// behind the column definitions is left out, and an OK packet ends the rows. A row may be larger than any limit: it is never held as a whole.
func Relay(dst, src *Conn, p Patch) (Summary, error) {
	r := relay{dst: dst, src: src, patch: p}
	r.sum.Rows = -1
	src.seq.begin()
	// The numbers agree unless the shard's answer stands behind another one in its packet
	// (multi-statements) or the command had another number of frames there.
	r.shift = dst.seq.next - src.seq.next
	defer func() {
		if r.narrow != nil {
			src.read.restore(r.narrow)
		}
	}()
	for {
		more, err := r.result()
		if err != nil {
			return r.sum, err
		}
		if !more {
			return r.sum, nil
		}
	}
}

type relay struct {
	dst, src *Conn
	patch    Patch
	shift    byte   // added to packet numbers
	partial  bool   // dst has been handed a part of a frame, of a payload of several, or of column definitions
	out      Status // flags of the running result's first EOF that hold for its second
	narrow   []byte // src's own window, while a wide one has its place
	sum      Summary
}

func (r *relay) source(err error) error {
	return &RelayError{Source: true, MidPacket: r.partial, Err: err}
}

// write hands raw frames from src's window to dst.
func (r *relay) write(span []byte) error {
	if len(span) == 0 {
		return nil
	}
	r.sum.Started = true
	if err := r.dst.writeSpan(span); err != nil {
		return &RelayError{MidPacket: true, Err: err}
	}
	return nil
}

// result relays one result and says whether another follows.
func (r *relay) result() (more bool, err error) {
	head, err := r.small()
	if err != nil {
		return false, err
	}
	switch {
	case len(head) == 0:
		return false, r.source(malformed("answer that starts with an empty packet"))
	case head[0] == headerOK:
		return r.ok()
	case head[0] == headerErr:
		r.sum.Columns = 0
		return false, r.error()
	case head[0] == headerLocalInfile:
		return false, r.localInfile()
	}
	n, err := columnCount(head)
	if err != nil {
		return false, r.source(err)
	}
	r.sum.Columns, r.sum.Rows, r.sum.OK = n, 0, OK{}
	if err := r.scan(n); err != nil {
		return false, err
	}
	r.sum.MoreResults = r.sum.Err == nil && r.sum.OK.Status.Has(StatusMoreResultsExists)
	r.src.seq.inside = r.sum.MoreResults
	return r.sum.MoreResults, nil
}

// small makes the first packet of a result arrive, up to a size that says all; it stays in the
// window. Longer ones are cut.
func (r *relay) small() ([]byte, error) {
	const enough = 16
	if err := r.src.fill(headerSize); err != nil {
		return nil, r.source(err)
	}
	n := min(frameLength(r.src.read.buf[r.src.read.start:]), enough)
	if err := r.src.fill(headerSize + n); err != nil {
		return nil, r.source(err)
	}
	from := r.src.read.start + headerSize
	return r.src.read.buf[from : from+n], nil
}

// ok takes an OK packet: alone it is the session's to answer, among results it is relayed.
func (r *relay) ok() (more bool, err error) {
	number := r.src.read.buf[r.src.read.start+3]
	p, err := r.src.readAnswer()
	if err != nil {
		return false, r.source(err)
	}
	if r.sum.OK, err = ParseOK(p); err != nil {
		return false, r.source(err)
	}
	r.sum.Columns = 0
	r.sum.MoreResults = r.sum.OK.Status.Has(StatusMoreResultsExists)
	r.src.seq.inside = r.sum.MoreResults
	if !r.sum.Started && !r.sum.MoreResults {
		return false, nil
	}
	at := okStatusOffset(p)
	s := r.patch.apply(r.sum.OK.Status)
	p[at], p[at+1] = byte(s), byte(s>>8)
	return r.sum.MoreResults, r.packet(number, p)
}

// error relays an ERR packet, which ends the answer.
func (r *relay) error() error {
	if err := r.src.fill(headerSize); err != nil {
		return r.source(err)
	}
	number := r.src.read.buf[r.src.read.start+3]
	p, err := r.src.readAnswer()
	if err != nil {
		return r.source(err)
	}
	if r.sum.Err, err = ParseError(p); err != nil {
		return r.source(err)
	}
	r.sum.MoreResults, r.src.seq.inside = false, false
	if r.patch.Error != nil {
		if other := r.patch.Error(r.sum.Err); other != nil {
			r.sum.Err = other
			return r.packet(number, AppendError(nil, other))
		}
	}
	return r.packet(number, p)
}

func (r *relay) packet(number byte, p []byte) error {
	r.sum.Started = true
	r.dst.seq.next = number + r.shift
	r.dst.seq.fresh = false
	if err := r.dst.WritePacket(p); err != nil {
		return &RelayError{MidPacket: true, Err: err}
	}
	return nil
}

func (r *relay) localInfile() error {
	number := r.src.read.buf[r.src.read.start+3]
	if _, err := r.src.readAnswer(); err != nil {
		return r.source(err)
	}
	err := refuseLocalInfile(r.src)
	var refused *ServerError
	if !errors.As(err, &refused) {
		return r.source(err)
	}
	r.sum.MoreResults, r.src.seq.inside = false, false
	if !r.sum.Started {
		return refused
	}
	r.sum.Err = refused
	return r.packet(number, AppendError(nil, refused))
}
