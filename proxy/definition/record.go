package definition

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"lockstep/backend"
)

// State is how far a statement has come on a shard.
type State string

// The states. A shard whose row says intended may have done it all the same: its proxy was killed in between.
const (
	Intended State = "intended"
	Done     State = "done"
	Failed   State = "failed"
)

// Intent is what a statement is about to change, on one of its shards.
type Intent struct {
	Coordinator string       `json:"coordinator"`
	Verb        string       `json:"verb"`      // create table, …
	Database    string       `json:"database"`  // that it was run in, physical
	Received    string       `json:"received"`  // as the client sent it
	Statement   string       `json:"statement"` // as this shard runs it
	Session     []Variable   `json:"session"`   // what the statement's meaning depends on
	Objects     []Object     `json:"objects"`
	Shards      []string     `json:"shards"` // all that run it
	Before      []Definition `json:"before"` // of the objects, on this shard
}

// Variable is a session variable with its value as an SQL literal.
type Variable struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// SessionState is the session that a recorded statement runs in.
func (in *Intent) SessionState() *backend.State {
	st := &backend.State{Database: in.Database}
	for _, v := range in.Session {
		st.Vars = append(st.Vars, backend.Variable(v))
	}
	return st
}

// Record is a shard's row of a statement.
type Record struct {
	Intent
	ID         string
	Shard      string
	State      State
	Connection uint64 // that runs it on the shard
	Error      string // of Failed
	Started    time.Time
	Running    bool   // that connection is at work on it now
	Progress   string // of a running one, where the server tells
}

const (
	createDatabase = "CREATE DATABASE IF NOT EXISTS lockstep"
	createRecords  = "CREATE TABLE IF NOT EXISTS lockstep.ddl (" +
		"id VARBINARY(64) NOT NULL COMMENT 'of the statement', " +
		"shard VARBINARY(64) NOT NULL, " +
		"state VARBINARY(16) NOT NULL COMMENT 'intended, done, failed', " +
		"connection BIGINT UNSIGNED NOT NULL COMMENT 'that runs it here', " +
		"started DATETIME(6) NOT NULL COMMENT 'UTC, of this server', " +
		"intent LONGBLOB NOT NULL COMMENT 'JSON: the statement, its session, the definitions from before', " +
		"error BLOB NOT NULL, " +
		"PRIMARY KEY (id, shard)) ENGINE=InnoDB COMMENT='definitions that are being changed on several shards'"
	createVersion = "CREATE TABLE IF NOT EXISTS lockstep.schema_version (" +
		"id TINYINT NOT NULL PRIMARY KEY, " +
		"version BIGINT UNSIGNED NOT NULL COMMENT 'grows with each definition that a proxy changed'" +
		") ENGINE=InnoDB COMMENT='tells proxies that definitions have changed'"
)

// MakeTables makes the tables of records and of the version where they are missing and the user may; made says whether it did.
func MakeTables(ctx context.Context, s *backend.Shard) (made bool, err error) {
	err = with(ctx, s, func(c *backend.Conn) error {
		if _, err := c.Query(ctx, "SELECT id FROM lockstep.ddl LIMIT 0", 1); err == nil {
			_, err = c.Query(ctx, "SELECT id FROM lockstep.schema_version LIMIT 0", 1)
			if err == nil {
				return nil
			}
		}
		// Who may not make databases can still make tables in one that is there.
		if _, err := c.Exec(ctx, createDatabase); err != nil && !is(err, erDenied) {
			return err
		}
		if _, err := c.Exec(ctx, createRecords); err != nil {
			return err
		}
		made = true
		_, err := c.Exec(ctx, createVersion)
		return err
	})
	return made, err
}

// Unavailable says whether an error means that a shard keeps no records because its user may not.
func Unavailable(err error) bool { return is(err, erDenied, erTableDenied, erBadDB, erNoTable) }

// Write puts the shard's row in place. A table of records that is missing is made first.
func Write(ctx context.Context, s *backend.Shard, id string, connection uint32, in *Intent) error {
	text, err := json.Marshal(in)
	if err != nil {
		return fmt.Errorf("write down a definition: %w", err)
	}
	insert := "INSERT INTO lockstep.ddl (id, shard, state, connection, started, intent, error) VALUES (" + literal(id) + ", " + literal(s.Name()) + ", 'intended', " +
		strconv.FormatUint(uint64(connection), 10) + ", UTC_TIMESTAMP(6), " + literal(string(text)) + ", '')"
	err = execute(ctx, s, insert)
	if is(err, erNoTable, erBadDB) {
		if _, err := MakeTables(ctx, s); err != nil {
			return fmt.Errorf("shard %s: make table lockstep.ddl: %w", s.Name(), err)
		}
		err = execute(ctx, s, insert)
	}
	if err != nil {
		return fmt.Errorf("shard %s: write down the definition in lockstep.ddl: %w", s.Name(), err)
	}
	return nil
}

// Mark says how the statement went on the shard; cause is nil where it was done.
func Mark(ctx context.Context, s *backend.Shard, id string, cause error) error {
	state, text := Done, ""
	if cause != nil {
		state, text = Failed, cause.Error()
	}
	if err := execute(ctx, s, "UPDATE lockstep.ddl SET state = "+literal(string(state))+", error = "+literal(text)+" WHERE id = "+literal(id)+" AND shard = "+literal(s.Name())); err != nil {
		return fmt.Errorf("shard %s: mark a definition in lockstep.ddl: %w", s.Name(), err)
	}
	return nil
}

