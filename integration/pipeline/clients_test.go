package pipeline

import (
	"encoding/binary"
	"fmt"
	"sync"
	"testing"
	"time"

	"lockstep/integration/cluster"
	"lockstep/integration/wireclient"
)

// asked is a command with a check of its answer.
type asked struct {
	command wireclient.Command
	check   func(*wireclient.Answer) error
}

func plainOK(a *wireclient.Answer) error {
	if len(a.Results) != 1 || a.Results[0].OK == nil {
		return fmt.Errorf("%v %s instead of OK", a.Lines(), a.Detail())
	}
	return nil
}

func pointOf(id int) func(*wireclient.Answer) error {
	return func(a *wireclient.Answer) error { return checkPoint(a, nil, id) }
}

// executeInt is COM_STMT_EXECUTE with one integer; anew: with its type.
func executeInt(statement uint32, id int, anew bool) wireclient.Command {
	c := binary.LittleEndian.AppendUint32(wireclient.Command{wireclient.ComStmtExecute}, statement)
	c = append(c, 0, 1, 0, 0, 0, 0)
	if anew {
		c = append(c, 1, 8, 0)
	} else {
		return append(append(c, 0), binary.LittleEndian.AppendUint64(nil, uint64(id))...)
	}
	return binary.LittleEndian.AppendUint64(c, uint64(id))
}

// A client that writes a thousand commands at once gets all answers, in order. Its transactions have branches on connections
// that other loops than its own watched before, where there are several.
func testThousandCommands(t *testing.T, c *cluster.Cluster) {
	several := further(t, c, "", "event_loops: 3\n")
	for _, p := range []*cluster.Proxy{c.Proxy, several} {
		thousandCommands(t, p)
	}
}

func thousandCommands(t *testing.T, p *cluster.Proxy) {
	t.Helper()
	var wait sync.WaitGroup
	for client := range 6 {
		w := wireWith(t, p, uint32(client%2*wireclient.CapDeprecateEOF))
		wait.Go(func() {
			a, err := w.Do(wireclient.Command(append([]byte{wireclient.ComStmtPrepare}, "SELECT v FROM k WHERE id = ?"...)))
			if err != nil || len(a.Results) != 1 || a.Results[0].Prepared == nil {
				t.Errorf("%v %v", a.Lines(), err)
				return
			}
			list := thousand(client, a.Results[0].Prepared.ID)
			var burst []byte
			for _, q := range list {
				burst = append(burst, q.command.Wire()...)
			}
			var writing sync.WaitGroup
			writing.Go(func() {
				if err := w.Write(burst); err != nil {
					t.Error(err)
				}
			})
			for i, q := range list {
				a, err := w.Answer(q.command)
				if err == nil {
					err = q.check(a)
				}
				if err != nil {
					t.Errorf("client %d, command %d (%q): %v", client, i, q.command, err)
					break
				}
			}
			writing.Wait()
		})
	}
	wait.Wait()
}

func thousand(client int, statement uint32) (list []asked) {
	say := func(sql string, check func(*wireclient.Answer) error) {
		list = append(list, asked{wireclient.Query(sql), check})
	}
	failing := func(code uint16) func(*wireclient.Answer) error {
		return func(a *wireclient.Answer) error {
			if len(a.Results) != 1 || a.Results[0].Err == nil || a.Results[0].Err.Code != code {
				return fmt.Errorf("%v instead of error %d", a.Lines(), code)
			}
			return nil
		}
	}
	anew := true
	for i := 0; len(list) < 1000; i++ {
		id := (client*237 + i) % rows
		switch i % 10 {
		default:
			say(point(id), pointOf(id))
		case 1, 4, 8:
			list = append(list, asked{executeInt(statement, id, anew), pointOf(id)})
			anew = false
		case 3:
			say("BEGIN", plainOK)
			// Each row is one client's own. They are on both shards.
			say(fmt.Sprintf("UPDATE k SET v = v WHERE id = %d", 500+client), plainOK)
			say(fmt.Sprintf("UPDATE k SET v = v WHERE id = %d", 520+client), plainOK)
			say(fmt.Sprintf("UPDATE k SET v = v WHERE id = %d", 540+client), plainOK)
			list = append(list, asked{executeInt(statement, id, false), pointOf(id)})
			say(point(id), pointOf(id))
			say([]string{"COMMIT", "ROLLBACK"}[i/10%2], plainOK)
		case 5:
			say(fmt.Sprintf("SET @x = %d", i%3), plainOK)
		case 6:
			list = append(list, asked{wireclient.Cmd(wireclient.ComPing), plainOK})
		case 7:
			say(fmt.Sprintf("SELECT nowhere FROM k WHERE id = %d", id), failing(1054))
		}
	}
	return list
}

