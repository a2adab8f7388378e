package pipeline

import (
	"fmt"
	"testing"
	"time"

	"lockstep/integration/cluster"
	"lockstep/integration/wireclient"
)

// Sessions that wait on a loop end after the time that is theirs, and not while they are busy.
func testIdleTimeouts(t *testing.T, c *cluster.Cluster) {
	p, other := further(t, c, "", "timeouts: {idle: 1s}\n"), further(t, c, "", "")
	busy, idle, half, longer, shorter := wire(t, p), wire(t, p), wire(t, p), wire(t, p), wire(t, other)
	for w, set := range map[*wireclient.Conn]string{longer: "SET wait_timeout = 600", shorter: "SET wait_timeout = 1"} {
		if a, err := w.Do(wireclient.Query(set)); err != nil || plainOK(a) != nil {
			t.Fatal(err, a.Lines())
		}
	}
	for _, w := range []*wireclient.Conn{busy, idle, longer, shorter} {
		a, err := w.Do(wireclient.Query(point(1)))
		if err := checkPoint(a, err, 1); err != nil {
			t.Fatal(err)
		}
	}
	if err := half.Write(wireclient.Query(point(2)).Wire()[:9]); err != nil {
		t.Fatal(err)
	}
	begin := time.Now()
	for time.Since(begin) < 1800*time.Millisecond {
		a, err := busy.Do(wireclient.Query(point(3)))
		if err := checkPoint(a, err, 3); err != nil {
			t.Fatalf("after %v: %v", time.Since(begin), err)
		}
		time.Sleep(100 * time.Millisecond)
	}
	eventually(t, "the idle ones have ended", func() bool {
		// busy is idle by now, too.
		return metric(t, p, "lockstep_sessions", "") <= 2 && metric(t, other, "lockstep_sessions", "") == 0
	})
	a, err := longer.Do(wireclient.Query(point(4)))
	if err := checkPoint(a, err, 4); err != nil {
		t.Error(err)
	}
}

// Sessions on loops count, and leave room when they go.
func testMaxConnections(t *testing.T, c *cluster.Cluster) {
	const most = 5
	p := further(t, c, "", fmt.Sprintf("limits: {max_connections: %d}\n", most))
	var list []*session
	for range most {
		s := open(t, p, "d")
		s.want(value(1), point(1))
		list = append(list, s)
	}
	for range 3 {
		if s, err := tryOpen(t, p, "d"); codeOf(err) != 1040 {
			t.Errorf("one more: %v", err)
			if err == nil {
				s.close()
			}
		}
	}
	list[0].close()
	eventually(t, "there is room again", func() bool {
		s, err := tryOpen(t, p, "d")
		if err != nil {
			return false
		}
		s.want(value(2), point(2))
		list[0] = s
		return true
	})
	for _, s := range list {
		s.want(value(3), point(3))
		s.close()
	}
}

// SIGTERM ends sessions that wait on loops at once, and others behind their transactions.
func testDrain(t *testing.T, c *cluster.Cluster) {
	p := further(t, c, "", "timeouts: {drain: 20s}\n")
	idle, working := wire(t, p), open(t, p, "d")
	defer working.close()
	a, err := idle.Do(wireclient.Query(point(1)))
	if err := checkPoint(a, err, 1); err != nil {
		t.Fatal(err)
	}
	working.exec("BEGIN")
	working.exec("UPDATE k SET n = n WHERE id = 990")
	begin := time.Now()
	stopped := make(chan struct{})
	go func() {
		p.Stop()
		close(stopped)
	}()
	if a, err := idle.AnswerAt(0, wireclient.Query("")); err != nil || !a.Closed && a.Results[0].Err == nil {
		t.Errorf("the idle one heard %v, %v", a.Lines(), err)
	}
	if err := idle.Ended(); err != nil {
		t.Error(err)
	}
	working.exec("UPDATE k SET n = n WHERE id = 991")
	working.want(value(990), point(990))
	working.exec("COMMIT")
	select {
	case <-stopped:
	case <-time.After(15 * time.Second):
		t.Fatal("the proxy goes on")
	}
	t.Logf("ended after %v", time.Since(begin))
}

// A client that reads nothing does not keep the proxy.
func testDrainOfSlowReader(t *testing.T, c *cluster.Cluster) {
	p := further(t, c, "", "timeouts: {drain: 1s}\n")
	w := wire(t, p)
	w.SetTimeout(300 * time.Millisecond)
	_ = w.Write(burstOfBig(3000)) // their answers are more than the kernel takes
	time.Sleep(200 * time.Millisecond)
	begin := time.Now()
	p.Stop() // fails after 30 s
	if took := time.Since(begin); took > 10*time.Second {
		t.Errorf("the end took %v", took)
	}
}
