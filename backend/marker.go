package backend

import (
	"encoding/hex"
	"fmt"
	"strings"
	"time"
)

// MarkerState says why a marker row was written. The numbers are those of the
// table's ENUM.
type MarkerState uint8

const (
	MarkerVoted   MarkerState = iota + 1 // by a branch, with its yes to a three-phase commit
	MarkerToken                          // by a branch, for its client's token
	MarkerAborted                        // the fence, by somebody who ended the transaction
)

func (s MarkerState) String() string {
	switch s {
	case MarkerVoted:
		return "voted"
	case MarkerToken:
		return "token"
	case MarkerAborted:
		return "aborted"
	}
	return "invalid"
}

// Marker is a row of lockstep.branch at one shard.
type Marker struct {
	GTRID        string
	State        MarkerState
	Committed    bool     // false: only dirty reads see it; its transaction is open or prepared
	Participants []string // all shards of the transaction; empty in a fence made without knowing them
	Coordinator  string   // id of who wrote it
	Connection   uint64   // server's id of the session that wrote it
	Token        string   // of the client; empty: none
	Age          time.Duration
}

const (
	maxMarkerText   = 64    // bytes of a gtrid, shard name, coordinator's id or token
	maxParticipants = 16000 // bytes of the list of participants
)

// The table has one row for each branch that left a marker. has_token (1: a token is set) lets the
// two retention times be served from one index. Sizes are checked before anything is sent: a server without
// a strict sql_mode would cut what is too long.
const (
	createMarkerDatabase = "CREATE DATABASE IF NOT EXISTS lockstep"
	createMarkerTable    = "CREATE TABLE IF NOT EXISTS lockstep.branch (" +
		"gtrid VARBINARY(64) NOT NULL, " +
		"shard VARBINARY(64) NOT NULL, " +
		"state ENUM('voted','token','aborted') CHARACTER SET ascii NOT NULL, " +
		"participants VARBINARY(16000) NOT NULL COMMENT 'all shards of the transaction, joined by commas', " +
		"coordinator VARBINARY(64) NOT NULL, " +
		"connection_id BIGINT UNSIGNED NOT NULL COMMENT 'of the server session that wrote the row', " +
		"token VARBINARY(64) NULL, " +
		"has_token TINYINT UNSIGNED NOT NULL DEFAULT 0, " +
		"created DATETIME(6) NOT NULL COMMENT 'UTC', " +
		"PRIMARY KEY (gtrid, shard), UNIQUE KEY token (token, shard), KEY age (shard, has_token, created)" +
		") ENGINE=InnoDB COMMENT='branches of three-phase transactions, and of those with a client token'"
)

// check refuses what the table cannot hold.
func (m *Marker) check() error {
	switch {
	case m.GTRID == "" || len(m.GTRID) > maxMarkerText:
		return fmt.Errorf("gtrid of %d bytes: must be 1 to %d", len(m.GTRID), maxMarkerText)
	case len(m.Coordinator) > maxMarkerText:
		return fmt.Errorf("coordinator's id of %d bytes: at most %d", len(m.Coordinator), maxMarkerText)
	case len(m.Token) > maxMarkerText:
		return &TokenLengthError{len(m.Token)}
	}
	n := len(m.Participants)
	for _, p := range m.Participants {
		if p == "" || strings.Contains(p, ",") {
			return fmt.Errorf("participant %q: a name must not be empty or have a comma", p)
		}
		n += len(p)
	}
	if n > maxParticipants {
		return fmt.Errorf("list of participants has %d bytes: at most %d", n, maxParticipants)
	}
	return nil
}

// appendInsert writes the row's INSERT. Hex literals and numbers mean the same under
// any sql_mode and character set.
func (m *Marker) appendInsert(b []byte, shard string) []byte {
	b = append(b, "INSERT INTO lockstep.branch (gtrid, shard, state, participants, coordinator, connection_id, token, has_token, created) VALUES "...)
	return m.appendRow(b, shard)
}

// appendRow writes the row's values.
func (m *Marker) appendRow(b []byte, shard string) []byte {
	b = append(b, '(')
	b = appendHex(b, m.GTRID)
	b = append(b, ", "...)
	b = appendHex(b, shard)
	b = append(b, ", "...)
	b = append(b, '0'+byte(m.State))
	b = append(b, ", X'"...)
	for i, p := range m.Participants {
		if i > 0 {
			b = append(b, "2c"...)
		}
		b = hex.AppendEncode(b, []byte(p))
	}
	b = append(b, "', "...)
	b = appendHex(b, m.Coordinator)
	b = append(b, ", CONNECTION_ID(), "...)
	if m.Token == "" {
		b = append(b, "NULL, 0"...)
	} else {
		b = appendHex(b, m.Token)
		b = append(b, ", 1"...)
	}
	return append(b, ", UTC_TIMESTAMP(6))"...)
}

// appendHex writes any bytes as a literal.
func appendHex(b []byte, s string) []byte {
	b = append(b, "X'"...)
	b = hex.AppendEncode(b, []byte(s))
	return append(b, '\'')
}

func hexLiteral(s string) string { return string(appendHex(nil, s)) }
