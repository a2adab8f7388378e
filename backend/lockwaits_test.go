package backend

import (
	"slices"
	"strings"
	"testing"
	"time"
)

// Who waits for whom is shown with both connections, in plain and in XA transactions, behind each other in a queue
// too; the same wait is equal in every reading, and gone when it is over.
func TestLockWaits(t *testing.T) {
	onEngines(t, func(t *testing.T, e *engine) {
		ctx := timeout(t, 30*time.Second)
		s := e.open(t)
		state := table(t, s)
		holder := acquire(t, s, state, true)
		run(t, holder, "INSERT INTO t VALUES (1,0),(2,0)", "BEGIN", "UPDATE t SET v = 1 WHERE id = 1")
		read := func(limit int) LockWaits {
			t.Helper()
			for {
				w, err := s.LockWaits(ctx, limit)
				if err != nil {
					t.Fatal(err)
				}
				if w.Fresh {
					return w
				}
				time.Sleep(110 * time.Millisecond)
			}
		}
		if w := read(100); len(w.Waits) != 0 || w.Cut {
			t.Fatalf("before anybody waits: %+v", w)
		}
		first := acquire(t, s, state, false)
		run(t, first, "SET SESSION innodb_lock_wait_timeout = 60")
		b := NewBranch(first, "c.p.e.lockwaits", "s1")
		if err := b.Open(ctx, nil, nil); err != nil {
			t.Fatal(err)
		}
		second := acquire(t, s, state, true)
		run(t, second, "SET SESSION innodb_lock_wait_timeout = 60")
		done := make(chan error, 2)
		update := func(c *Conn) {
			_, err := c.Exec(ctx, "UPDATE t SET v = v + 10 WHERE id = 1")
			done <- err
		}
		find := func(w LockWaits, waiter, blocker *Conn) *LockWait {
			i := slices.IndexFunc(w.Waits, func(w LockWait) bool {
				return w.Waiter.Connection == waiter.ID() && w.Blocker.Connection == blocker.ID()
			})
			if i < 0 {
				return nil
			}
			return &w.Waits[i]
		}
		go update(first)
		var w LockWaits
		eventually(t, "the first wait is shown", func() bool { w = read(100); return find(w, first, holder) != nil })
		go update(second)
		eventually(t, "the second wait is shown", func() bool { w = read(100); return find(w, second, holder) != nil && find(w, second, first) != nil })
		time.Sleep(1100 * time.Millisecond)
		again := read(100)
		for _, pair := range [][2]*Conn{{first, holder}, {second, holder}, {second, first}} {
			x, y := find(w, pair[0], pair[1]), find(again, pair[0], pair[1])
			if x == nil || y == nil || *x != *y {
				t.Errorf("the same wait is %+v and then %+v", x, y)
				continue
			}
			if x.Waiter.Transaction == 0 || x.Blocker.Transaction == 0 || x.Waiter.Transaction == x.Blocker.Transaction || x.Wait == "" {
				t.Errorf("wait %+v", x)
			}
		}
		if cut := read(1); !cut.Cut || len(cut.Waits) > 1 {
			t.Errorf("with a limit of 1: %+v", cut)
		}
		// Another wait of the same transaction for the same blocker is another wait.
		if err := s.KillQuery(ctx, second.ID()); err != nil {
			t.Fatal(err)
		}
		if err := <-done; code(err) != 1317 {
			t.Fatalf("the killed waiter hears %v", err)
		}
		time.Sleep(1100 * time.Millisecond)
		go update(second)
		var other LockWaits
		eventually(t, "the new wait is shown", func() bool { other = read(100); return find(other, second, holder) != nil })
		if x, y := find(again, second, holder), find(other, second, holder); x != nil && *x == *y {
			t.Errorf("two waits are shown as one: %+v", x)
		}
		run(t, holder, "COMMIT")
		if err := <-done; err != nil {
			t.Fatal(err)
		}
		if err := b.Rollback(ctx); err != nil {
			t.Fatal(err)
		}
		if err := <-done; err != nil {
			t.Fatal(err)
		}
		if w := read(100); len(w.Waits) != 0 {
			t.Errorf("after all waits: %+v", w)
		}
		for _, c := range []*Conn{holder, first, second} {
			c.Discard() // two have a setting of their own
		}
	})
}

// On MariaDB a second reading within 100 ms says that it is old, whoever read first.
func TestLockWaitsOfACache(t *testing.T) {
	needMariaDB(t)
	s := openShard(t)
	ctx := timeout(t, 10*time.Second)
	time.Sleep(150 * time.Millisecond)
	fresh := 0
	for range 6 {
		w, err := s.LockWaits(ctx, 100)
		if err != nil {
			t.Fatal(err)
		}
		if w.Fresh {
			fresh++
		}
		time.Sleep(20 * time.Millisecond)
	}
	if fresh != 1 {
		t.Errorf("%d of 6 readings in a row are fresh, want the first alone", fresh)
	}
}

