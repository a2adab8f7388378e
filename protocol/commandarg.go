package protocol

// Parsers of what follows the command byte. Strings are copies; other bytes alias the payload.
// All errors are *ServerError 1835.

func malformedCommand(cmd Command) *ServerError {
	return NewError(ErrMalformedPacket, "Malformed communication packet: %s", cmd)
}

// ParseInitDB reads COM_INIT_DB's schema name.
func ParseInitDB(payload []byte) (string, error) {
	c := cursor{rest: payload}
	name := c.nulOrEnd() // some clients end it with a zero byte
	if len(name) == 0 || len(c.rest) > 0 {
		return "", malformedCommand(ComInitDB)
	}
	return string(name), nil
}

// FieldList is COM_FIELD_LIST: the columns of Table that match Wildcard (a LIKE pattern; empty: all).
type FieldList struct{ Table, Wildcard string }

// ParseFieldList reads COM_FIELD_LIST.
func ParseFieldList(payload []byte) (FieldList, error) {
	c := cursor{rest: payload}
	f := FieldList{Table: string(c.nulBytes()), Wildcard: string(c.nulOrEnd())}
	if c.bad || f.Table == "" {
		return FieldList{}, malformedCommand(ComFieldList)
	}
	return f, nil
}

// ParseStatementID reads the argument of COM_STMT_CLOSE and COM_STMT_RESET.
func ParseStatementID(cmd Command, payload []byte) (uint32, error) {
	c := cursor{rest: payload}
	if id := c.uint32(); !c.bad && len(c.rest) == 0 {
		return id, nil
	}
	return 0, malformedCommand(cmd)
}

// ParseFetch reads COM_STMT_FETCH: a statement and how many rows of its cursor to send.
func ParseFetch(payload []byte) (id, rows uint32, err error) {
	c := cursor{rest: payload}
	if id, rows = c.uint32(), c.uint32(); c.bad || len(c.rest) > 0 {
		return 0, 0, malformedCommand(ComStmtFetch)
	}
	return id, rows, nil
}

// ParseSendLongData reads COM_STMT_SEND_LONG_DATA: a piece of a parameter's value, which
// aliases payload. The command has no answer, so an error is kept for the next EXECUTE.
func ParseSendLongData(payload []byte) (id uint32, param uint16, data []byte, err error) {
	c := cursor{rest: payload}
	if id, param = c.uint32(), c.uint16(); c.bad {
		return 0, 0, nil, malformedCommand(ComStmtSendLongData)
	}
	return id, param, c.rest, nil
}

// ParseSetOption reads COM_SET_OPTION: whether multi-statements are switched on.
func ParseSetOption(payload []byte) (multiStatements bool, err error) {
	c := cursor{rest: payload}
	if option := c.uint16(); !c.bad && option <= 1 {
		return option == 0, nil
	}
	return false, malformedCommand(ComSetOption)
}

// ParseProcessKill reads COM_PROCESS_KILL's connection id.
func ParseProcessKill(payload []byte) (uint32, error) {
	return ParseStatementID(ComProcessKill, payload)
}