// Half a command is waited for, and nobody else has to.
func testHalfACommand(t *testing.T, c *cluster.Cluster) {
	r := startReaders(t, c.Proxy, 4)
	defer r.end()
	longest := r.during(func() {
		for _, cut := range []int{1, 3, 4, 5, 20} {
			w := wire(t, c.Proxy)
			command := wireclient.Query(point(11))
			bytes := append(wireclient.Query(point(10)).Wire(), command.Wire()...)
			at := len(bytes) - len(command.Wire()) + cut
			if err := w.Write(bytes[:at]); err != nil {
				t.Fatal(err)
			}
			a, err := w.Answer(command)
			if err := checkPoint(a, err, 10); err != nil {
				t.Errorf("cut at %d: %v", cut, err)
			}
			time.Sleep(50 * time.Millisecond)
			if err := w.Write(bytes[at:]); err != nil {
				t.Fatal(err)
			}
			a, err = w.Answer(command)
			if err := checkPoint(a, err, 11); err != nil {
				t.Errorf("cut at %d: %v", cut, err)
			}
		}
	})
	if longest > patience {
		t.Errorf("others waited %v", longest)
	}
}

// burstOfBig is n commands for rows of 5 KB.
func burstOfBig(n int) (burst []byte) {
	for range n {
		burst = append(burst, wireclient.Query(fmt.Sprintf("SELECT pad FROM big WHERE id = %d", bigID)).Wire()...)
	}
	return burst
}

// A client that does not read for a while loses no answer and holds nobody up.
func testSlowReader(t *testing.T, c *cluster.Cluster) {
	if bigID%len(bigSizes) != 0 {
		t.Fatal("the first big row is not the smallest")
	}
	r := startReaders(t, c.Proxy, 4)
	defer r.end()
	const n = 2000 // 10 MB
	w := wire(t, c.Proxy)
	var writing sync.WaitGroup
	writing.Go(func() {
		if err := w.Write(burstOfBig(n)); err != nil {
			t.Error(err)
		}
	})
	if longest := r.during(func() { time.Sleep(700 * time.Millisecond) }); longest > patience {
		t.Errorf("others waited %v", longest)
	}
	for i := range n {
		a, err := w.Answer(wireclient.Query(""))
		if err != nil || len(a.Results) != 1 || len(a.Results[0].Rows) != 1 || string(a.Results[0].Rows[0].Fields[0]) != pad(bigID) {
			t.Fatalf("answer %d: %v, %v", i, err, a.Detail())
		}
	}
	writing.Wait()
}

// A client that never reads can be ended all the same.
func testKillOfSlowReader(t *testing.T, c *cluster.Cluster) {
	before := metric(t, c.Proxy, "lockstep_sessions", "")
	w := wire(t, c.Proxy)
	w.SetTimeout(300 * time.Millisecond)
	_ = w.Write(burstOfBig(3000))      // their answers are more than the kernel takes
	time.Sleep(200 * time.Millisecond) // until the proxy has found that out
	killer := open(t, c.Proxy, "d")
	killer.exec(fmt.Sprintf("KILL %d", w.Greeting().ConnectionID))
	killer.close()
	eventually(t, "the session has ended", func() bool { return metric(t, c.Proxy, "lockstep_sessions", "") <= before })
}

// A client whose commands cost a loop nothing but its time, one after the other without an end, leaves the others theirs.
func testFlood(t *testing.T, c *cluster.Cluster) {
	r := startReaders(t, c.Proxy, 4)
	defer r.end()
	var burst []byte
	for range 2000 {
		burst = append(burst, wireclient.Cmd(wireclient.ComPing).Wire()...)
	}
	var clients []*wireclient.Conn
	var flooding sync.WaitGroup
	for range 2 {
		w := wire(t, c.Proxy)
		clients = append(clients, w)
		flooding.Go(func() {
			for w.Write(burst) == nil { // until it is closed
			}
		})
		flooding.Go(func() {
			for {
				if a, err := w.Answer(wireclient.Cmd(wireclient.ComPing)); err != nil || a.Closed {
					return
				}
			}
		})
	}
	longest := r.during(func() { time.Sleep(500 * time.Millisecond) })
	for _, w := range clients {
		w.Close()
	}
	flooding.Wait()
	t.Logf("others waited %v at most", longest)
	if longest > patience {
		t.Errorf("others waited %v", longest)
	}
}

// Each session has a state of its own, and changes it all the time: more states than connections.
func testManyStates(t *testing.T, c *cluster.Cluster) {
	p := further(t, c, "max_connections: 8", "")
	var wait sync.WaitGroup
	for i := range 20 {
		wait.Go(func() {
			s, err := tryOpen(t, p, "d")
			if err != nil {
				t.Error(err)
				return
			}
			defer s.close()
			for j := range 10 {
				s.exec(fmt.Sprintf("SET @mine = %d", i*1000+j))
				for range 3 {
					s.want(fmt.Sprintf("%d,%s", i*1000+j, value(j)), fmt.Sprintf("SELECT @mine, v FROM k WHERE id = %d", j))
				}
			}
		})
	}
	wait.Wait()
}
