package sharding

import (
	"fmt"
	"strings"
)

// MySQL's error codes that planning answers with.
const (
	codeNoDatabase     = 1046
	codeBadDatabase    = 1049
	codeSyntax         = 1064
	codeColumnCount    = 1136
	codeNoTable        = 1146
	codeWrongArguments = 1210
	codeNotSupported   = 1235
	codeBadCharset     = 1115
	codeEmptyQuery     = 1065
	codeUnknownColumn  = 1054
	codeUnknownFormat  = 1791
	codeNoRoutine      = 1305
	codeNoPartition    = 1526
)

// Error carries the code a client must see.
type Error struct {
	Code    uint16 // 1064 syntax, 1146 no table, 1046 no database, 1235 not supported (Message names what and why), …
	Message string
	Scratch bool // the scratch server would answer it
	Judge   bool // a server may find an error in the statement that is more to the point
}

func (e *Error) Error() string { return e.Message }

func errorf(code uint16, format string, args ...any) *Error {
	return &Error{Code: code, Message: fmt.Sprintf(format, args...)}
}

// refuse is the error for statements that cannot be answered rightly; reason says what and why.
func refuse(format string, args ...any) *Error {
	return &Error{Code: codeNotSupported, Message: "Lockstep cannot run this statement: " + fmt.Sprintf(format, args...)}
}

// syntaxError is MySQL's message for a syntax error at byte at of sql.
func syntaxError(sql string, at int) *Error {
	if at < 0 || at > len(sql) {
		at = len(sql)
	}
	near := sql[at:]
	if len(near) > 80 {
		near = near[:80]
	}
	return errorf(codeSyntax, "You have an error in your SQL syntax; check the manual that corresponds to your server version"+
		" for the right syntax to use near '%s' at line %d", near, strings.Count(sql[:at], "\n")+1)
}
