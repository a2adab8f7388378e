package backend

import (
	"errors"
	"fmt"
	"time"

	"lockstep/protocol"
)

// Error codes that a client is told when a shard cannot serve it. None of them
// has an SQLSTATE of class 08: the client's own connection, the one to the proxy, is fine, and
// connection pools (HikariCP among them) drop a connection on class 08. None is
// 1205 or 1213: drivers and ORMs take those for lock waits of their own transaction.
const (
	codeShardDown = 1429 // ER_CONNECT_TO_FOREIGN_DATA_SOURCE, HY000: the server behind cannot be reached
	codePoolLimit = 1203 // ER_TOO_MANY_USER_CONNECTIONS, 42000: a limit on connections, not on this client's session
)

// ErrClosed is returned by a shard that was closed.
var ErrClosed = errors.New("shard is closed")

// DownError says that a shard cannot be reached, or refuses to let us in.
type DownError struct {
	Shard, Address string
	Since          time.Time // of the first failure; zero when only this attempt failed
	Err            error
}

func (e *DownError) Error() string {
	return fmt.Sprintf("shard %s (%s) cannot be reached: %v", e.Shard, e.Address, e.Err)
}
func (e *DownError) Unwrap() error { return e.Err }

// ClientError is what a client is told: 1429 (HY000), naming the shard but not its address or the cause.
func (e *DownError) ClientError() *protocol.ServerError {
	return &protocol.ServerError{Code: codeShardDown, SQLState: "HY000",
		Message: fmt.Sprintf("Unable to connect to shard '%s'", e.Shard)}
}

// QueueFullError says that as many sessions as allowed wait for a connection already.
type QueueFullError struct {
	Shard           string
	Limit, MaxConns int
}

func (e *QueueFullError) Error() string {
	return fmt.Sprintf("shard %s: %d sessions wait for one of %d connections already (queue_length)", e.Shard, e.Limit, e.MaxConns)
}

// ClientError is what a client is told: 1203 (42000).
func (e *QueueFullError) ClientError() *protocol.ServerError {
	return &protocol.ServerError{Code: codePoolLimit, SQLState: "42000",
		Message: fmt.Sprintf("Shard '%s' is overloaded: all %d connections are in use and %d sessions wait (queue_length)", e.Shard, e.MaxConns, e.Limit)}
}

// AcquireTimeoutError says that no connection became free in time.
type AcquireTimeoutError struct {
	Shard    string
	Limit    time.Duration
	MaxConns int
}

func (e *AcquireTimeoutError) Error() string {
	return fmt.Sprintf("shard %s: none of %d connections became free within %v (acquire_timeout)", e.Shard, e.MaxConns, e.Limit)
}

// ClientError is what a client is told: 1203 (42000).
func (e *AcquireTimeoutError) ClientError() *protocol.ServerError {
	return &protocol.ServerError{Code: codePoolLimit, SQLState: "42000",
		Message: fmt.Sprintf("Shard '%s' is overloaded: none of its %d connections became free within %v (acquire_timeout)", e.Shard, e.MaxConns, e.Limit)}
}

// Timeout marks the error as a time-out, as net.Error does.
func (e *AcquireTimeoutError) Timeout() bool { return true }

// ConnError is a server connection that broke, or was ended, in mid-use.
type ConnError struct {
	Shard string
	ID    uint32 // the server's connection id
	Op    string // what was being done
	Err   error
}

func (e *ConnError) Error() string {
	return fmt.Sprintf("shard %s, connection %d: %s: %v", e.Shard, e.ID, e.Op, e.Err)
}
func (e *ConnError) Unwrap() error { return e.Err }

// ClientError finds what a client should be told of err: the server's own
// words, or those of this package's errors. Nil when err is none of them.
func ClientError(err error) *protocol.ServerError {
	var e *protocol.ServerError
	if errors.As(err, &e) {
		return e
	}
	var c interface{ ClientError() *protocol.ServerError }
	if errors.As(err, &c) {
		return c.ClientError()
	}
	return nil
}

// EndsConnection says whether a server error is the last thing that its connection says.
func EndsConnection(e *protocol.ServerError) bool { return e != nil && endsConnection(e.Code) }

// endsConnection says whether a server error is the last thing that a
// connection will say: shutdown, KILL CONNECTION, or an idle time-out.
func endsConnection(code uint16) bool {
	switch code {
	case 1053, // ER_SERVER_SHUTDOWN
		1040,                         // ER_CON_COUNT_ERROR
		1158, 1159, 1160, 1161, 1184, // network errors, aborted connection
		1927, // MariaDB ER_CONNECTION_KILLED
		3169, // MySQL ER_SESSION_WAS_KILLED
		4031: // MySQL ER_CLIENT_INTERACTION_TIMEOUT
		return true
	}
	return false
}
