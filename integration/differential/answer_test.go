package differential

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	gomysql "github.com/go-mysql-org/go-mysql/client"
	"github.com/go-mysql-org/go-mysql/mysql"

	"lockstep/integration/cluster"
)

const refused = 1235

// answer is what a client sees of one statement.
type answer struct {
	code     uint16 // of the error; 0: none
	message  string // of the error, for the report only
	columns  string
	rows     []string
	affected uint64
}

// shownFlags are the flags of a column that drivers tell their programs about.
const shownFlags = mysql.NOT_NULL_FLAG | mysql.UNSIGNED_FLAG

type server struct{ conn *gomysql.Conn }

func dial(t *testing.T, address, database string) server {
	t.Helper()
	conn, err := gomysql.Connect(address, cluster.User, cluster.Password, database)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return server{conn}
}

// ask runs a statement; what is no answer at all is an error.
func (s server) ask(q statement) (answer, error) {
	if err := s.conn.SetDeadline(time.Now().Add(20 * time.Second)); err != nil {
		return answer{}, err
	}
	var r *mysql.Result
	var err error
	if q.prepared {
		var st *gomysql.Stmt
		if st, err = s.conn.Prepare(q.sql); err == nil {
			r, err = st.Execute(q.args...)
			err = errors.Join(err, st.Close())
		}
	} else {
		r, err = s.conn.Execute(q.sql)
	}
	var me *mysql.MyError
	if errors.As(err, &me) {
		return answer{code: me.Code, message: me.Message}, nil
	}
	if err != nil {
		return answer{}, err
	}
	if r.Resultset == nil || len(r.Fields) == 0 {
		return answer{affected: r.AffectedRows}, nil
	}
	return read(r, q)
}

func read(r *mysql.Result, q statement) (a answer, err error) {
	var columns []string
	for _, f := range r.Fields {
		columns = append(columns, describe(f, q))
	}
	a.columns = strings.Join(columns, "\n  ")
	for i := range r.Values {
		var row []string
		for j := range r.Fields {
			text := "NULL"
			if r.Values[i][j].Value() != nil {
				if text, err = r.GetString(i, j); err != nil {
					return a, err
				}
				if q.folded {
					text = fold(text)
				}
			}
			row = append(row, text)
		}
		a.rows = append(a.rows, strings.Join(row, "|"))
	}
	if !q.ordered {
		slices.Sort(a.rows)
	}
	return a, nil
}

// describe writes what a program can learn of a column. For an expression a server says different things
// from one plan to the next (a temporary table or none: the original name, the decimals of a
// string, CHAR or VARCHAR), from the rows it has (NOT NULL of an outer join's columns), and from a parameter to a literal (INT or BIGINT), and with no row to compute it from (MySQL: YEAR or INT): these are left out.
func describe(f *mysql.Field, q statement) string {
	flags := f.Flag & shownFlags
	if q.loose {
		flags &^= mysql.NOT_NULL_FLAG
	}
	if len(f.OrgTable) > 0 {
		return fmt.Sprintf("%s.%s.%s.%s.%s type %d flags %x charset %d decimals %d", f.Schema, f.Table, f.OrgTable, f.Name, f.OrgName, f.Type, flags, f.Charset, f.Decimal)
	}
	kind, decimals := f.Type, f.Decimal
	switch kind {
	case mysql.MYSQL_TYPE_STRING, mysql.MYSQL_TYPE_VAR_STRING:
		kind, decimals = mysql.MYSQL_TYPE_VAR_STRING, 0
	case mysql.MYSQL_TYPE_LONG, mysql.MYSQL_TYPE_YEAR:
		kind = mysql.MYSQL_TYPE_LONG
		if q.prepared {
			kind = mysql.MYSQL_TYPE_LONGLONG
		}
	}
	return fmt.Sprintf("%s type %d flags %x charset %d decimals %d", f.Name, kind, flags, f.Charset, decimals)
}

var folding = strings.NewReplacer("á", "a", "ñ", "n", "é", "e", "ß", "s", "É", "e", "Á", "a", "Ñ", "n")

// fold gives strings that the tables' collation takes for equal one form.
func fold(s string) string { return strings.TrimRight(strings.ToLower(folding.Replace(s)), " ") }

// differences says what the two answers do not share.
func differences(want, got answer) string {
	var d []string
	if want.code != got.code {
		d = append(d, fmt.Sprintf("error: plain %d %s, proxy %d %s", want.code, want.message, got.code, got.message))
	}
	if want.columns != got.columns {
		d = append(d, "columns:\n  "+want.columns+"\nproxy\n  "+got.columns)
	}
	if !slices.Equal(want.rows, got.rows) {
		d = append(d, fmt.Sprintf("rows (%d, %d):\n plain %q\n proxy %q", len(want.rows), len(got.rows), want.rows, got.rows))
	}
	if want.affected != got.affected {
		d = append(d, fmt.Sprintf("affected: plain %d, proxy %d", want.affected, got.affected))
	}
	return strings.Join(d, "\n")
}
