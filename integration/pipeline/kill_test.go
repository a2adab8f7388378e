package pipeline

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"testing"
	"time"

	"lockstep/integration/cluster"
	"lockstep/integration/wireclient"
	"lockstep/localdb"
)

// KILL QUERY reaches a statement at once, whether it still shares its connection or has one of its own by then, and
// nobody else.
func testKillQuery(t *testing.T, c *cluster.Cluster) {
	r := startReaders(t, c.Proxy, 8)
	defer r.end()
	killer := open(t, c.Proxy, "d")
	defer killer.close()
	delays := []time.Duration{10 * time.Millisecond, 40 * time.Millisecond, 800 * time.Millisecond, 10 * time.Millisecond}
	for range 25 { // around the time at which it gets a connection of its own
		delays = append(delays, time.Duration(rand.IntN(60_000))*time.Microsecond)
	}
	for i, after := range delays {
		s := open(t, c.Proxy, "d")
		id := connectionID(t, s)
		slow := func(seconds int) (string, error) { // of another text in each round: it is not known to be slow
			return s.row(fmt.Sprintf("SELECT SLEEP(%d) AS round%d, v FROM k WHERE id = 7", seconds, i))
		}
		for range 3 {
			s.same("0,"+value(7), "quick", func() (string, error) { return slow(0) })
		}
		type outcome struct {
			row string
			err error
			at  time.Time
		}
		done := make(chan outcome, 1)
		go func() {
			row, err := slow(20)
			done <- outcome{row, err, time.Now()}
		}()
		time.Sleep(after)
		begin := time.Now()
		killer.exec(fmt.Sprintf("KILL QUERY %d", id))
		select {
		case o := <-done:
			// MySQL's SLEEP says 1 where it was all that was killed.
			slept := c.Shards[0].Engine == localdb.MySQL && o.err == nil && o.row == "1,"+value(7)
			if codeOf(o.err) != 1317 && !slept {
				t.Errorf("killed after %v: %q, %v", after, o.row, o.err)
			}
			if took := o.at.Sub(begin); took > patience {
				t.Errorf("killed after %v: heard of it %v later", after, took)
			}
		case <-time.After(10 * time.Second):
			t.Fatalf("killed after %v: no answer", after)
		}
		s.want(value(8), point(8))
		s.want("-1", "SELECT ROW_COUNT()")
		s.close()
	}
}

// KILL ends a session that is idle on the loop, in a statement that shares a connection, and in one that does not.
func testKillSession(t *testing.T, c *cluster.Cluster) {
	killer := open(t, c.Proxy, "d")
	defer killer.close()
	for round := range 3 {
		victim := wire(t, c.Proxy)
		slow := func(seconds int) wireclient.Command {
			return wireclient.Query(fmt.Sprintf("SELECT SLEEP(%d) AS ends%d, v FROM k WHERE id = 7", seconds, round))
		}
		for range 3 {
			if a, err := victim.Do(slow(0)); err != nil || a.Results[0].Err != nil {
				t.Fatal(err, a.Detail())
			}
		}
		command := slow(30)
		if round > 0 {
			if err := victim.Write(command.Wire()); err != nil {
				t.Fatal(err)
			}
			time.Sleep(time.Duration(round*round*round) * 100 * time.Millisecond)
		}
		begin := time.Now()
		killer.exec(fmt.Sprintf("KILL %d", victim.Greeting().ConnectionID))
		number := byte(1)
		if round == 0 {
			number = 0 // it answers nothing
		}
		a, err := victim.AnswerAt(number, command)
		if err != nil || !a.Closed && (len(a.Results) == 0 || a.Results[0].Err == nil) {
			t.Errorf("round %d: %v %v", round, a.Lines(), err)
		}
		for n := 0; err == nil && !a.Closed; n++ { // its answer, and then perhaps why the session ends
			if a, err = victim.AnswerAt(0, command); err != nil || n > 1 {
				t.Errorf("round %d: %v %v instead of the end", round, a.Lines(), err)
			}
		}
		if took := time.Since(begin); took > 3*time.Second {
			t.Errorf("round %d: it took %v", round, took)
		}
		killer.want(value(9), point(9))
	}
}

func testQuit(t *testing.T, c *cluster.Cluster) {
	before := metric(t, c.Proxy, "lockstep_sessions", "")
	for range 10 {
		w := wire(t, c.Proxy)
		a, err := w.Do(wireclient.Query(point(3)))
		if err := checkPoint(a, err, 3); err != nil {
			t.Error(err)
		}
		if err := w.Write(wireclient.Cmd(wireclient.ComQuit).Wire()); err != nil {
			t.Error(err)
		}
		if err := w.Ended(); err != nil {
			t.Error(err)
		}
	}
	eventually(t, "sessions have ended", func() bool { return metric(t, c.Proxy, "lockstep_sessions", "") <= before })
}

// Clients that are gone while their statements run take nobody's answer with them.
func testClientGoesInFlight(t *testing.T, c *cluster.Cluster) {
	before := metric(t, c.Proxy, "lockstep_sessions", "")
	r := startReaders(t, c.Proxy, 8)
	for i := range 60 {
		var nc net.Conn
		w, err := wireclient.Connect(c.Listen, wireclient.Options{User: cluster.User, Password: cluster.Password, Database: "d",
			Wrap: func(c net.Conn) net.Conn { nc = c; return c }})
		if err != nil {
			t.Fatal(err)
		}
		var burst []byte
		for j := range 20 {
			burst = append(burst, wireclient.Query(point(i+j)).Wire()...)
		}
		if err := w.Write(burst); err != nil {
			t.Error(err)
		}
		if i%2 == 0 { // RST instead of FIN
			if err := nc.(*net.TCPConn).SetLinger(0); err != nil {
				t.Error(err)
			}
		}
		w.Close()
	}
	time.Sleep(100 * time.Millisecond)
	r.end()
	eventually(t, "sessions have ended", func() bool { return metric(t, c.Proxy, "lockstep_sessions", "") <= before })
}

// A client that says that nothing more will come still gets its answers, and then the end. (Not where they take so long
// that it is taken to be gone: that is tried again.)
func testHalfClosed(t *testing.T, c *cluster.Cluster) {
	for _, n := range []int{1, 30} {
		for attempt := 0; !halfClosed(t, c, n); attempt++ {
			if attempt == 10 {
				t.Fatalf("%d commands are never answered whole", n)
			}
		}
	}
}

func halfClosed(t *testing.T, c *cluster.Cluster, n int) (whole bool) {
	t.Helper()
	w := wire(t, c.Proxy)
	var burst []byte
	for id := range n {
		burst = append(burst, wireclient.Query(point(id)).Wire()...)
	}
	if err := w.Write(burst); err != nil {
		t.Fatal(err)
	}
	if err := w.CloseWrite(); err != nil {
		t.Fatal(err)
	}
	begin := time.Now()
	for id := range n {
		a, err := w.Answer(wireclient.Query(""))
		if err == nil && a.Closed && time.Since(begin) > 100*time.Millisecond {
			return false
		}
		if err := checkPoint(a, err, id); err != nil {
			t.Fatalf("answer %d of %d: %v", id, n, err)
		}
	}
	if err := w.Ended(); err != nil {
		t.Error(err)
	}
	return true
}

// connectionID is the session's own.
func connectionID(t *testing.T, s *session) (id int) {
	t.Helper()
	if err := s.conn.QueryRowContext(context.Background(), "SELECT CONNECTION_ID()").Scan(&id); err != nil {
		t.Fatal(err)
	}
	return id
}
