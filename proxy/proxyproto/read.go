package proxyproto

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"net/netip"
)

// MaxHeader is the longest header that is taken, in bytes. Version 1 has at most 107; version 2 some 50, and further
// fields (TLS, the names of networks) that are read and dropped.
const MaxHeader = 4096

// Header is what a proxy says of the connection.
type Header struct {
	// Source is the client's address; the zero value where the proxy does not tell it: it connects on its own account
	// (health checks), or the client has none that it could tell.
	Source netip.AddrPort
}

// Error is a header that is not in form.
type Error struct{ Why string }

func (e *Error) Error() string { return "PROXY protocol header: " + e.Why }

const (
	signature1 = "PROXY"
	signature2 = "\r\n\r\n\x00\r\nQUIT\n"

	peekSize   = len(signature1)             // tells the versions apart, and from a packet of MySQL's
	shortest1  = len("PROXY UNKNOWN\r\n")    // of version 1
	longest1   = 107                         // its end of line included
	fixed2     = len(signature2) + 1 + 1 + 2 // of version 2: command, family, length
	tcp4, tcp6 = 0x11, 0x21
)

// Read reads a header. Where there is none, found is false and rest holds the bytes that were read to see it, at most five;
// no packet with which a MySQL client begins looks like a header. Errors: *Error, or r's, wrapped.
func Read(r io.Reader) (h Header, found bool, rest []byte, err error) {
	b := make([]byte, peekSize, longest1)
	if n, err := io.ReadFull(r, b); err != nil {
		return h, false, b[:n], fmt.Errorf("read PROXY protocol header: %w", err)
	}
	switch {
	case string(b) == signature1:
		h, err = read1(r, b)
	case string(b) == signature2[:peekSize]:
		h, err = read2(r, b)
	default:
		return h, false, b, nil
	}
	return h, true, nil, err
}

// read1 reads the line of version 1. Its end is not known beforehand, so it comes byte by byte once it could be there.
func read1(r io.Reader, b []byte) (Header, error) {
	b, err := more(r, b, shortest1-len(b))
	for err == nil && !bytes.HasSuffix(b, []byte("\r\n")) {
		if len(b) == longest1 || b[len(b)-1] == '\n' {
			return Header{}, &Error{"the line of version 1 has no end"}
		}
		b, err = more(r, b, 1)
	}
	if err != nil {
		return Header{}, err
	}
	return parse1(string(b[:len(b)-2]))
}

// read2 reads version 2, whose fixed part says how long the rest is.
func read2(r io.Reader, b []byte) (Header, error) {
	b, err := more(r, b, fixed2-len(b))
	if err != nil {
		return Header{}, err
	}
	if string(b[:len(signature2)]) != signature2 {
		return Header{}, &Error{"the signature of version 2 is not complete"}
	}
	size := int(binary.BigEndian.Uint16(b[fixed2-2:]))
	if fixed2+size > MaxHeader {
		return Header{}, &Error{fmt.Sprintf("%d bytes announced; %d are the most", fixed2+size, MaxHeader)}
	}
	body, err := more(r, nil, size)
	if err != nil {
		return Header{}, err
	}
	return parse2(b[len(signature2)], b[len(signature2)+1], body)
}

// more reads exactly n further bytes.
func more(r io.Reader, b []byte, n int) ([]byte, error) {
	at := len(b)
	b = append(b, make([]byte, n)...)
	if _, err := io.ReadFull(r, b[at:]); err != nil {
		return b, fmt.Errorf("read PROXY protocol header: %w", err)
	}
	return b, nil
}
