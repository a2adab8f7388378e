package protocol

import (
	"errors"
	"fmt"
)

// Error codes that the proxy itself answers with or tells apart. The rest pass
// through as numbers.
const (
	ErrConCount                = 1040
	ErrHandshake               = 1043
	ErrDBAccessDenied          = 1044
	ErrAccessDenied            = 1045
	ErrNoDB                    = 1046
	ErrUnknownCommand          = 1047
	ErrBadDB                   = 1049
	ErrServerShutdown          = 1053
	ErrBadField                = 1054
	ErrDupEntry                = 1062
	ErrParse                   = 1064
	ErrUnknown                 = 1105
	ErrHostBlocked             = 1129
	ErrNoSuchTable             = 1146
	ErrNetPacketTooLarge       = 1153
	ErrNetPacketsOutOfOrder    = 1156
	ErrNetRead                 = 1158
	ErrNetReadInterrupted      = 1159
	ErrNetWrite                = 1160
	ErrNetWriteInterrupted     = 1161
	ErrTooManyUserConnections  = 1203
	ErrLockWaitTimeout         = 1205
	ErrWrongArguments          = 1210
	ErrLockDeadlock            = 1213
	ErrUserLimitReached        = 1226
	ErrNotSupportedYet         = 1235
	ErrUnknownStmtHandler      = 1243
	ErrNotSupportedAuthMode    = 1251
	ErrOptionPreventsStatement = 1290
	ErrUnsupportedPS           = 1295
	ErrSPDoesNotExist          = 1305
	ErrQueryInterrupted        = 1317
	ErrXAERNota                = 1397
	ErrXAERInval               = 1398
	ErrXAERRMFail              = 1399
	ErrXAEROutside             = 1400
	ErrXAERRMErr               = 1401
	ErrXARBRollback            = 1402
	ErrXAERDupID               = 1440
	ErrMaxPreparedStmtCount    = 1461
	ErrXARBTimeout             = 1613
	ErrXARBDeadlock            = 1614
	ErrReadOnlyTransaction     = 1792
	ErrMalformedPacket         = 1835
	ErrReadOnlyMode            = 1836
	ErrAccessDeniedChangeUser  = 1873
	ErrSecureTransportRequired = 3159
	ErrServerLost              = 2013 // a client library's code; servers do not send it
)

// ServerError is an ERR packet: what a server said, or what we say to a client.
type ServerError struct {
	Code     uint16
	SQLState string // five characters
	Message  string
}

// Error gives the message in the form of the mariadb client.
func (e *ServerError) Error() string {
	return fmt.Sprintf("ERROR %d (%s): %s", e.Code, e.SQLState, e.Message)
}

// NewError makes a ServerError with the SQLSTATE that MySQL gives that code.
func NewError(code uint16, format string, args ...any) *ServerError {
	message := format
	if len(args) > 0 {
		message = fmt.Sprintf(format, args...)
	}
	return &ServerError{Code: code, SQLState: SQLState(code), Message: message}
}

// errMalformed is what every parser's error wraps: a packet does not have the
// form that the protocol gives it. The peer is broken or hostile.
var errMalformed = errors.New("malformed packet")

// IsMalformed says whether err comes from a packet that could not be parsed.
func IsMalformed(err error) bool { return errors.Is(err, errMalformed) }

func malformed(format string, args ...any) error {
	return fmt.Errorf("%w: "+format, append([]any{errMalformed}, args...)...)
}

// PacketTooLargeError refuses a packet before memory is spent on it. The
// connection cannot be read any further.
type PacketTooLargeError struct {
	Size  int // bytes announced so far
	Limit int
}

func (e *PacketTooLargeError) Error() string {
	return fmt.Sprintf("packet of at least %d bytes is over the limit of %d bytes", e.Size, e.Limit)
}

// ServerError is what the sender of the packet should be told (1153).
func (e *PacketTooLargeError) ServerError() *ServerError {
	return NewError(ErrNetPacketTooLarge, "Got a packet bigger than 'max_allowed_packet' bytes (%d)", e.Limit)
}

// SequenceError is a packet whose number is not the next one: a frame was lost, or the
// peer speaks out of turn. The connection cannot be read any further.
type SequenceError struct {
	Got, Want byte
}

func (e *SequenceError) Error() string {
	return fmt.Sprintf("packets out of order: got number %d, want %d", e.Got, e.Want)
}

// ServerError is what the sender of the packet should be told (1156).
func (e *SequenceError) ServerError() *ServerError {
	return NewError(ErrNetPacketsOutOfOrder, "Got packets out of order")
}
