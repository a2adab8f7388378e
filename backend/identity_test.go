package backend

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"
)

func state(n *Name) NameState { return n.Status().State }

func TestNameIsHeldByOne(t *testing.T) { onEngines(t, nameIsHeldByOne) }

func nameIsHeldByOne(t *testing.T, e *engine) {
	events := make(chan NameStatus, 16)
	a, b := e.open(t), e.open(t)
	first := a.HoldName(t.Context(), "lockstep.c.p1", nil)
	if state(first) != NameHeld {
		t.Fatalf("first: %+v", first.Status())
	}
	other := b.HoldName(t.Context(), "lockstep.c.p2", nil)
	elsewhere := e.open(t, func(o *Options) { o.Name = "s2" }).HoldName(t.Context(), "lockstep.c.p1", nil)
	if state(other) != NameHeld || state(elsewhere) != NameHeld {
		t.Errorf("another name: %+v; the same for another shard of the server: %+v", other.Status(), elsewhere.Status())
	}
	second := b.HoldName(t.Context(), "lockstep.c.p1", func(s NameStatus) { events <- s })
	st := second.Status()
	var taken *NameTakenError
	if st.State != NameTaken || !errors.As(st.Err, &taken) || st.Holder.Connection == 0 || !strings.HasPrefix(st.Holder.Host, "127.0.0.1:") || st.Holder.User != e.options.User {
		t.Fatalf("second: %+v", st)
	}
	if h := ask(t, a, fmt.Sprintf("SELECT COUNT(*) FROM information_schema.processlist WHERE id=%d", st.Holder.Connection)); h != "1" {
		t.Error("the holder's connection is not the server's")
	}
	first.Release()
	if got := next(t, events); got.State != NameHeld || state(second) != NameHeld {
		t.Errorf("after the release: %+v", got)
	}
	// Its connection is ended: lost, then had again.
	id := ask(t, a, "SELECT IS_USED_LOCK('lockstep.c.p1/s1')")
	run := acquire(t, a, nil, true)
	_, err := run.Exec(t.Context(), "KILL CONNECTION "+id)
	must(t, err)
	run.Release()
	if got := next(t, events); got.State != NameWanted || got.Err == nil {
		t.Errorf("after the kill: %+v", got)
	}
	if got := next(t, events); got.State != NameHeld {
		t.Errorf("afterwards: %+v", got)
	}
	second.Release()
	second.Release()
	if ask(t, a, "SELECT IS_FREE_LOCK('lockstep.c.p1/s1')") != "1" {
		t.Error("not free after Release")
	}
}

func next(t *testing.T, events chan NameStatus) NameStatus {
	t.Helper()
	select {
	case s := <-events:
		return s
	case <-time.After(10 * time.Second):
		t.Fatal("no event")
		return NameStatus{}
	}
}

func TestNameSurvivesTheServersRestart(t *testing.T) { onEngines(t, nameSurvivesRestart) }

func nameSurvivesRestart(t *testing.T, e *engine) {
	events := make(chan NameStatus, 16)
	s := e.open(t)
	n := s.HoldName(t.Context(), "lockstep.c.p1", func(s NameStatus) { events <- s })
	e.kill(t)
	if got := next(t, events); got.State != NameWanted {
		t.Errorf("after the server's end: %+v", got)
	}
	unreachable := s.HoldName(t.Context(), "lockstep.c.p9", nil)
	if st := unreachable.Status(); st.State != NameWanted || !errors.As(st.Err, new(*DownError)) {
		t.Errorf("while it is down: %+v", st)
	}
	e.start(t)
	if got := next(t, events); got.State != NameHeld || state(n) != NameHeld {
		t.Errorf("after its start: %+v", got)
	}
	eventually(t, "the other name is held too", func() bool { return state(unreachable) == NameHeld })
}

// A holder that is silent for NameTimeout without having ended loses the name.
func TestNameOfASilentHolder(t *testing.T) {
	s := openShard(t, func(o *Options) { o.NameTimeout = time.Second })
	n := &Name{s: s, name: "silent", lock: lockName("silent", "s1")}
	c, st := n.take(t.Context()) // nobody keeps it
	if st.State != NameHeld {
		t.Fatal(st.Err)
	}
	defer c.wire.Close()
	began := time.Now()
	successor := openShard(t).HoldName(t.Context(), "silent", nil)
	eventually(t, "a successor has it", func() bool { return state(successor) == NameHeld })
	if took := time.Since(began); took > 5*time.Second {
		t.Errorf("after %v", took)
	}
	// One that gives signs of life keeps it.
	alive := s.HoldName(t.Context(), "alive", nil)
	time.Sleep(2500 * time.Millisecond)
	if state(alive) != NameHeld || ask(t, s, "SELECT IS_FREE_LOCK('alive/s1')") != "0" {
		t.Error("a living holder lost it")
	}
}

func TestLockName(t *testing.T) {
	long := strings.Repeat("s", 64)
	for _, row := range [][2]string{{"lockstep.c.p1", "s1"}, {"lockstep.c.p1", long}, {"it's", "s1"}, {"ümlaut", "s1"}} {
		got := lockName(row[0], row[1])
		if len(got) > 64 || strings.ContainsAny(got, `'\`) || got == lockName(row[0], row[1]+"x") {
			t.Errorf("%v: %q", row, got)
		}
	}
}

// holdVariable makes a process of this test program hold a name on the server at that address.
const holdVariable = "LOCKSTEP_TEST_HOLD"

func holdForever(address string) {
	s := NewShard(Options{Name: "s1", Address: address, User: "root"})
	fmt.Println(s.HoldName(context.Background(), "process", nil).Status().State)
	select {}
}

// A process that is stopped keeps its name, one that is killed loses it at once.
func TestNameOfAFrozenAndOfAKilledProcess(t *testing.T) {
	s := openShard(t)
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	p := exec.Command(program)
	p.Env = append(os.Environ(), holdVariable+"="+needServer(t).address())
	p.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	out, err := p.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = p.Process.Kill()
		_ = p.Wait()
	})
	if line, err := bufio.NewReader(out).ReadString('\n'); line != "held\n" {
		t.Fatalf("the process says %q, %v", line, err)
	}
	must(t, p.Process.Signal(syscall.SIGSTOP))
	n := s.HoldName(t.Context(), "process", nil)
	time.Sleep(1500 * time.Millisecond)
	if st := n.Status(); st.State != NameTaken || !errors.As(st.Err, new(*NameTakenError)) {
		t.Errorf("while it is frozen: %+v", st)
	}
	began := time.Now()
	must(t, p.Process.Kill())
	eventually(t, "its name is free", func() bool { return state(n) == NameHeld })
	if took := time.Since(began); took > 3*time.Second {
		t.Errorf("after %v", took)
	}
}
