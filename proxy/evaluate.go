package proxy

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"lockstep/backend"
	"lockstep/protocol"
)

// preferred is the shard for what any shard could answer: where the transaction
// already is; the planner's choice (-1) while all shards are up; otherwise one that is.
func (s *session) preferred() int {
	if s.temps != nil {
		return s.temps.shard
	}
	if s.tx != nil && len(s.tx.branches) > 0 {
		return s.tx.branches[0].shard
	}
	up, down := -1, false
	for i, sh := range s.p.shards {
		if !sh.Up() {
			down = true
		} else if up < 0 {
			up = i
		}
	}
	if down {
		return up
	}
	return -1
}

// anyShard is preferred where a shard has to be named.
func (s *session) anyShard() int { return max(s.preferred(), 0) }

// evaluate has a server work out an expression of a SET statement and returns its value as a literal.
func (s *session) evaluate(expr string, vars *variables) (string, error) {
	text := []byte("SELECT " + expr)
	st, lits, err := s.planner().Parse(&s.env, text, nil)
	if err != nil {
		return "", err
	}
	if err := s.planned(st, &request{sql: text, lits: lits}); err != nil {
		return "", err
	}
	if len(s.plan.Targets) != 1 {
		few := innerRows{limit: 2}
		_, err := s.runInner(innerQuery{sql: text, vars: vars.vars}, &few)
		return s.p.valueOf(&few.Result, err)
	}
	target := &s.plan.Targets[0]
	if target.SQL != nil {
		text = target.SQL
	}
	shard := target.Shard
	if s.plan.AnyShard {
		shard = s.anyShard()
	}
	if asksForLocks(st) {
		if err := leavesState(st, text, s.plan.AnyShard); err != nil {
			return "", err
		}
		return s.p.valueOf(s.lockValue(st, shard, string(text)))
	}
	if s.tx != nil && s.tx.byShard[shard] != nil {
		return s.evaluateIn(s.tx.byShard[shard], string(text), vars)
	}
	if s.temps != nil && shard == s.temps.shard {
		conn, err := s.temps.use(s, true, "")
		if err != nil {
			return "", err
		}
		return s.p.valueOf(conn.Query(s.ctx, string(text), 2))
	}
	conn, err := s.p.shards[shard].Acquire(s.ctx, vars.state(shard), true)
	if err != nil {
		return "", err
	}
	defer conn.Release()
	return s.p.valueOf(conn.Query(s.ctx, string(text), 2))
}

// evaluateIn is evaluate inside a transaction: the value may be of rows that only it sees.
func (s *session) evaluateIn(b *branch, text string, vars *variables) (string, error) {
	if err := b.conn.SetState(s.ctx, vars.state(b.shard)); err != nil {
		return "", s.verbFailedIn(b, err)
	}
	s.track(b.conn)
	res, err := b.conn.Query(s.ctx, text, 2)
	s.untrack(b.conn)
	var se *protocol.ServerError
	if errors.As(err, &se) {
		if told := s.deadlocked(se); told != nil {
			se = told
		}
		if s.noticeServerError(b, se) {
			return "", se
		}
	}
	if b.conn.Broken() {
		return "", s.verbFailedIn(b, err)
	}
	return s.p.valueOf(res, err)
}

// valueOf is the single value of an answer as an SQL literal.
func (p *Proxy) valueOf(res *backend.Result, err error) (string, error) {
	var many *backend.TooManyRowsError
	switch {
	case errors.As(err, &many) || err == nil && len(res.Rows) > 1:
		return "", protocol.NewError(1242, "Subquery returns more than 1 row")
	case err != nil:
		return "", err
	case len(res.Columns) != 1:
		return "", protocol.NewError(1241, "Operand should contain 1 column(s)")
	case len(res.Rows) == 0 || res.Rows[0][0] == nil:
		return nullOf(&res.Columns[0]), nil
	}
	value, col := string(res.Rows[0][0]), &res.Columns[0]
	switch col.Type {
	case protocol.TypeTiny, protocol.TypeShort, protocol.TypeInt24, protocol.TypeLong, protocol.TypeLongLong,
		protocol.TypeYear:
		return value, nil
	case protocol.TypeDecimal, protocol.TypeNewDecimal:
		if !strings.Contains(value, ".") {
			value = "CAST(" + value + " AS DECIMAL(65,0))" // not an integer
		}
		return value, nil
	case protocol.TypeFloat, protocol.TypeDouble:
		if !strings.ContainsAny(value, "eE") {
			value += "e0"
		}
		return value, nil
	}
	if col.Charset == binaryCollation {
		return "X'" + hexString(value) + "'", nil
	}
	charset, _ := p.collations.byID(byte(col.Charset)) // as sent: in character_set_results
	return quoteIn(charset, value), nil
}

