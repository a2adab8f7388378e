package proxy

import (
	"bytes"
	"errors"
	"slices"
	"strconv"
	"strings"

	"lockstep/backend"
	"lockstep/protocol"
	"lockstep/sharding"
)

// Temporary tables are on one server connection, which the session keeps for as long as it has any. To its planner they are tables
// of that connection's shard, and hide the cluster's tables of their names. Whatever the session does on that shard, it
// does on that connection; joins with rows of other shards bring theirs to the scratch server, as those of other tables.

// temporaries are a session's temporary tables.
type temporaries struct {
	conn   *backend.Conn
	shard  int
	tables []sharding.TableInfo

	planner *sharding.Planner // of the schema with these tables
	base    uint64            // version of the schema without
}

// planner is what the session's statements are planned with.
func (s *session) planner() *sharding.Planner {
	t := s.temps
	if t == nil || len(t.tables) == 0 {
		return s.p.planner
	}
	base := s.p.planner.Schema()
	if t.planner == nil || t.base != base.Version() {
		t.planner, t.base = sharding.NewPlanner(base.WithTemporary(t.tables, t.shard), sharding.Limits{Plans: ownPlans}), base.Version()
	}
	return t.planner
}

// ownPlans bounds the plans of one session that has temporary tables.
const ownPlans = 64

// find is the position of a temporary table, or -1.
func (t *temporaries) find(database, name string) int {
	if t == nil {
		return -1
	}
	return slices.IndexFunc(t.tables, func(i sharding.TableInfo) bool { return i.Database == database && i.Name == name })
}

// use brings the connection in line for a statement.
func (t *temporaries) use(s *session, autocommit bool, prepare string) (*backend.Conn, error) {
	if s.onLoop {
		return nil, errNotNow
	}
	if !t.conn.Alive() { // the next statement ends the session
		return nil, lostShard(t.conn.Shard().Name(), errOwnLost, false)
	}
	s.mu.Lock()
	busy := slices.Contains(s.active, t.conn)
	s.mu.Unlock()
	if busy {
		return nil, notSupported("reading and writing on the server connection of the session's temporary tables at the same time")
	}
	if s.tx != nil && s.tx.byShard[t.shard] != nil {
		autocommit = t.conn.Autocommit() // the transaction's branch is there, and takes no part in this
	}
	if err := t.conn.Align(s.ctx, s.vars.state(t.shard), autocommit); err != nil {
		return nil, err
	}
	if prepare != "" {
		if _, err := t.conn.Prepare(s.ctx, prepare); err != nil {
			return nil, err
		}
	}
	return t.conn, nil
}

// keepsOwn is an error that ends the session where what a server kept for it is lost.
func (s *session) keepsOwn() error {
	for _, c := range []*backend.Conn{s.locksConn, s.temporaryConn()} {
		if c != nil && !c.Alive() {
			return &closeError{s.fail(toClient(lostShard(c.Shard().Name(), errOwnLost, false)))}
		}
	}
	return nil
}

func (s *session) temporaryConn() *backend.Conn {
	if s.temps == nil {
		return nil
	}
	return s.temps.conn
}

var errOwnLost = errors.New("the connection that held the session's locks by name or temporary tables is gone")

// keepsAny says whether a server keeps something for the session alone.
func (s *session) keepsAny() bool { return s.locksConn != nil || s.temps != nil }

// dropOwn gives up what servers keep for the session.
func (s *session) dropOwn() {
	s.dropLocks()
	if s.temps != nil {
		s.temps.conn.Discard()
		s.temps = nil
		s.p.kept.n.Add(-1)
	}
}

// learn reads the columns of a temporary table that was made or changed; one that is gone, so that the name is another table's or
// nobody's, is forgotten.
func (t *temporaries) learn(s *session, database, name string) error {
	if i := t.find(database, name); i >= 0 {
		t.tables = slices.Delete(t.tables, i, i+1)
	}
	t.planner = nil
	qualified := quoteName(s.p.physical(t.shard, database)) + "." + quoteName(name)
	res, err := t.conn.Query(s.ctx, "SHOW CREATE TABLE "+qualified, 1)
	switch {
	case t.conn.Broken():
		return lostShard(t.conn.Shard().Name(), err, false)
	case err != nil || !bytes.HasPrefix(res.Rows[0][1], []byte("CREATE TEMPORARY TABLE ")):
		return nil //nolint:nilerr // there is no such table
	}
	if res, err = t.conn.Query(s.ctx, "SHOW FULL COLUMNS FROM "+qualified, maxTemporaryColumns); err != nil {
		return err
	}
	at := func(row []protocol.Field, name string) string {
		for i := range res.Columns {
			if strings.EqualFold(res.Columns[i].Name, name) {
				return string(row[i])
			}
		}
		return ""
	}
	info := sharding.TableInfo{Database: database, Name: name, Temporary: true}
	for _, row := range res.Rows {
		full := at(row, "Type")
		dataType, _, _ := strings.Cut(full, "(")
		dataType, _, _ = strings.Cut(dataType, " ")
		extra := strings.ToLower(at(row, "Extra"))
		c := sharding.ColumnInfo{Name: at(row, "Field"), DataType: strings.ToLower(dataType), ColumnType: full, Collation: at(row, "Collation"),
			AutoIncrement: strings.Contains(extra, "auto_increment"), Generated: strings.Contains(extra, "generated"), Invisible: strings.Contains(extra, "invisible")}
		if at(row, "Key") == "PRI" {
			info.PrimaryKey = append(info.PrimaryKey, c.Name)
		}
		info.Columns = append(info.Columns, c)
	}
	t.tables = append(t.tables, info)
	return nil
}

// maxTemporaryColumns is more than a server takes.
const maxTemporaryColumns = 8192

// showTemporary answers SHOW COLUMNS, SHOW CREATE TABLE and the like of a temporary table, as its server does.
func (s *session) showTemporary(st *sharding.Statement, rq *request) error {
	s.plan.Targets = append(s.plan.Targets[:0], sharding.Target{Shard: s.temps.shard})
	s.plan.Merge, s.plan.Write, s.plan.AnyShard, s.plan.InsertID = nil, false, false, 0
	s.outside = true
	defer func() { s.outside = false }()
	return s.single(st, rq)
}

// generated takes over what LAST_INSERT_ID() is on the connection of temporary tables, whose ids are the server's own.
func (t *temporaries) generated(s *session, l *lease) {
	res, err := l.conn.Query(s.ctx, "SELECT LAST_INSERT_ID()", 1)
	if err != nil || len(res.Rows) != 1 {
		s.p.log.Debug("id that a temporary table gave could not be asked for", "conn", s.id, "err", err)
		return
	}
	if id, err := strconv.ParseUint(string(res.Rows[0][0]), 10, 64); err == nil {
		s.lastInsertID = id
	}
}
