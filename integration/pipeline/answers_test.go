package pipeline

import (
	"context"
	"database/sql"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"

	"lockstep/integration/cluster"
)

// TestPipeline is all that one pair of shards can be used for.
func TestPipeline(t *testing.T) {
	c := begin(t, cluster.Options{})
	for _, tc := range []struct {
		name string
		test func(*testing.T, *cluster.Cluster)
	}{
		{"Answers", testAnswers},
		{"Uniform", testUniform},
		{"Allocations", testAllocations},
		{"Configurations", testConfigurations},
		{"SlowStatement", testSlowStatement},
		{"HeavyStatement", testHeavyStatement},
		{"KillQuery", testKillQuery},
		{"KillSession", testKillSession},
		{"Quit", testQuit},
		{"ClientGoesInFlight", testClientGoesInFlight},
		{"HalfClosed", testHalfClosed},
		{"ThousandCommands", testThousandCommands},
		{"HalfACommand", testHalfACommand},
		{"SlowReader", testSlowReader},
		{"KillOfSlowReader", testKillOfSlowReader},
		{"Flood", testFlood},
		{"ManyStates", testManyStates},
		{"IdleTimeouts", testIdleTimeouts},
		{"MaxConnections", testMaxConnections},
		{"Drain", testDrain},
		{"DrainOfSlowReader", testDrainOfSlowReader},
		{"ServerConnectionsKilled", testServerConnectionsKilled},
		{"ServerFreezesAndDies", testServerFreezesAndDies},
	} {
		t.Run(tc.name, func(t *testing.T) { tc.test(t, c) })
	}
}

func testAnswers(t *testing.T, c *cluster.Cluster) {
	before := metric(t, c.Proxy, "lockstep_statements_pipelined_total", "")
	crowd{clients: 100, rounds: 40}.run(t, c.Proxy)
	n := metric(t, c.Proxy, "lockstep_statements_pipelined_total", "") - before
	t.Logf("%.0f statements shared a connection; %.0f were begun anew", n, metric(t, c.Proxy, "lockstep_statements_repeated_total", ""))
	if n < 100 { // of 50,000; most are in states that few others have
		t.Errorf("only %.0f statements shared a connection", n)
	}
}

// Clients that all ask the same way share connections for most of what they ask.
func testUniform(t *testing.T, c *cluster.Cluster) {
	p := further(t, c, "", "")
	const clients, each = 100, 100
	var wait sync.WaitGroup
	for i := range clients {
		wait.Go(func() {
			s, err := tryOpen(t, p, "d", "interpolateParams=true")
			if err != nil {
				t.Error(err)
				return
			}
			defer s.close()
			ask, err := s.conn.PrepareContext(context.Background(), "SELECT v AS it FROM k WHERE id = ?")
			if err != nil {
				t.Error(err)
				return
			}
			defer ask.Close()
			for j := range each {
				id := (i*each + j) % rows
				s.same(value(id), "prepared", func() (string, error) {
					rows, err := ask.Query(id)
					if err != nil {
						return "", err
					}
					return oneRow(rows)
				})
				s.want(value(id), fmt.Sprintf("SELECT v AS it FROM k WHERE id = %d", id))
			}
		})
	}
	wait.Wait()
	n := metric(t, p, "lockstep_statements_pipelined_total", "")
	t.Logf("%.0f of %d statements shared a connection", n, 2*clients*each)
	if n < clients*each/10 { // a machine that does much else has them taken for dear ones now and then
		t.Errorf("only %.0f of %d statements shared a connection", n, 2*clients*each)
	}
}

