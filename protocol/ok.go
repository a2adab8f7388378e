package protocol

import "encoding/binary"

// First payload bytes that say what a packet is.
const (
	headerOK          = 0x00
	headerMoreData    = 0x01 // extra authentication data
	headerLocalInfile = 0xfb
	headerEOF         = 0xfe
	headerErr         = 0xff
)

// maxEOFPayload is the first length at which a packet that starts with 0xfe is a row
// and no end of rows.
const maxEOFPayload = 9

// OK is an OK packet. Info is owned by the caller.
type OK struct {
	AffectedRows uint64
	LastInsertID uint64
	Status       Status
	Warnings     uint16
	Info         string
}

// AppendOK builds an OK payload (no header) on dst.
func AppendOK(dst []byte, ok OK) []byte {
	dst = append(dst, headerOK)
	dst = appendLenencInt(dst, ok.AffectedRows)
	dst = appendLenencInt(dst, ok.LastInsertID)
	dst = binary.LittleEndian.AppendUint16(dst, uint16(ok.Status))
	dst = binary.LittleEndian.AppendUint16(dst, ok.Warnings)
	if ok.Info != "" {
		// Without CLIENT_SESSION_TRACK the manual calls the text "string to the end";
		// servers write it with its length all the same, and clients expect that.
		dst = appendLenencString(dst, ok.Info)
	}
	return dst
}

// ParseOK reads an OK payload; the result owns its memory.
func ParseOK(payload []byte) (OK, error) {
	if len(payload) == 0 || payload[0] != headerOK {
		return OK{}, malformed("not an OK packet")
	}
	c := cursor{rest: payload[1:]}
	ok := OK{AffectedRows: c.lenenc(), LastInsertID: c.lenenc(), Status: Status(c.uint16()), Warnings: c.uint16()}
	if c.bad {
		return OK{}, malformed("OK packet of %d bytes is cut short", len(payload))
	}
	ok.Info = okInfo(c.rest)
	return ok, nil
}

// okInfo takes the text with or without its length in front.
func okInfo(rest []byte) string {
	if len(rest) == 0 {
		return ""
	}
	if n, size := lenencInt(rest); size > 0 && n <= uint64(len(rest)-size) {
		return string(rest[size : size+int(n)])
	}
	return string(rest)
}

// okStatusOffset is where an OK payload has its status flags, or -1.
func okStatusOffset(payload []byte) int {
	at := 1
	for range 2 {
		if at > len(payload) {
			return -1
		}
		_, size := lenencInt(payload[at:])
		if size == 0 {
			return -1
		}
		at += size
	}
	if at+2 > len(payload) {
		return -1
	}
	return at
}

// AppendEOF builds an EOF payload (no header) on dst.
func AppendEOF(dst []byte, warnings uint16, s Status) []byte {
	return append(dst, headerEOF, byte(warnings), byte(warnings>>8), byte(s), byte(s>>8))
}

// AppendEndOfRows builds what ends rows on dst: an EOF payload, or with CLIENT_DEPRECATE_EOF the OK
// packet that stands for it, which begins with an EOF's byte.
func AppendEndOfRows(dst []byte, caps Capability, warnings uint16, s Status) []byte {
	if !caps.Has(ClientDeprecateEOF) {
		return AppendEOF(dst, warnings, s)
	}
	return append(dst, headerEOF, 0, 0, byte(s), byte(s>>8), byte(warnings), byte(warnings>>8))
}

// isEOF says whether a payload ends column definitions or rows.
func isEOF(payload []byte) bool {
	return len(payload) > 0 && len(payload) < maxEOFPayload && payload[0] == headerEOF
}

func parseEOF(payload []byte) (warnings uint16, s Status, err error) {
	if len(payload) != 5 || payload[0] != headerEOF {
		return 0, 0, malformed("EOF packet of %d bytes", len(payload))
	}
	return binary.LittleEndian.Uint16(payload[1:]), Status(binary.LittleEndian.Uint16(payload[3:])), nil
}

// AppendError builds an ERR payload (no header) on dst.
func AppendError(dst []byte, e *ServerError) []byte {
	dst = append(dst, headerErr, byte(e.Code), byte(e.Code>>8), '#')
	if len(e.SQLState) == 5 {
		dst = append(dst, e.SQLState...)
	} else {
		dst = append(dst, SQLState(e.Code)...)
	}
	return append(dst, e.Message...)
}

// ParseError reads an ERR payload; the result owns its memory. A server that refuses
// before the handshake may leave the SQLSTATE out: then the code's own is filled in.
func ParseError(payload []byte) (*ServerError, error) {
	if len(payload) < 3 || payload[0] != headerErr {
		return nil, malformed("not an ERR packet")
	}
	e := &ServerError{Code: binary.LittleEndian.Uint16(payload[1:])}
	rest := payload[3:]
	if len(rest) >= 6 && rest[0] == '#' {
		e.SQLState = string(rest[1:6])
		rest = rest[6:]
	} else {
		e.SQLState = SQLState(e.Code)
	}
	e.Message = string(rest)
	return e, nil
}
