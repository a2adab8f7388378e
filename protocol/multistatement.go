package protocol

import "fmt"

// Options of COM_SET_OPTION (MYSQL_OPTION_MULTI_STATEMENTS_*).
const (
	multiStatementsOn  = 0
	multiStatementsOff = 1
)

// WriteMultiStatements buffers COM_SET_OPTION: whether a COM_QUERY that comes behind it on
// dst may have several statements, separated by semicolons. Its answer is for ReadEOF. Nothing is flushed.
func WriteMultiStatements(dst *Conn, on bool) error {
	option := [2]byte{multiStatementsOff}
	if on {
		option[0] = multiStatementsOn
	}
	return dst.WriteCommand(ComSetOption, option[:])
}

// ReadEOF reads an answer that is one EOF packet, from a server without CLIENT_DEPRECATE_EOF. A server's
// ERR packet comes back as *ServerError; src remains usable after it.
func ReadEOF(src *Conn) error {
	src.seq.begin()
	p, err := src.readAnswer()
	if err != nil {
		return err
	}
	if len(p) > 0 && p[0] == headerErr {
		return serverError(p)
	}
	if _, _, err := parseEOF(p); err != nil {
		return fmt.Errorf("read EOF packet: %w", err)
	}
	return nil
}