// Every way to be configured gives the same answers.
func testConfigurations(t *testing.T, c *cluster.Cluster) {
	for _, tc := range []struct {
		pool, config, set string
		shared            bool
	}{
		{pool: "max_connections: 1"},
		{pool: "max_connections: 2", shared: true},
		{pool: "max_connections: 4", shared: true},
		{config: "pipeline: {connections: 0}\n"},
		{config: "pipeline: {connections: 1, depth: 1}\n", shared: true},
		{config: "event_loops: 0\n"},
		{config: "event_loops: 3\n", shared: true},
		{pool: "max_connections: 3", config: "event_loops: 3\n"},
		{set: "SET lockstep_pipelining = OFF"},
	} {
		t.Run(tc.pool+tc.config+tc.set, func(t *testing.T) {
			p := further(t, c, tc.pool, tc.config)
			crowd{clients: 16, rounds: 12, set: tc.set}.run(t, p)
			n := metric(t, p, "lockstep_statements_pipelined_total", "")
			if !tc.shared && n > 0 || tc.shared && n == 0 {
				t.Errorf("%.0f statements shared a connection", n)
			}
			if n := metric(t, p, "lockstep_shard_acquire_timeouts_total", ""); n > 0 {
				t.Errorf("%.0f statements waited in vain for a connection", n)
			}
		})
	}
}

// crowd is clients that do all there is to do.
type crowd struct {
	clients, rounds int
	set             string // that each begins with
}

func (c crowd) run(t *testing.T, p *cluster.Proxy) {
	t.Helper()
	var wait sync.WaitGroup
	for i := range c.clients {
		wait.Go(func() {
			s, err := tryOpen(t, p, "d")
			if err != nil {
				t.Error(err)
				return
			}
			defer s.close()
			if c.set != "" {
				s.exec(c.set)
			}
			m := &member{session: s, number: i, random: rand.New(rand.NewPCG(uint64(i), 1))}
			m.settle()
			if m.prepared, err = s.conn.PrepareContext(context.Background(), "SELECT v FROM d.k WHERE id = ?"); err != nil {
				t.Error(err)
				return
			}
			for range c.rounds {
				m.round()
			}
			m.leave()
		})
	}
	wait.Wait()
}

// member is one of a crowd. Its own rows are ten from own on.
type member struct {
	*session
	number   int
	random   *rand.Rand
	prepared *sql.Stmt
	kind     int
	n        [10]int // of its rows, what d.k.n is
	inserted int64   // LAST_INSERT_ID
}

func (m *member) own(i int) int { return m.number%100*10 + i }

// settle gives the session a state of its own kind, and finds out how often its rows were changed before.
func (m *member) settle() {
	m.kind = m.number % 5
	switch m.kind {
	case 1:
		m.exec("USE e")
	case 2:
		m.exec("SET sql_mode = 'ANSI_QUOTES'")
	case 3:
		m.exec("SET NAMES latin1")
	case 4:
		m.exec("SET time_zone = '+03:00'")
	}
	for i := range m.n {
		got, err := m.row(fmt.Sprintf("SELECT n FROM d.k WHERE id = %d", m.own(i)))
		if err != nil {
			m.t.Error(err)
			return
		}
		if _, err := fmt.Sscan(got, &m.n[i]); err != nil {
			m.t.Error(err)
		}
	}
}

// asItIs checks that the session's state holds, whichever connection serves it.
func (m *member) asItIs(id int) {
	switch m.kind {
	case 0:
		m.want("v,"+value(id), fmt.Sprintf(`SELECT "v", v FROM k WHERE id = %d`, id))
	case 1:
		m.want("e,e"+value(id), fmt.Sprintf("SELECT DATABASE(), v FROM k WHERE id = %d", id))
	case 2:
		m.want(value(id), fmt.Sprintf(`SELECT "v" FROM k WHERE id = %d`, id))
	case 3:
		m.want("\xe9,"+value(id), fmt.Sprintf("SELECT CHAR(195,169 USING utf8mb4), v FROM k WHERE id = %d", id))
	case 4:
		m.want("2020-01-02 03:00:00,"+value(id), fmt.Sprintf("SELECT at, v FROM k WHERE id = %d", id))
	}
}

