package tpcc

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/go-sql-driver/mysql"
)

// terminal is one client: a connection with its prepared statements.
type terminal struct {
	db    *sql.DB
	s     scale
	d     draw
	conn  *sql.Conn
	ready map[string]*sql.Stmt

	done    map[string]int // committed, by kind
	chosen  int            // new orders rolled back as they should
	aborted map[uint16]int // by the error that a client tries again after
	lost    int            // connections
	failed  []error        // what must not be
	slowest time.Duration
}

// errRollback ends a new order with an item that is not there.
var errRollback = errors.New("unused item number")

// transactions in the mix of sysbench-tpcc: of 23, ten are new orders and ten are payments.
var transactions = []struct {
	name   string
	weight int
	run    func(*terminal, context.Context) error
}{
	{"new-order", 10, (*terminal).newOrder},
	{"payment", 10, (*terminal).payment},
	{"order-status", 1, (*terminal).orderStatus},
	{"delivery", 1, (*terminal).delivery},
	{"stock-level", 1, (*terminal).stockLevel},
}

func newTerminal(db *sql.DB, s scale, n int) *terminal {
	return &terminal{db: db, s: s, d: draw{rand.New(rand.NewPCG(11, uint64(n)))}, done: map[string]int{}, aborted: map[uint16]int{}}
}

// run works until the context ends; a transaction that has begun is finished.
func (t *terminal) run(until context.Context) {
	defer t.drop()
	for until.Err() == nil && len(t.failed) == 0 {
		n := t.d.IntN(23)
		for _, tx := range transactions {
			if n -= tx.weight; n < 0 {
				t.once(until, tx.name, tx.run)
				break
			}
		}
	}
}

func (t *terminal) once(until context.Context, name string, run func(*terminal, context.Context) error) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	begun := time.Now()
	err := t.connected(ctx)
	if err == nil {
		_, err = t.conn.ExecContext(ctx, "BEGIN")
	}
	if err == nil {
		err = run(t, ctx)
	}
	if err == nil {
		_, err = t.conn.ExecContext(ctx, "COMMIT")
	}
	t.slowest = max(t.slowest, time.Since(begun))
	var my *mysql.MySQLError
	switch {
	case err == nil:
		t.done[name]++
		return
	case errors.Is(err, errRollback):
		t.chosen++
	case errors.As(err, &my) && again[my.Number]:
		t.aborted[my.Number]++
	case lostConnection(err):
		t.lost++
		t.drop()
		select { // the proxy is started again
		case <-time.After(50 * time.Millisecond):
		case <-until.Done():
		}
		return
	default:
		t.failed = append(t.failed, fmt.Errorf("%s: %w", name, err))
	}
	if _, err := t.conn.ExecContext(ctx, "ROLLBACK"); err != nil {
		t.drop()
	}
}

// again are the errors after which a client tries another time: deadlock, lock wait, rolled back at commit.
var again = map[uint16]bool{1213: true, 1205: true, 1402: true}

func lostConnection(err error) bool {
	var my *mysql.MySQLError
	return errors.Is(err, driver.ErrBadConn) || errors.Is(err, mysql.ErrInvalidConn) || !errors.As(err, &my) && !errors.Is(err, context.DeadlineExceeded)
}

func (t *terminal) connected(ctx context.Context) (err error) {
	if t.conn == nil {
		t.ready = map[string]*sql.Stmt{}
		t.conn, err = t.db.Conn(ctx)
	}
	return err
}

func (t *terminal) drop() {
	if t.conn == nil {
		return
	}
	for _, st := range t.ready {
		_ = st.Close() // its connection may be gone
	}
	_ = t.conn.Raw(func(any) error { return driver.ErrBadConn }) // closes it for good
	_ = t.conn.Close()
	t.conn = nil
}

func (t *terminal) prepared(ctx context.Context, q string) (*sql.Stmt, error) {
	if st := t.ready[q]; st != nil {
		return st, nil
	}
	st, err := t.conn.PrepareContext(ctx, q)
	if err == nil {
		t.ready[q] = st
	}
	return st, err
}

// exec runs a change that must meet n rows; -1: any.
func (t *terminal) exec(ctx context.Context, n int64, q string, args ...any) error {
	st, err := t.prepared(ctx, q)
	if err != nil {
		return err
	}
	r, err := st.ExecContext(ctx, args...)
	if err != nil {
		return err
	}
	if got, err := r.RowsAffected(); err != nil || n >= 0 && got != n {
		return &wrongCount{q, got, n}
	}
	return nil
}

type wrongCount struct {
	q         string
	got, want int64
}

func (e *wrongCount) Error() string {
	return fmt.Sprintf("%d rows affected, want %d: %s", e.got, e.want, e.q)
}

// one reads a row that must be there, unless it ends with sql.ErrNoRows.
func (t *terminal) one(ctx context.Context, q string, args []any, into ...any) error {
	st, err := t.prepared(ctx, q)
	if err != nil {
		return err
	}
	return st.QueryRowContext(ctx, args...).Scan(into...)
}

// ids reads a column of numbers.
func (t *terminal) ids(ctx context.Context, q string, args ...any) (list []int, err error) {
	st, err := t.prepared(ctx, q)
	if err != nil {
		return nil, err
	}
	rows, err := st.QueryContext(ctx, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var id int
		if err := rows.Scan(&id); err != nil {
			return nil, err
		}
		list = append(list, id)
	}
	return list, rows.Err()
}
