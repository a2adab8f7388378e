package proxy

import (
	"context"
	"errors"
	"fmt"

	"lockstep/backend"
	"lockstep/protocol"
	"lockstep/sharding"
)

// MySQL error numbers that the proxy gives itself.
const (
	erDBAccessDenied      = 1044
	erNoDB                = 1046
	erRecordFileFull      = 1114
	erTooBigSelect        = 1104
	erNoReferencedRow     = 1452
	erUnknownCommand      = 1047
	erBadDB               = 1049
	erBadField            = 1054
	erServerShutdown      = 1053
	erDuplicateKey        = 1062
	erUnknown             = 1105
	erNoSuchThread        = 1094
	erKillDenied          = 1095
	erTooManyConns        = 1040
	erTooManyUserConns    = 1226
	erTableAccessDenied   = 1142
	erNoDefault           = 1230
	erWrongValueForVar    = 1231
	erWrongTypeForVar     = 1232
	erLocalVariable       = 1228
	erReadOnlyVariable    = 1238
	erUnknownSystemVar    = 1193
	erNotSupportedYet     = 1235
	erUnknownStmtHandler  = 1243
	erUnsupportedPS       = 1295
	erSavepointMissing    = 1305
	erQueryInterrupted    = 1317
	erTooManyScratch      = 1203
	erLockWaitTimeout     = 1205
	erWrongArguments      = 1210
	erXARMFail            = 1399
	erXAInDoubt           = 1401
	erXARollback          = 1402
	erNoOpenCursor        = 1421
	erTooManyStatements   = 1461
	erCantChangeInTx      = 1568
	erReadOnlyTransaction = 1792
	erMalformedPacket     = 1835
	erDeadlock            = 1213
	erTimedOutMariaDB     = 1969
	erLostConnection      = 2013
	erTimedOutMySQL       = 3024
	erLockNowait          = 3572
)

// clientFacing is an error that knows what a client should be told.
type clientFacing interface {
	error
	ServerError() *protocol.ServerError
}

// toClient turns any error into the one that goes over the wire.
func toClient(err error) *protocol.ServerError {
	// What a shard that cannot be reached, or a connection that broke, said last is the
	// operator's business; the client hears which shard it was.
	var told interface {
		ClientError() *protocol.ServerError
	}
	if errors.As(err, &told) {
		return told.ClientError()
	}
	var broken *backend.ConnError
	if errors.As(err, &broken) {
		return lostShard(broken.Shard, broken, false)
	}
	var se *protocol.ServerError
	if errors.As(err, &se) {
		return se
	}
	var pe *sharding.Error
	if errors.As(err, &pe) {
		return protocol.NewError(pe.Code, "%s", pe.Message)
	}
	var cf clientFacing
	if errors.As(err, &cf) {
		return cf.ServerError()
	}
	if errors.Is(err, context.Canceled) {
		return protocol.NewError(erQueryInterrupted, "Query execution was interrupted")
	}
	return protocol.NewError(erUnknown, "%v", err)
}

// lostShard is what a client is told when a shard's connection broke under
// its statement. changed says that the statement may have taken effect.
func lostShard(shard string, cause error, changed bool) *protocol.ServerError {
	doubt := ""
	if changed {
		doubt = "; whether it took effect is not known"
	}
	return protocol.NewError(erLostConnection, "Lost connection to shard %s during query%s (%v)", shard, doubt, cause)
}

func notSupported(format string, args ...any) *protocol.ServerError {
	return protocol.NewError(erNotSupportedYet, "Lockstep does not support %s", fmt.Sprintf(format, args...))
}

// closeError ends the session without another word to the client.
type closeError struct{ err error }

func (e *closeError) Error() string { return e.err.Error() }
func (e *closeError) Unwrap() error { return e.err }