func (m *member) round() {
	i := m.random.IntN(len(m.n))
	id := m.own(i)
	m.same(value(id), "prepared point select", func() (string, error) {
		rows, err := m.prepared.Query(id)
		if err != nil {
			return "", err
		}
		return oneRow(rows)
	})
	m.want(value(id), fmt.Sprintf("SELECT v FROM d.k WHERE id = %d", id))
	m.asItIs(id)
	switch m.random.IntN(12) {
	case 0:
		m.want("none", "SELECT v FROM d.k WHERE id = -1")
		m.want("0", "SELECT FOUND_ROWS()")
	case 1:
		m.fails(1054, fmt.Sprintf("SELECT nowhere FROM d.k WHERE id = %d", id))
		m.want("-1", "SELECT ROW_COUNT()")
		m.fails(1054, fmt.Sprintf("SELECT nowhere FROM d.k WHERE id = %d", id))
		m.want(fmt.Sprintf("Error,1054,%s", unknownColumn(m)), "SHOW WARNINGS")
	case 2:
		m.fails(1146, fmt.Sprintf("SELECT v FROM d.nowhere WHERE id = %d", id))
	case 3:
		m.want("1,"+value(id), fmt.Sprintf("SELECT CAST('1x' AS SIGNED), v FROM d.k WHERE id = %d", id))
		if got, err := m.row("SHOW WARNINGS"); err != nil || got != "Warning,1292,Truncated incorrect INTEGER value: '1x'" {
			m.t.Errorf("warnings are %q, %v", got, err)
		}
		m.want(value(id), fmt.Sprintf("SELECT v FROM d.k WHERE id = %d", id))
		m.want("none", "SHOW WARNINGS")
	case 4:
		m.fails(1062, fmt.Sprintf("INSERT INTO d.k (id, v) VALUES (%d, 'other')", id))
		m.want(value(id), fmt.Sprintf("SELECT v FROM d.k WHERE id = %d", id))
	case 5:
		m.want(value(id), fmt.Sprintf("SELECT v FROM d.k WHERE id = %d", id))
		m.want("1,-1", "SELECT FOUND_ROWS(), ROW_COUNT()")
	case 6:
		r := m.exec("INSERT INTO d.a (v) VALUES (?)", value(id))
		m.inserted, _ = r.LastInsertId() // the driver's never fails
		m.want(value(id), fmt.Sprintf("SELECT v FROM d.a WHERE id = %d", m.inserted))
	case 7:
		big := bigID + m.random.IntN(bigRows)
		if bigSizes[big%len(bigSizes)] == hugeSize && m.random.IntN(4) > 0 {
			big--
		}
		m.want(pad(big), fmt.Sprintf("SELECT pad FROM d.big WHERE id = %d", big))
	case 8:
		x := m.random.IntN(3)
		m.exec(fmt.Sprintf("SET @x = %d", x))
		m.want(fmt.Sprintf("%d,%s", x, value(id)), fmt.Sprintf("SELECT @x, v FROM d.k WHERE id = %d", id))
	case 9, 10:
		m.exec("BEGIN")
		m.exec(fmt.Sprintf("UPDATE d.k SET n = n + 1 WHERE id = %d", id))
		m.want(fmt.Sprint(m.n[i]+1), fmt.Sprintf("SELECT n FROM d.k WHERE id = %d", id))
		if m.random.IntN(2) == 0 {
			m.exec("ROLLBACK")
		} else {
			m.exec("COMMIT")
			m.n[i]++
		}
	case 11:
		m.exec(fmt.Sprintf("UPDATE d.k SET n = n + 1 WHERE id = %d", id))
		m.n[i]++
	}
	m.want(fmt.Sprint(m.n[i]), fmt.Sprintf("SELECT n FROM d.k WHERE id = %d", id))
	if m.inserted > 0 {
		m.want(fmt.Sprint(m.inserted), "SELECT LAST_INSERT_ID()")
	}
}

func unknownColumn(m *member) string {
	if cluster.Engine(m.t) == "mysql" {
		return "Unknown column 'nowhere' in 'field list'"
	}
	return "Unknown column 'nowhere' in 'SELECT'"
}

func (m *member) leave() {
	if err := m.prepared.Close(); err != nil {
		m.t.Error(err)
	}
}
