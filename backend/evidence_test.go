package backend

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// What a branch locks and who waits for it, while its session lives, after it, and among others.
func TestLocksOfBranches(t *testing.T) { onEngines(t, locksOfBranches) }

func locksOfBranches(t *testing.T, e *engine) {
	ctx := timeout(t, 60*time.Second)
	s := e.open(t)
	state := table(t, s)
	setup := acquire(t, s, state, true)
	run(t, setup, "INSERT INTO t VALUES (1,0),(2,0),(3,0),(4,0)")
	setup.Release()

	prepare := func(gtrid string, rows string) (*Conn, XID) {
		c := acquire(t, s, state, false)
		b := NewBranch(c, gtrid, "s1")
		if err := b.Open(ctx, nil, nil); err != nil {
			t.Fatal(err)
		}
		run(t, c, "UPDATE t SET v = v + 1 WHERE id IN ("+rows+")")
		if err := b.Prepare(ctx); err != nil {
			t.Fatal(err)
		}
		return c, b.XID()
	}
	c, x := prepare("c.p.e.1", "1,2")
	waiter := acquire(t, s, state, true)
	waiting := make(chan error, 1)
	go func() {
		_, err := waiter.Exec(ctx, "UPDATE t SET v = v + 10 WHERE id = 2")
		waiting <- err
	}()
	look := func(x XID, connection uint32) (h []Holder, w []Waiter) {
		t.Helper()
		h, w, err := s.Locks(ctx, x, connection)
		if err != nil {
			t.Fatal(err)
		}
		return h, w
	}
	var h []Holder
	var w []Waiter
	eventually(t, "the waiter is shown", func() bool { h, w = look(x, c.ID()); return len(w) == 1 })
	owner := uint64(c.ID())
	if e.name == "MySQL" { // free since XA PREPARE
		owner = 0
	}
	if len(h) != 1 || !h[0].Certain || h[0].Connection != owner || h[0].RowsModified != 2 || h[0].RowsLocked < 2 || h[0].TablesLocked != 1 {
		t.Errorf("holders %+v", h)
	}
	if w[0].Connection != uint64(waiter.ID()) || w[0].User != e.options.User || w[0].For != h[0].Transaction ||
		!strings.Contains(w[0].Statement, "v + 10") || !strings.Contains(w[0].Table, state.Database) || w[0].Index != "PRIMARY" {
		t.Errorf("waiters %+v", w)
	}
	// The shard remembers which session of this process prepared it.
	if h, _ := look(x, 0); len(h) != 1 || !h[0].Certain {
		t.Errorf("without its connection: %+v", h)
	}
	// A session that is gone: the only detached transaction, as long as nothing else is prepared.
	hangUp(t, c, false)
	eventually(t, "it is detached", func() bool { h, w = look(x, 0); return len(h) == 1 && h[0].Connection == 0 })
	if !h[0].Certain || h[0].RowsModified != 2 {
		t.Errorf("detached: %+v", h)
	}
	c2, x2 := prepare("c.p.e.2", "3")
	hangUp(t, c2, false)
	eventually(t, "both are detached", func() bool { h, w = look(x, 0); return len(h) == 2 })
	if h[0].Certain || h[1].Certain || len(w) != 1 {
		t.Errorf("two detached ones: %+v %+v", h, w)
	}
	if err := settle(ctx, s, []XID{x, x2}, true); err != nil {
		t.Fatal(err)
	}
	if err := <-waiting; err != nil {
		t.Error(err)
	}
	waiter.Release()
	if h, w := look(x, 0); len(h) != 0 || len(w) != 0 {
		t.Errorf("settled: %+v %+v", h, w)
	}
	if got := ask(t, s, "SELECT GROUP_CONCAT(v ORDER BY id) FROM "+state.Database+".t"); got != "1,11,1,0" {
		t.Errorf("rows %s", got)
	}
}

func TestPickNeverGuesses(t *testing.T) {
	detached := func(id string) Holder { return Holder{Transaction: id} }
	for _, c := range []struct {
		name       string
		all        []Holder
		connection uint64
		listed     int
		want       string
	}{
		{"its own session", []Holder{{Transaction: "1", Connection: 7}, detached("2")}, 7, 2, "1 certain"},
		{"its session is gone, one is left", []Holder{{Transaction: "1", Connection: 8}, detached("2")}, 7, 1, "2 certain"},
		{"two detached", []Holder{detached("1"), detached("2")}, 0, 2, "1 maybe, 2 maybe"},
		{"one detached, two listed: the other may have written nothing", []Holder{detached("1")}, 0, 2, "1 maybe"},
		{"held by a session that is not known", []Holder{{Transaction: "1", Connection: 8}}, 0, 1, ""},
	} {
		var got []string
		for _, h := range pick(c.all, c.connection, c.listed) {
			word := " maybe"
			if h.Certain {
				word = " certain"
			}
			got = append(got, h.Transaction+word)
		}
		if s := strings.Join(got, ", "); s != c.want {
			t.Errorf("%s: %q, expected %q", c.name, s, c.want)
		}
	}
	var many []Holder
	for i := range 3 * maxHolders {
		many = append(many, detached(fmt.Sprint(i)))
	}
	if n := len(pick(many, 0, 500)); n != maxHolders {
		t.Errorf("%d holders are shown, the limit is %d", n, maxHolders)
	}
}
