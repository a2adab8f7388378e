package session

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
	"lockstep/localdb"
)

// answer is all that a client can see of one statement's outcome.
type answer struct {
	Code     uint16 // of the error; 0: none
	State    string
	Columns  string
	Rows     string
	Affected uint64
	InsertID uint64
	Warnings uint16
	Status   uint16
}

// shownStatus are the flags that a client may rely on.
const shownStatus = mysql.SERVER_STATUS_IN_TRANS | mysql.SERVER_STATUS_AUTOCOMMIT | mysql.SERVER_MORE_RESULTS_EXISTS |
	mysql.SERVER_STATUS_NO_BACKSLASH_ESCAPED | 0x2000 // IN_TRANS_READONLY

func answerOf(r *mysql.Result, err error) answer {
	var me *mysql.MyError
	switch {
	case errors.As(err, &me):
		return answer{Code: me.Code, State: me.State}
	case err != nil:
		return answer{Rows: "broken: " + err.Error()}
	}
	a := answer{Affected: r.AffectedRows, InsertID: r.InsertId, Warnings: r.Warnings, Status: r.Status & shownStatus}
	if r.Resultset == nil || len(r.Fields) == 0 {
		return a
	}
	a.Affected = 0
	var names, rows []string
	for _, f := range r.Fields {
		names = append(names, string(f.Name))
	}
	for i := range r.Values {
		var row []string
		for j := range r.Fields {
			s, err := r.GetString(i, j)
			if v := r.Values[i][j].Value(); v == nil {
				s = "NULL"
			} else if err != nil {
				s = err.Error()
			}
			row = append(row, s)
		}
		rows = append(rows, strings.Join(row, ","))
	}
	a.Columns, a.Rows = strings.Join(names, ","), strings.Join(rows, ";")
	return a
}

// raw is a client that shows status flags, warnings and the results of each statement of a packet.
type raw struct {
	conn  *gomysql.Conn
	stmts map[string]*gomysql.Stmt
}

