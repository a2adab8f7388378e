package protocol

import "encoding/binary"

// PrepareOK is the first packet of an answer to COM_STMT_PREPARE.
type PrepareOK struct {
	StatementID uint32
	Columns     uint16
	Params      uint16
	Warnings    uint16
}

const prepareOKSize = 12

// AppendPrepareOK builds the payload on dst.
func AppendPrepareOK(dst []byte, p PrepareOK) []byte {
	dst = append(dst, headerOK)
	dst = binary.LittleEndian.AppendUint32(dst, p.StatementID)
	dst = binary.LittleEndian.AppendUint16(dst, p.Columns)
	dst = binary.LittleEndian.AppendUint16(dst, p.Params)
	dst = append(dst, 0)
	return binary.LittleEndian.AppendUint16(dst, p.Warnings)
}

// ParsePrepareOK reads the first packet of an answer to COM_STMT_PREPARE; an ERR packet comes
// back as *ServerError.
func ParsePrepareOK(payload []byte) (PrepareOK, error) {
	if len(payload) > 0 && payload[0] == headerErr {
		return PrepareOK{}, serverError(payload)
	}
	if len(payload) < prepareOKSize || payload[0] != headerOK {
		return PrepareOK{}, malformed("answer of %d bytes to COM_STMT_PREPARE", len(payload))
	}
	return PrepareOK{
		StatementID: binary.LittleEndian.Uint32(payload[1:]),
		Columns:     binary.LittleEndian.Uint16(payload[5:]),
		Params:      binary.LittleEndian.Uint16(payload[7:]),
		Warnings:    binary.LittleEndian.Uint16(payload[10:]),
	}, nil
}