// Remove takes the shard's row away.
func Remove(ctx context.Context, s *backend.Shard, id string) error {
	if err := execute(ctx, s, "DELETE FROM lockstep.ddl WHERE id = "+literal(id)+" AND shard = "+literal(s.Name())); err != nil {
		return fmt.Errorf("shard %s: remove a definition's record from lockstep.ddl: %w", s.Name(), err)
	}
	return nil
}

// maxRecords bounds what is read of one shard's records: they are removed as soon as they are settled.
const maxRecords = 10_000

// Read lists a shard's rows, the oldest first.
func Read(ctx context.Context, s *backend.Shard) ([]Record, error) {
	var list []Record
	err := with(ctx, s, func(c *backend.Conn) error {
		res, err := c.Query(ctx, "SELECT id, state, connection, started, intent, error FROM lockstep.ddl WHERE shard = "+literal(s.Name())+" ORDER BY started, id", maxRecords)
		if is(err, erNoTable, erBadDB) {
			return nil
		}
		if err != nil {
			return err
		}
		for _, row := range res.Rows {
			r := Record{ID: string(row[0]), Shard: s.Name(), State: State(row[1]), Error: string(row[5])}
			if r.Connection, err = strconv.ParseUint(string(row[2]), 10, 64); err != nil {
				return err
			}
			if r.Started, err = time.Parse("2006-01-02 15:04:05.999999", string(row[3])); err != nil {
				return err
			}
			if err := json.Unmarshal(row[4], &r.Intent); err != nil {
				return fmt.Errorf("record %s: %w", r.ID, err)
			}
			if len(r.Before) != len(r.Objects) {
				return fmt.Errorf("record %s: it has %d objects and %d definitions", r.ID, len(r.Objects), len(r.Before))
			}
			if r.State == Intended {
				r.Running, r.Progress = running(ctx, c, &r)
			}
			list = append(list, r)
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("shard %s: read lockstep.ddl: %w", s.Name(), err)
	}
	return list, nil
}

// running looks for the connection that runs a statement. A server goes on with a statement whose client is gone; one that was started
// again gives the connection's number to others, so that the text has to be the statement's too.
func running(ctx context.Context, c *backend.Conn, r *Record) (bool, string) {
	columns := "state"
	if c.Flavor() == backend.MariaDB {
		columns = "CONCAT(state, IF(progress > 0, CONCAT(' ', ROUND(progress, 1), ' %'), ''))"
	}
	begin := plainStart(r.Statement)
	res, err := c.Query(ctx, "SELECT "+columns+" FROM information_schema.processlist WHERE id = "+strconv.FormatUint(r.Connection, 10)+
		" AND id <> CONNECTION_ID() AND command IN ('Query', 'Killed') AND LEFT(info, "+strconv.Itoa(len(begin))+") = "+literal(begin), 1)
	if err != nil || len(res.Rows) == 0 {
		return false, ""
	}
	return true, string(res.Rows[0][0])
}

// plainStart is the first characters of a statement as a list of processes shows them: without blanks in front, and no longer than
// they are plain.
func plainStart(statement string) string {
	const most = 100
	text := strings.TrimLeft(statement, " \t\r\n\v\f")
	for i := range len(text) {
		if text[i] >= 0x80 || i == most {
			return text[:i]
		}
	}
	return strings.TrimRight(text, " \t\r\n\v\f;")
}

// anyState asks for nothing: all names are qualified, and all literals mean the same under every sql_mode.
var anyState = &backend.State{}

// with lends a connection of the shard.
func with(ctx context.Context, s *backend.Shard, f func(c *backend.Conn) error) error {
	c, err := s.Acquire(ctx, anyState, true)
	if err != nil {
		return err
	}
	defer c.Release()
	return f(c)
}

func execute(ctx context.Context, s *backend.Shard, sql string) error {
	return with(ctx, s, func(c *backend.Conn) error {
		_, err := c.Exec(ctx, sql)
		return err
	})
}

// literal writes text, of any bytes, so that it means the same under every sql_mode and character set.
func literal(text string) string {
	if text == "" {
		return "''"
	}
	return "X'" + strings.ToUpper(hex.EncodeToString([]byte(text))) + "'"
}

// Bump tells all proxies that definitions have changed.
func Bump(ctx context.Context, home *backend.Shard) error {
	const bump = "INSERT INTO lockstep.schema_version (id, version) VALUES (1, 1) ON DUPLICATE KEY UPDATE version = version + 1"
	err := execute(ctx, home, bump)
	if is(err, erNoTable, erBadDB) {
		if _, err = MakeTables(ctx, home); err == nil {
			err = execute(ctx, home, bump)
		}
	}
	if err != nil {
		return fmt.Errorf("shard %s: tell the other proxies of a definition: %w", home.Name(), err)
	}
	return nil
}

// Version grows with every definition that some proxy changed; ok is false where it is not kept.
func Version(ctx context.Context, home *backend.Shard) (version uint64, ok bool, err error) {
	err = with(ctx, home, func(c *backend.Conn) error {
		res, err := c.Query(ctx, "SELECT version FROM lockstep.schema_version WHERE id = 1", 1)
		if Unavailable(err) {
			return nil
		}
		if err != nil {
			return err
		}
		ok = true
		if len(res.Rows) > 0 {
			version, err = strconv.ParseUint(string(res.Rows[0][0]), 10, 64)
		}
		return err
	})
	if err != nil {
		return 0, false, fmt.Errorf("shard %s: whether definitions have changed: %w", home.Name(), err)
	}
	return version, ok, nil
}

// errBusy is a lock that another proxy has.
var errBusy = errors.New("another definition is under way")
