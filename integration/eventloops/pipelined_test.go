package eventloops

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"

	"lockstep/integration/cluster"
	"lockstep/integration/wireclient"
)

// Commands that a client sends before it has the answers are answered in their order, whatever kinds of them follow each other:
// some have server connections of their own, some share one, some wait until they are prepared.
func testPipelined(t *testing.T, c *cluster.Cluster) {
	var wait sync.WaitGroup
	for i := range 4 {
		wait.Go(func() { pipelined(t, c, uint64(i)) })
	}
	wait.Wait()
}

func pipelined(t *testing.T, c *cluster.Cluster, seed uint64) {
	k, err := wireclient.Connect(c.Listen, wireclient.Options{User: cluster.User, Password: cluster.Password, Database: "d"})
	if err != nil {
		t.Error(err)
		return
	}
	defer k.Close()
	random := rand.New(rand.NewPCG(seed, 1))
	var prepared []uint32
	var times []int
	for n := 1; n <= 6; n++ {
		a, err := k.Do(wireclient.Cmd(wireclient.ComStmtPrepare, fmt.Appendf(nil, "SELECT v * %d FROM a WHERE id = ? /* %d */", n, seed%2)...))
		if err != nil || len(a.Results) != 1 || a.Results[0].Prepared == nil {
			t.Errorf("prepare: %v %v", err, a)
			return
		}
		prepared, times = append(prepared, a.Results[0].Prepared.ID), append(times, n)
	}
	for range 100 {
		var out []byte
		var sent []wireclient.Command
		var want []string
		for range 1 + random.IntN(12) {
			id := random.IntN(100)
			var cmd wireclient.Command
			answer := ""
			switch kind := random.IntN(10); {
			case kind == 0:
				cmd = wireclient.Query(fmt.Sprintf("UPDATE a SET v = %d WHERE id = %d", 2*id, id))
			case kind == 1:
				cmd = wireclient.Cmd(wireclient.ComPing)
			case kind < 5:
				cmd, answer = wireclient.Query(fmt.Sprintf("SELECT v FROM a WHERE id = %d", id)), fmt.Sprint(2*id)
			default:
				n := random.IntN(len(prepared))
				arg := binary.LittleEndian.AppendUint32(nil, prepared[n])
				arg = append(arg, 0, 1, 0, 0, 0, 0, 1, 3, 0)
				cmd = wireclient.Cmd(wireclient.ComStmtExecute, binary.LittleEndian.AppendUint32(arg, uint32(id))...)
				answer = fmt.Sprint(2 * id * times[n])
			}
			out = append(out, cmd.Wire()...)
			sent, want = append(sent, cmd), append(want, answer)
		}
		if err := k.Write(out); err != nil {
			t.Error(err)
			return
		}
		for i, cmd := range sent {
			a, err := k.Answer(cmd)
			if err != nil || a.Closed || len(a.Results) != 1 || a.Results[0].Err != nil {
				t.Errorf("%q: %v %v", cmd, err, a.Lines())
				return
			}
			got := ""
			for _, r := range a.Results[0].Rows {
				got = string(r.Fields[0])
				if cmd[0] == wireclient.ComStmtExecute {
					got = fmt.Sprint(binary.LittleEndian.Uint64(r.Fields[0]))
				}
			}
			if got != want[i] {
				t.Errorf("%q: %q, want %q", cmd, got, want[i])
				return
			}
		}
	}
}

// What a packet of several statements has left behind says nothing of the next command.
func testPingAfterFailedPacket(t *testing.T, c *cluster.Cluster) {
	k := dial(t, c, wireclient.CapMultiStatements)
	a, err := k.Do(wireclient.Query("SELECT nosuch; SELECT 1"))
	if err != nil || len(a.Results) != 1 || a.Results[0].Err == nil {
		t.Fatalf("%v %v", err, a.Lines())
	}
	a, err = k.Do(wireclient.Cmd(wireclient.ComPing))
	if err != nil || a.Results[0].OK.Status&wireclient.StatusMoreResults != 0 {
		t.Errorf("the ping's answer announces another: %v %v", err, a.Lines())
	}
}