// untyped is the literal in what valueOf made of it.
func untyped(value string) string {
	if strings.HasPrefix(value, "(NULL") {
		return "NULL"
	}
	if inner, ok := strings.CutPrefix(value, "CAST("); ok {
		value, _, _ = strings.Cut(inner, " AS ")
	}
	return value
}

// nullOf is a NULL that keeps its type, as it does in a server's user variables: it makes numbers of what it is compared
// or united with.
func nullOf(col *protocol.Column) string {
	switch col.Type {
	case protocol.TypeTiny, protocol.TypeShort, protocol.TypeInt24, protocol.TypeLong, protocol.TypeLongLong, protocol.TypeYear:
		if col.Flags&protocol.FlagUnsigned != 0 {
			return "CAST(NULL AS UNSIGNED)"
		}
		return "CAST(NULL AS SIGNED)"
	case protocol.TypeDecimal, protocol.TypeNewDecimal:
		return fmt.Sprintf("CAST(NULL AS DECIMAL(65,%d))", min(col.Decimals, 30))
	case protocol.TypeFloat, protocol.TypeDouble:
		return "(NULL + 0e0)"
	case protocol.TypeDate, protocol.TypeTime, protocol.TypeDateTime, protocol.TypeTimestamp:
		return "CAST(NULL AS CHAR)"
	case protocol.TypeNull:
		return "NULL"
	}
	if col.Charset == binaryCollation {
		return "NULL" // bytes, as a NULL of no type is
	}
	return "CAST(NULL AS CHAR)"
}

const binaryCollation = 63

// tryState has a server take the new state, so that what is wrong with it is said now,
// and returns the sql_mode that the server made of it.
func (s *session) tryState(next *variables) (mode string, err error) {
	shard := s.anyShard()
	conn, err := s.p.shards[shard].Acquire(s.ctx, next.state(shard), true)
	if err != nil {
		return "", err
	}
	defer conn.Release()
	if next.vars["sql_mode"] == "" {
		return s.p.defaultMode(), nil
	}
	res, err := conn.Query(s.ctx, "SELECT @@sql_mode", 1)
	if err != nil {
		return "", err
	}
	return string(res.Rows[0][0]), nil
}

func (p *Proxy) defaultMode() string {
	if m := p.sqlMode.Load(); m != nil {
		return *m
	}
	return ""
}

// onEveryShard runs a statement on all shards, outside any transaction. The
// first refusal is returned; its message says where the statement did run.
func (s *session) onEveryShard(sql string) error {
	for i := range s.p.shards {
		conn, err := s.p.shards[i].Acquire(s.ctx, s.vars.state(i), true)
		if err == nil {
			_, err = conn.Exec(s.ctx, sql)
			conn.Release()
		}
		if err != nil {
			return partial(s.p, i, err)
		}
	}
	return nil
}

// partial adds to an error on one shard which shards had already done it.
func partial(p *Proxy, failed int, err error) error {
	if failed == 0 {
		return err
	}
	var done []string
	for _, sh := range p.shards[:failed] {
		done = append(done, sh.Name())
	}
	se := *toClient(err)
	se.Message = fmt.Sprintf("%s (shard %s; already done on %s)", se.Message, p.shards[failed].Name(), strings.Join(done, ", "))
	return &se
}

// bigintUnsigned writes a number as an expression of the type that servers' variables have: drivers turn that into
// another type of their language than an INT.
func bigintUnsigned(n uint64) string { return "(" + strconv.FormatUint(n, 10) + "|0)" }

// systemVariable is the value of a variable that is the session's own and not
// the server connection's, as an SQL expression.
func (s *session) systemVariable(name string) (string, bool) {
	name = strings.ToLower(name)
	if own, ok := s.ownVariable(name); ok {
		return quote(own), true
	}
	switch name {
	case "autocommit":
		if s.vars.autocommit {
			return "CAST(1|0 AS SIGNED)", true // a BIGINT, as all of these
		}
		return "CAST(0|0 AS SIGNED)", true
	case "last_insert_id", "identity":
		return bigintUnsigned(s.lastInsertID), true
	case "pseudo_thread_id":
		return bigintUnsigned(uint64(s.id)), true
	case "warning_count":
		return bigintUnsigned(uint64(s.diag.lastWarnings)), true
	case "error_count":
		return bigintUnsigned(uint64(s.diag.lastErrors)), true
	case "wait_timeout", "interactive_timeout", "max_statement_time", "max_execution_time":
		return s.timeVariable(name)
	case "max_allowed_packet":
		return bigintUnsigned(uint64(s.p.cfg.Limits.MaxPacket)), true
	}
	return "", false
}