func dialRaw(t *testing.T, address, database string) *raw {
	t.Helper()
	conn, err := gomysql.Connect(address, cluster.User, cluster.Password, database, func(c *gomysql.Conn) error {
		c.UnsetCapability(mysql.CLIENT_DEPRECATE_EOF) // this client reads no warnings in that form
		return errors.Join(c.SetCapability(mysql.CLIENT_MULTI_STATEMENTS), c.SetCapability(mysql.CLIENT_MULTI_RESULTS))
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return &raw{conn: conn, stmts: map[string]*gomysql.Stmt{}}
}

// run runs one line of the script: a statement; "prepare NAME: …"; "execute NAME: a, b";
// "several: …" for a packet of several statements; "reset", "ping", "database NAME".
func (r *raw) run(line string) []answer {
	if err := r.conn.SetDeadline(time.Now().Add(5 * time.Second)); err != nil {
		return []answer{{Rows: err.Error()}}
	}
	verb, rest, _ := strings.Cut(line, ":")
	name := ""
	if v, n, ok := strings.Cut(verb, " "); ok {
		verb, name = v, n
	}
	switch verb {
	case "prepare":
		st, err := r.conn.Prepare(strings.TrimSpace(rest))
		if err != nil {
			return []answer{answerOf(nil, err)}
		}
		r.stmts[name] = st
		return []answer{{Rows: fmt.Sprintf("%d parameters, %d columns", st.ParamNum(), st.ColumnNum())}}
	case "execute":
		var args []any
		for _, a := range strings.Split(rest, ",") {
			if a = strings.TrimSpace(a); a != "" {
				args = append(args, a)
			}
		}
		st := r.stmts[name]
		if st == nil {
			return []answer{{Rows: "not prepared"}}
		}
		return []answer{answerOf(st.Execute(args...))}
	case "several":
		var all []answer
		_, err := r.conn.ExecuteMultiple(strings.TrimSpace(rest), func(res *mysql.Result, err error) {
			all = append(all, answerOf(res, err))
		})
		if len(all) == 0 {
			all = append(all, answerOf(nil, err))
		}
		return all
	case "ping":
		return []answer{answerOf(nil, nilOr(r.conn.Ping()))}
	case "database":
		return []answer{answerOf(r.conn.UseDBWithResult(name))}
	}
	return []answer{answerOf(r.conn.Execute(line))}
}

func nilOr(err error) error {
	if err == nil {
		return &mysql.MyError{}
	}
	return err
}

// step is one line of the script. differs says, by field, why the proxy's answer may be another.
type step struct {
	line    string
	differs map[string]string
}

func (a answer) field(name string) any {
	switch name {
	case "code":
		return a.Code
	case "state":
		return a.State
	case "columns":
		return a.Columns
	case "rows":
		return a.Rows
	case "affected":
		return a.Affected
	case "insert id":
		return a.InsertID
	case "warnings":
		return a.Warnings
	default:
		return fmt.Sprintf("%#x", a.Status)
	}
}

var fields = []string{"code", "state", "columns", "rows", "affected", "insert id", "warnings", "status"}

// The same statements through the proxy and on a plain server give the same
// answers: rows, counts, ids, warnings, errors and status flags.
func TestSameAsOneServer(t *testing.T) {
	plain := cluster.PlainServer(t, cluster.Engine(t))
	script := differentialScript(plain.Engine)
	direct := dialRaw(t, plain.Address(), "")
	want := make([][]answer, len(script))
	for i, s := range script {
		want[i] = direct.run(s.line)
	}
	for _, shards := range []int{1, 3} {
		t.Run(fmt.Sprintf("%d shards", shards), func(t *testing.T) {
			c := start(t, cluster.Options{Shards: shards})
			proxied := dialRaw(t, c.Listen, "")
			for i, s := range script {
				got := proxied.run(s.line)
				if len(got) != len(want[i]) {
					t.Errorf("%s\n  %d answers, want %d:\n  %+v\n  %+v", s.line, len(got), len(want[i]), got, want[i])
					continue
				}
				for j := range got {
					var diffs []string
					for _, f := range fields {
						same := got[j].field(f) == want[i][j].field(f)
						if f == "rows" && !same {
							same = unordered(s.line) && sorted(got[j].Rows) == sorted(want[i][j].Rows)
						}
						if why, ok := s.differs[f]; !same && !ok {
							diffs = append(diffs, fmt.Sprintf("%s %v, want %v", f, got[j].field(f), want[i][j].field(f)))
						} else if ok && why == "" {
							t.Fatalf("%s: no reason given for another %s", s.line, f)
						}
					}
					if len(diffs) > 0 {
						t.Errorf("%s (answer %d)\n  %s", s.line, j+1, strings.Join(diffs, "\n  "))
					}
				}
			}
		})
	}
}

// differentialScript is run on one connection, top to bottom. A line "# field: reason" excuses that
// field of the line above, "#mysql field: reason" on MySQL only.
func differentialScript(engine localdb.Engine) []step {
	var list []step
	for line := range strings.Lines(script) {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "--") {
			continue
		}
		excuse, ok := strings.CutPrefix(line, "# ")
		if other, only := strings.CutPrefix(line, "#mysql "); only {
			if engine != localdb.MySQL {
				continue
			}
			excuse, ok = other, true
		}
		if ok {
			field, why, _ := strings.Cut(excuse, ": ")
			last := &list[len(list)-1]
			if last.differs == nil {
				last.differs = map[string]string{}
			}
			last.differs[field] = why
			continue
		}
		s := step{line: line}
		if engine == localdb.MySQL && strings.Contains(line, "FOUND_ROWS") {
			s.differs = map[string]string{"warnings": "MySQL warns that it is going away: each shard does, and not where the proxy answers"}
		}
		list = append(list, s)
	}
	return list
}

// unordered: the statement leaves the order of rows to the server.
func unordered(line string) bool { return !strings.Contains(line, "ORDER BY") }

func sorted(rows string) string {
	list := strings.Split(rows, ";")
	slices.Sort(list)
	return strings.Join(list, ";")
}