// A user without the privilege gets an error that says so.
func TestLockWaitsDenied(t *testing.T) {
	onEngines(t, func(t *testing.T, e *engine) {
		ctx := timeout(t, 10*time.Second)
		root := acquire(t, e.open(t), nil, true)
		run(t, root, "DROP USER IF EXISTS nobody", "CREATE USER nobody IDENTIFIED BY 'pw'")
		defer root.Release()
		s := e.open(t, func(o *Options) { o.User, o.Password = "nobody", "pw" })
		if _, err := s.LockWaits(ctx, 100); !LockWaitsDenied(err) {
			t.Errorf("lock waits: %v", err)
		}
		if _, _, err := s.AnnouncedWaits(ctx, 1e6, 10); !AnnouncingDenied(err) {
			t.Errorf("board: %v", err)
		}
		run(t, root, "DROP USER nobody")
	})
	s := NewShard(Options{Name: "s1", Address: "127.0.0.1:1", DialTimeout: time.Second})
	defer s.Close()
	if _, err := s.LockWaits(timeout(t, 5*time.Second), 100); err == nil || LockWaitsDenied(err) {
		t.Errorf("a server that is down: %v", err)
	}
}

// Rows are written, renewed, marked, seen by age, taken back and purged; the table is made by whoever comes first.
func TestAnnouncedWaits(t *testing.T) {
	onEngines(t, func(t *testing.T, e *engine) {
		ctx := timeout(t, 20*time.Second)
		s := e.open(t)
		c := acquire(t, s, nil, true)
		run(t, c, "DROP TABLE IF EXISTS lockstep.waiter")
		c.Release()
		for _, first := range []bool{true, false} {
			if made, err := s.CreateWaiterTable(ctx); made != first || err != nil {
				t.Fatalf("made %v, want %v: %v", made, first, err)
			}
		}
		c = acquire(t, s, nil, true)
		run(t, c, "DROP TABLE lockstep.waiter") // whoever needs it makes it too
		c.Release()
		all := func() ([]AnnouncedWait, int64) {
			t.Helper()
			rows, clock, err := s.AnnouncedWaits(ctx, 60e6, 10)
			if err != nil {
				t.Fatal(err)
			}
			slices.SortFunc(rows, func(a, b AnnouncedWait) int { return strings.Compare(a.GTRID, b.GTRID) })
			return rows, clock
		}
		rows, clock := all()
		if len(rows) != 0 || time.Since(time.UnixMicro(clock)).Abs() > time.Minute {
			t.Fatalf("%d rows at %v", len(rows), time.UnixMicro(clock))
		}
		a := AnnouncedWait{GTRID: "c.p.e.1", Coordinator: "c.p", Began: -5, Wait: 7, Branches: "s1:1,s2:2", Detects: 2, Since: clock - 10, Seen: clock}
		b := AnnouncedWait{GTRID: "c.p.e.'2", Coordinator: "c.p", Began: 9, Wait: 1 << 63, Branches: strings.Repeat("x", MaxAnnouncedBranches), Since: clock, Seen: clock - 50e6}
		announce := func(gone []string, rows ...AnnouncedWait) {
			t.Helper()
			if err := s.AnnounceWaits(ctx, rows, gone); err != nil {
				t.Fatal(err)
			}
		}
		want := func(want ...AnnouncedWait) {
			t.Helper()
			if got, _ := all(); !slices.Equal(got, want) {
				t.Errorf("rows\n%+v\nwant\n%+v", got, want)
			}
		}
		announce(nil, a, b)
		want(b, a)
		if rows, _, err := s.AnnouncedWaits(ctx, 60e6, 1); err != nil || len(rows) != 1 {
			t.Errorf("with a limit of 1: %d rows, %v", len(rows), err)
		}
		if rows, _, err := s.AnnouncedWaits(ctx, 30e6, 10); err != nil || len(rows) != 1 || rows[0].GTRID != a.GTRID {
			t.Errorf("those of the last 30 s: %+v, %v", rows, err)
		}
		if err := s.MarkVictim(ctx, a.GTRID, 6); err != nil {
			t.Fatal(err)
		}
		want(b, a) // another statement
		if err := s.MarkVictim(ctx, a.GTRID, 7); err != nil {
			t.Fatal(err)
		}
		a.Victim = 7
		want(b, a)
		a.Wait, a.Since, a.Seen, a.Detects, a.Branches = 8, clock, clock+5, 1, "s1:1,s2:2,s3:3"
		announce([]string{b.GTRID, "unknown"}, a) // renewed: the old mark stays and means nothing
		want(a)
		if err := s.PurgeAnnouncedWaits(ctx, clock+5, 10); err != nil {
			t.Fatal(err)
		}
		want(a)
		if err := s.PurgeAnnouncedWaits(ctx, clock+6, 10); err != nil {
			t.Fatal(err)
		}
		want()
		announce(nil)
	})
}
