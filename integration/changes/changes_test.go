package changes

import (
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"lockstep/integration/cluster"
	"lockstep/integration/wireclient"
	"lockstep/localdb"
)

// pair is the oracle and the proxy, with the same tables.
type pair struct {
	t            *testing.T
	plain, proxy *client
	shards       []*client
	engine       localdb.Engine
	columns      map[string]string   // of each table, those that an INSERT gives
	first        map[string][]string // its rows at first
}

func newPair(t *testing.T, e localdb.Engine, capabilities uint32) *pair {
	t.Helper()
	c := cluster.Start(t, cluster.Options{Shards: 3, Engine: e, Config: placement, ShardArgs: []string{"--innodb-flush-log-at-trx-commit=0"}})
	c.StartProxy()
	plain := plainServer(t, e)
	p := &pair{t: t, engine: e, columns: map[string]string{}, first: map[string][]string{}}
	for _, address := range []string{plain, c.Listen} {
		dial(t, address, "", 0).must("CREATE DATABASE d DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci")
	}
	p.plain, p.proxy = dial(t, plain, "d", capabilities), dial(t, c.Listen, "d", capabilities)
	for _, d := range defs {
		p.both("CREATE TABLE " + d.name + " (" + d.columns + ")")
	}
	p.both("CREATE TRIGGER watch AFTER UPDATE ON watched FOR EACH ROW SET @seen = 1")
	for _, d := range defs {
		p.columns[d.name] = d.stored(p.plain)
	}
	for i := range c.Shards {
		p.shards = append(p.shards, dial(t, c.Shards[i].Address(), "d", 0))
	}
	return p
}

func (p *pair) both(sql string) {
	p.t.Helper()
	p.plain.must(sql)
	p.proxy.must(sql)
}

// fill gives a table the rows that it begins with.
func (p *pair) fill(d tableDef) {
	p.t.Helper()
	p.both("DELETE FROM " + d.name)
	p.both("INSERT INTO " + d.name + " (" + p.columns[d.name] + ") VALUES " + d.rows)
}

// fillAll begins anew.
func (p *pair) fillAll() {
	p.t.Helper()
	for _, d := range defs {
		p.fill(d)
		p.first[d.name] = p.plain.rows(d.shown())
	}
}

// of are the tables that a statement names, and those that a foreign key ties to them.
func of(sql string) (list []tableDef) {
	for _, d := range defs {
		if regexp.MustCompile(`\b`+d.name+`\b`).MatchString(sql) || d.name == "player" && strings.Contains(sql, "team") {
			list = append(list, d)
		}
	}
	return list
}

// same compares tables of both.
func (p *pair) same(what string, list []tableDef) {
	p.t.Helper()
	for _, d := range list {
		want, got := p.plain.rows(d.shown()), p.proxy.rows(d.shown())
		if !slices.Equal(want, got) {
			p.t.Errorf("%s: table %s\n plain %q\n proxy %q", what, d.name, want, got)
		}
	}
}

// reset puts back the rows of tables that are not what they were.
func (p *pair) reset(list []tableDef) {
	p.t.Helper()
	for _, d := range list {
		if !slices.Equal(p.plain.rows(d.shown()), p.first[d.name]) || !slices.Equal(p.proxy.rows(d.shown()), p.first[d.name]) {
			p.fill(d)
		}
	}
}

// copies compares the copies of the global tables with each other.
func (p *pair) copies(what string) {
	p.t.Helper()
	for _, name := range []string{"stock", "kind"} {
		sql := "SELECT * FROM " + name + " ORDER BY 1"
		first := p.shards[0].rows(sql)
		for i, s := range p.shards[1:] {
			if rows := s.rows(sql); !slices.Equal(first, rows) {
				p.t.Errorf("%s: copies of %s differ\n s1 %q\n s%d %q", what, name, first, i+2, rows)
			}
		}
	}
}

// compare runs one statement on both and holds the answers together.
func (p *pair) compare(s statement, prepared bool, what string) {
	p.t.Helper()
	var got, want wireclient.Result
	if prepared && s.prepared != "" {
		got = p.proxy.do(true, s.prepared, s.args...)
	} else {
		got = p.proxy.do(prepared, s.sql)
	}
	if got.Err != nil && got.Err.Code == 1235 {
		if !s.refused && !(s.twice && p.engine == localdb.MySQL) {
			p.t.Errorf("%s: refused: %s", what, got.Err.Message)
		}
		return
	}
	if s.refused {
		p.t.Errorf("%s: not refused: %s", what, told(got, s.ordered))
	}
	if prepared && s.prepared != "" {
		want = p.plain.do(true, s.prepared, s.args...)
	} else {
		want = p.plain.do(prepared, s.sql)
	}
	if w, g := told(want, s.ordered), told(got, s.ordered); w != g && !sameError(want, got) {
		p.t.Errorf("%s:\n plain %s\n proxy %s", what, w, g)
	}
	w, g := p.plain.rows("SHOW WARNINGS"), p.proxy.rows("SHOW WARNINGS")
	for _, list := range [][]string{w, g} {
		slices.Sort(list)
	}
	if !slices.Equal(w, g) && !s.loose && want.Err == nil {
		p.t.Errorf("%s: warnings\n plain %q\n proxy %q", what, w, g)
	}
}

func sameError(a, b wireclient.Result) bool {
	return a.Err != nil && b.Err != nil && a.Err.Code == b.Err.Code && a.Err.State == b.Err.State
}

// TestStatements runs each statement in each way.
func TestStatements(t *testing.T) {
	for _, e := range cluster.Engines {
		t.Run(e.String(), func(t *testing.T) {
			t.Parallel()
			p := newPair(t, e, 0)
			p.fillAll()
			p.same("at first", defs)
			list := append(slices.Clone(statements), foreign...)
			if e == localdb.MariaDB {
				list = append(list, mariadbStatements...)
			}
			for i, s := range list {
				if s.mode != "" {
					p.both("SET sql_mode = '" + s.mode + "'")
				}
				p.ways(s, i)
				if s.mode != "" {
					p.both("SET sql_mode = DEFAULT")
				}
			}
			p.same("at the end", defs)
			p.copies("at the end")
		})
	}
}

// ways runs a statement as text and prepared, inside a transaction and outside: two of these ways, another two for the next
// statement, or all.
func (p *pair) ways(s statement, i int) {
	p.t.Helper()
	list := of(s.sql)
	for way := range 4 {
		prepared, inside := way&1 == 1, way&2 == 2
		if os.Getenv("LOCKSTEP_CHANGES") != "all" && (prepared == inside) != (i%2 == 0) {
			continue
		}
		what := fmt.Sprintf("%s (prepared %v, inside %v)", s.sql, prepared, inside)
		if inside {
			p.both("BEGIN")
			p.both("UPDATE customer SET n = n + 1 WHERE id = 1")
		}
		p.compare(s, prepared, what)
		p.same(what, list)
		if inside {
			p.both("ROLLBACK")
			p.same(what+" rolled back", list)
		}
		p.copies(what)
		p.reset(list)
	}
}
