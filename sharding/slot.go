package sharding

import "strconv"

// slot is a part of the text that only the proxy knows the value of: LAST_INSERT_ID(), CONNECTION_ID(), @@x …
type slot struct {
	kind slotKind
	name string // of a system variable, lower case
	text string // as written
}

type slotKind uint8

const (
	slotLastInsertID slotKind = iota + 1
	slotRowCount
	slotFoundRows
	slotConnectionID
	slotUser        // user@host
	slotDatabase    // or NULL
	slotVariable    // @@name
	slotLastInsert2 // @@last_insert_id, @@identity
)

// Functions without arguments that become slots.
var slotFunctions = map[string]slotKind{
	"last_insert_id": slotLastInsertID, "row_count": slotRowCount, "found_rows": slotFoundRows, "connection_id": slotConnectionID,
	"user": slotUser, "session_user": slotUser, "system_user": slotUser, "current_user": slotUser,
	"database": slotDatabase, "schema": slotDatabase,
}

// append writes the slot's value as an expression of the type that the function has: clients get a long integer in
// another type of their language than a short one, which a bare number would be. A variable that is not the
// proxy's stays as it was written.
func (s *slot) append(dst []byte, x *execution) []byte {
	ses := x.in.Session
	if ses == nil {
		return append(dst, s.text...)
	}
	switch s.kind {
	case slotLastInsertID, slotLastInsert2:
		return append(strconv.AppendUint(append(dst, '('), ses.LastInsertID, 10), "|0)"...) // BIGINT UNSIGNED
	case slotRowCount:
		return appendBigint(dst, ses.RowCount)
	case slotFoundRows:
		return appendBigint(dst, int64(ses.FoundRows))
	case slotConnectionID:
		return append(strconv.AppendUint(append(dst, "CAST("...), uint64(ses.ConnectionID), 10), " AS UNSIGNED)"...)
	case slotUser:
		return x.appendString(dst, ses.User+"@"+ses.Host)
	case slotDatabase:
		if ses.Database == "" {
			return append(dst, "NULL"...)
		}
		return x.appendString(dst, ses.Database)
	case slotVariable:
		if ses.SystemVariables != nil {
			if v, ok := ses.SystemVariables(s.name); ok {
				return append(dst, v...)
			}
		}
	}
	return append(dst, s.text...)
}

// appendBigint appends a BIGINT, whatever its value: MariaDB gives a CAST of a small number a smaller type.
func appendBigint(dst []byte, n int64) []byte {
	return append(strconv.AppendInt(append(dst, "CAST("...), n, 10), "|0 AS SIGNED)"...)
}

// appendString appends a quoted string in the statement's sql_mode.
func (x *execution) appendString(dst []byte, s string) []byte {
	dst = append(dst, '\'')
	for i := 0; i < len(s); i++ {
		if s[i] == '\'' || s[i] == '\\' && !x.st.env.NoBackslash {
			dst = append(dst, s[i])
		}
		dst = append(dst, s[i])
	}
	return append(dst, '\'')
}

// value is the slot's value for routing.
func (s *slot) value(x *execution) (Value, bool) {
	ses := x.in.Session
	switch s.kind {
	case slotLastInsertID, slotLastInsert2:
		return Value{Kind: ValUint, U: ses.LastInsertID}, true
	case slotRowCount:
		return Value{Kind: ValInt, I: ses.RowCount}, true
	case slotFoundRows:
		return Value{Kind: ValUint, U: ses.FoundRows}, true
	case slotConnectionID:
		return Value{Kind: ValUint, U: uint64(ses.ConnectionID)}, true
	case slotUser, slotDatabase:
		if s.kind == slotDatabase && ses.Database == "" {
			return Value{Kind: ValNull}, true
		}
		text := ses.Database
		if s.kind == slotUser {
			text = ses.User + "@" + ses.Host
		}
		at := len(x.scratch)
		x.scratch = append(x.scratch, text...)
		return Value{Kind: ValString, B: x.scratch[at:]}, true
	}
	return Value{}, false
}
