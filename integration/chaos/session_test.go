package chaos

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/go-sql-driver/mysql"

	"lockstep/integration/cluster"
	"lockstep/integration/history"
)

// codeInDoubt is the error number of a COMMIT whose outcome cannot be known yet.
const codeInDoubt = 1401

// broken is what codeOf answers for a connection that broke, or that its client gave up.
const broken = -1

// codeOf is the error number that a client saw: 0 for none.
func codeOf(err error) int {
	var me *mysql.MySQLError
	switch {
	case err == nil:
		return 0
	case errors.As(err, &me):
		return int(me.Number)
	}
	return broken
}

// session is a client's connection to a proxy, made anew, through any of them, when it breaks.
type session struct {
	l     *load
	n     int // the client's number
	rnd   *rand.Rand
	dbs   map[string]*sql.DB
	conn  *sql.Conn
	proxy *cluster.Proxy
}

func (l *load) session(n int) *session {
	return &session{l: l, n: n, rnd: rand.New(rand.NewPCG(l.seed, uint64(n))), dbs: map[string]*sql.DB{}}
}

// Time limits of a client. A frozen proxy takes connections and says nothing.
const (
	connectLimit   = 2 * time.Second
	statementLimit = 20 * time.Second
)

// connected makes sure that there is a connection, and says whether there is.
func (s *session) connected() bool {
	if s.conn != nil {
		return true
	}
	proxies := s.l.w.Proxies()
	p := proxies[s.rnd.IntN(len(proxies))]
	db := s.dbs[p.ID]
	if db == nil {
		params := []string{"timeout=1s", "readTimeout=" + statementLimit.String(), "writeTimeout=" + statementLimit.String()}
		if s.n%2 == 0 { // half of them in the text protocol
			params = append(params, "interpolateParams=true")
		}
		var err error
		if db, err = sql.Open("mysql", p.DSN(database, params...)); err != nil {
			s.l.fault("client %d: %v", s.n, err)
			return false
		}
		s.dbs[p.ID] = db
	}
	ctx, cancel := context.WithTimeout(context.Background(), connectLimit)
	defer cancel()
	conn, err := db.Conn(ctx)
	if err != nil {
		return false
	}
	s.conn, s.proxy = conn, p
	return true
}

func (s *session) drop() {
	if s.conn != nil {
		s.conn.Close()
		s.conn = nil
	}
}

func (s *session) close() {
	s.drop()
	for _, db := range s.dbs {
		db.Close()
	}
}

func (s *session) exec(query string, args ...any) error {
	_, err := s.conn.ExecContext(context.Background(), query, args...)
	return err
}

// rollBack leaves a transaction that failed; a connection that cannot do that is dropped.
func (s *session) rollBack(err error) {
	if codeOf(err) == broken || s.exec("ROLLBACK") != nil {
		s.drop()
	}
}

// transaction runs steps between BEGIN and COMMIT and puts into op what the client knows then.
func (s *session) transaction(op *history.Op, steps func() error) {
	op.Via = s.proxy.ID
	op.Outcome = history.Failed // as long as COMMIT was not sent
	err := s.exec("BEGIN")
	if err == nil && s.rnd.IntN(3) == 0 {
		op.Token = fmt.Sprintf("t%d", op.N)
		err = s.exec("SET lockstep_token = '" + op.Token + "'")
	}
	if err == nil {
		err = steps()
	}
	if err == nil {
		var id sql.NullString
		err = s.conn.QueryRowContext(context.Background(), "SELECT @@lockstep_gtrid").Scan(&id)
		op.GTRID = id.String
	}
	if err != nil {
		op.Error = err.Error()
		s.rollBack(err)
		return
	}
	if s.rnd.IntN(20) == 0 { // a client that thinks before it commits, its locks held
		time.Sleep(time.Duration(s.rnd.IntN(100)) * time.Millisecond)
	}
	if op.Token != "" && s.rnd.IntN(20) == 0 {
		s.l.askMeanwhile(op.N, op.Token, time.Duration(s.rnd.IntN(10))*time.Millisecond)
	}
	err = s.commit()
	switch codeOf(err) {
	case 0:
		op.Outcome = history.OK
		op.Warned = s.warned()
		return
	case broken, codeInDoubt:
		op.Outcome = history.Unknown
	}
	op.Error = "COMMIT: " + err.Error()
	if codeOf(err) == broken {
		s.drop()
	}
}

// commit; a few clients do not wait for the answer.
func (s *session) commit() error {
	ctx := context.Background()
	if s.rnd.IntN(100) == 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, time.Duration(s.rnd.IntN(20))*time.Millisecond)
		defer cancel()
	}
	_, err := s.conn.ExecContext(ctx, "COMMIT")
	return err
}

// warned says whether the last statement's OK came with a warning, or nobody can tell any more.
func (s *session) warned() bool {
	rows, err := s.conn.QueryContext(context.Background(), "SHOW WARNINGS")
	if err != nil {
		s.drop()
		return true
	}
	defer rows.Close()
	some := false
	for rows.Next() {
		var level, message string
		var code int
		if err = rows.Scan(&level, &code, &message); err != nil {
			break
		}
		some = some || level != "Note" // as of a token that a reader does not need
	}
	if err = errors.Join(err, rows.Err()); err != nil {
		s.drop()
		return true
	}
	return some
}
