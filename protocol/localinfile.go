package protocol

import "fmt"

// LOAD DATA LOCAL INFILE: the server's answer to the statement is a request for a file. The client
// sends it in packets of any size and an empty one at its end; only then comes the real answer.
//
//	client                server
//	  │── COM_QUERY ────────▶│
//	  │◀── 0xfb, file name ──│
//	  │── bytes ────────────▶│
//	  │── bytes ────────────▶│
//	  │── empty ────────────▶│
//	  │◀── OK or ERR ────────│
//
// A server that fails in the middle reads on to the empty packet before it says so.

// AppendFileRequest builds the payload that asks a client for a file.
func AppendFileRequest(dst, name []byte) []byte {
	return append(append(dst, headerLocalInfile), name...)
}

// ReadFileRequest reads a server's answer to LOAD DATA LOCAL. nil: it waits for the file. A refusal comes back as
// *ServerError, and src is usable; after any other error it is not.
func ReadFileRequest(src *Conn) error {
	src.seq.begin()
	p, err := src.readAnswer()
	if err != nil {
		return err
	}
	switch {
	case len(p) > 0 && p[0] == headerLocalInfile:
		return nil
	case len(p) > 0 && p[0] == headerErr:
		return serverError(p)
	}
	return fmt.Errorf("read file request: %w", malformed("answer of %d bytes that is none", len(p)))
}
