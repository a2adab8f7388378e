package backend

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"lockstep/protocol"
)

func TestAcquireIsFair(t *testing.T) {
	s := openShard(t, func(o *Options) { o.MaxConns = 1 })
	c := acquire(t, s, nil, true)
	const waiters = 20
	var mu sync.Mutex
	var order []int
	var wg sync.WaitGroup
	for i := range waiters {
		// Both kinds of connection, so that some waiters get a place instead.
		st := &State{FoundRows: i%3 == 0}
		wg.Go(func() {
			c, err := s.Acquire(context.Background(), st, i%2 == 0)
			if err != nil {
				t.Error(err)
				return
			}
			mu.Lock()
			order = append(order, i)
			mu.Unlock()
			c.Release()
		})
		eventually(t, "it waits", func() bool { return s.Stats().Waiting == i+1 })
	}
	c.Release()
	wg.Wait()
	if !slices.IsSorted(order) || len(order) != waiters {
		t.Errorf("served in order %v", order)
	}
	if st := s.Stats(); st.Open != 1 || st.InUse != 0 || st.Waiting != 0 {
		t.Errorf("afterwards: %+v", st)
	}
}

func TestPoolLimits(t *testing.T) {
	s := openShard(t, func(o *Options) { o.MaxConns, o.QueueLength, o.AcquireTimeout = 2, 1, 100*time.Millisecond })
	a, b := acquire(t, s, nil, true), acquire(t, s, nil, true)
	slow := make(chan error)
	go func() {
		_, err := s.Acquire(context.Background(), nil, true)
		slow <- err
	}()
	eventually(t, "one waits", func() bool { return s.Stats().Waiting == 1 })
	var full *QueueFullError
	_, err := s.Acquire(t.Context(), nil, true)
	if !errors.As(err, &full) || full.Limit != 1 || full.MaxConns != 2 || full.Shard != "s1" {
		t.Errorf("queue full: %v", err)
	}
	if e := ClientError(err); e == nil || e.Code != 1203 || e.SQLState != "42000" {
		t.Errorf("a client is told %v", e)
	}
	var late *AcquireTimeoutError
	if err := <-slow; !errors.As(err, &late) || late.Limit != 100*time.Millisecond || ClientError(err).Code != 1203 {
		t.Errorf("timeout: %v", err)
	}
	if _, err := s.Acquire(timeout(t, 20*time.Millisecond), nil, true); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("context's end: %v", err)
	}
	a.Release()
	b.Release()
	b.Release() // twice does no harm
	if st := s.Stats(); st.Timeouts != 1 || st.Rejected != 1 || st.Open != 2 || st.Idle != 2 {
		t.Errorf("%+v", st)
	}
}

// A crowd that gives up, breaks connections and asks for both kinds must neither
// lose places nor exceed them.
func TestPoolUnderChurn(t *testing.T) {
	s := openShard(t, func(o *Options) { o.MaxConns, o.MaxIdle = 4, 2 })
	var wg sync.WaitGroup
	for g := range 12 {
		wg.Go(func() {
			for i := range 40 {
				ctx, cancel := context.WithTimeout(context.Background(), time.Duration(1+(g*i)%9)*time.Millisecond)
				c, err := s.Acquire(ctx, &State{FoundRows: (g+i)%4 == 0, Vars: []Variable{{"@g", strconv.Itoa(g % 3)}}}, i%2 == 0)
				if err == nil {
					if _, err := c.Exec(ctx, "DO 1"); err != nil && ctx.Err() == nil {
						t.Error(err)
					}
					if i%7 == 0 {
						c.Discard()
					} else {
						c.Release()
					}
				} else if ctx.Err() == nil && !errors.Is(err, context.DeadlineExceeded) {
					t.Error(err)
				}
				cancel()
				if st := s.Stats(); st.Open > 4 || st.Idle > 2 {
					t.Errorf("limits exceeded: %+v", st)
				}
			}
		})
	}
	wg.Wait()
	if st := s.Stats(); st.InUse != 0 || st.Waiting != 0 {
		t.Errorf("places were lost: %+v", st)
	}
	for range 4 {
		defer acquire(t, s, nil, true).Release()
	}
}

func TestDeadIdleConnectionsAreNotHandedOut(t *testing.T) {
	s := openShard(t)
	st := &State{Database: "mysql", Vars: []Variable{{"sql_mode", "''"}}}
	var cs []*Conn
	for range 8 {
		cs = append(cs, acquire(t, s, st, true))
	}
	for _, c := range cs {
		c.Release()
	}
	t.Run("killed one by one", func(t *testing.T) {
		for _, c := range cs {
			must(t, s.KillConnection(t.Context(), c.ID()))
		}
		time.Sleep(20 * time.Millisecond)
		c := acquire(t, s, st, true)
		run(t, c, "DO 1")
		c.Release()
	})
	t.Run("server restarted", func(t *testing.T) {
		mariadb.kill()
		if err := mariadb.start(); err != nil {
			t.Fatal(err)
		}
		eventually(t, "shard is up", s.Up)
		for range 8 {
			c, err := s.Acquire(t.Context(), st, true)
			if err != nil { // the restart may be noticed by this very call
				var down *DownError
				if !errors.As(err, &down) {
					t.Fatal(err)
				}
				time.Sleep(100 * time.Millisecond)
				c = acquire(t, s, st, true)
			}
			run(t, c, "DO 1")
			c.Release()
		}
	})
}

// Waiters are turned away as soon as the shard is known to be down.
func TestDownShard(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := l.Addr().String()
	_ = l.Close()
	s := NewShard(Options{Name: "gone", Address: address, User: "root", ProbeInterval: 20 * time.Millisecond})
	defer s.Close()
	var down *DownError
	if _, err := s.Acquire(t.Context(), nil, true); !errors.As(err, &down) || down.Shard != "gone" || ClientError(err).Code != 1429 {
		t.Errorf("got %v", err)
	}
	if s.Up() {
		t.Error("is up")
	}
	if err := s.FreeXIDs(t.Context(), []XID{{GTRID: "x"}}); Classify(err) != ClassRetryable {
		t.Errorf("got %v", err)
	}
	if err := s.SettleXID(t.Context(), XID{GTRID: "x"}, true); Classify(err) != ClassRetryable {
		t.Errorf("got %v", err)
	}
}

// A pool that has found its server down asks it again once another pool reaches it.
func TestReachedByAnother(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	var asked atomic.Int64
	go func() {
		for {
			nc, err := l.Accept()
			if err != nil {
				return
			}
			asked.Add(1)
			_ = nc.Close()
		}
	}()
	var reached atomic.Bool
	s := NewShard(Options{Name: "odd", Address: l.Addr().String(), ProbeInterval: time.Hour, Reached: reached.Load})
	defer s.Close()
	try := func() int64 {
		before := asked.Load()
		var down *DownError
		if _, err := s.Acquire(t.Context(), nil, true); !errors.As(err, &down) {
			t.Errorf("got %v", err)
		}
		return asked.Load() - before
	}
	try()
	eventually(t, "it is known to be down", func() bool { return try() == 0 })
	reached.Store(true)
	if n := try(); n == 0 {
		t.Error("the server was not asked")
	}
}

// A peer that accepts and says nothing, or nonsense, costs DialTimeout and no panic.
func TestStrangePeers(t *testing.T) {
	for name, say := range map[string][]byte{
		"silence":       nil,
		"empty packet":  {0, 0, 0, 0},
		"cut greeting":  {5, 0, 0, 0, 10, '1', '0', 0, 1},
		"other service": []byte("SSH-2.0-OpenSSH_9.2p1 Debian-2+deb12u3\r\n"),
	} {
		t.Run(name, func(t *testing.T) {
			l, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			defer l.Close()
			go func() {
				for {
					nc, err := l.Accept()
					if err != nil {
						return
					}
					_, _ = nc.Write(say)
					defer nc.Close()
				}
			}()
			s := NewShard(Options{Name: "odd", Address: l.Addr().String(), DialTimeout: 100 * time.Millisecond})
			defer s.Close()
			began := time.Now()
			var down *DownError
			if _, err := s.Acquire(t.Context(), nil, true); !errors.As(err, &down) {
				t.Errorf("got %v", err)
			}
			if d := time.Since(began); d > 2*time.Second {
				t.Errorf("took %v", d)
			}
		})
	}
}

func TestAcquirePrefersWhatFits(t *testing.T) {
	s := openShard(t)
	x := &State{Database: "mysql", Vars: []Variable{{"sql_mode", "'ANSI'"}}}
	y := &State{Vars: []Variable{{"@u", "1"}}}
	a, b, c := acquire(t, s, x, true), acquire(t, s, y, true), acquire(t, s, x, false)
	ids := []uint32{a.ID(), b.ID(), c.ID()}
	a.Release()
	b.Release()
	c.Release()
	for i, ask := range []struct {
		st *State
		ac bool
	}{{x, true}, {y, true}, {&State{Database: "mysql", Vars: []Variable{{"sql_mode", "'ANSI'"}}}, false}} {
		c := acquire(t, s, ask.st, ask.ac)
		if c.ID() != ids[i] {
			t.Errorf("request %d got another connection", i)
		}
		defer c.Release()
	}
}

func TestReleaseDiscardsWhatIsOpen(t *testing.T) {
	s := openShard(t)
	st := table(t, s)
	for name, spoil := range map[string]func(*Conn){
		"transaction": func(c *Conn) { run(t, c, "BEGIN", "INSERT INTO t VALUES (1,1)") },
		"branch": func(c *Conn) {
			c.autocommit = true
			run(t, c, "SET autocommit=0")
			c.autocommit = false
			must(t, NewBranch(c, "g", "b").Open(t.Context(), nil, nil))
		},
		"marked":                   func(c *Conn) { c.MarkBroken() },
		"unread answer":            func(c *Conn) { must(t, c.send(protocol.ComQuery, "SELECT 1")); _, _ = c.wire.ReadPacket() },
		"unsent command":           func(c *Conn) { must(t, c.Wire().WriteCommand(protocol.ComQuery, []byte("SELECT 1"))) },
		"refused SET while held":   func(c *Conn) { _ = c.SetState(t.Context(), &State{Vars: []Variable{{"sql_mode", "'nonsense'"}}}) },
		"status noted in relaying": func(c *Conn) { c.Wire(); c.NoteStatus(protocol.StatusInTrans) },
	} {
		c := acquire(t, s, st, true)
		id := c.ID()
		spoil(c)
		c.Release()
		d := acquire(t, s, st, true)
		if d.ID() == id {
			t.Errorf("%s: the connection was handed on", name)
		}
		d.Release()
	}
	c := acquire(t, s, st, false)
	id := c.ID()
	c.Wire() // used, with nothing known of how it ended
	c.Release()
	d := acquire(t, s, st, false)
	defer d.Release()
	if d.ID() == id {
		t.Error("autocommit=0 and unknown status: the connection was handed on")
	}
}

func TestUnixSocket(t *testing.T) {
	s := openShard(t, func(o *Options) { o.Address = mariadb.socket() })
	if got := ask(t, s, "SELECT 1"); got != "1" {
		t.Error(got)
	}
}

func TestWrongPassword(t *testing.T) {
	s := openShard(t, func(o *Options) { o.Password = "wrong" })
	_, err := s.Acquire(t.Context(), nil, true)
	var down *DownError
	if !errors.As(err, &down) || code(err) != 1045 {
		t.Errorf("got %v", err)
	}
}

func TestServerFull(t *testing.T) {
	s := openShard(t)
	app := limited(t, s)
	c := acquire(t, s, nil, true)
	run(t, c, "SET GLOBAL max_connections=10")
	var held []*Conn
	var err error
	for range 20 {
		var d *Conn
		if d, err = app.Acquire(t.Context(), nil, true); err != nil {
			break
		}
		held = append(held, d)
	}
	run(t, c, "SET GLOBAL max_connections=600")
	c.Release()
	if code(err) != 1040 || !app.Up() || ClientError(err) == nil {
		t.Errorf("got %v; up: %v", err, app.Up())
	}
	for _, d := range held {
		d.Release()
	}
}

func TestIdleConnectionsAreClosed(t *testing.T) {
	s := openShard(t, func(o *Options) { o.IdleTime = 60 * time.Millisecond })
	acquire(t, s, nil, true).Release()
	_, err := s.PreparedXIDs(t.Context())
	must(t, err)
	eventually(t, "nothing is open", func() bool { return s.Stats().Open == 0 && len(s.side.places) == 0 })
}

// After Close the server has none of our sessions left, and this process none of the goroutines.
func TestClose(t *testing.T) {
	watcher := openShard(t)
	before := goleak.IgnoreCurrent()
	s := NewShard(func() Options { o := mariadb.options(); o.MaxConns = 3; return o }())
	tag := State{Database: "mysql"}
	held := acquire(t, s, &tag, true)
	acquire(t, s, &tag, true).Release()
	_, err := s.PreparedXIDs(t.Context())
	must(t, err)
	more := []*Conn{acquire(t, s, nil, true), acquire(t, s, nil, true)}
	waiting := make(chan error)
	go func() {
		_, err := s.Acquire(context.Background(), nil, true)
		waiting <- err
	}()
	eventually(t, "one waits", func() bool { return s.Stats().Waiting == 1 })
	must(t, s.Close())
	must(t, s.Close())
	if err := <-waiting; !errors.Is(err, ErrClosed) {
		t.Errorf("waiter: %v", err)
	}
	run(t, held, "DO 1") // what is in use stays so
	held.Release()
	for _, c := range more {
		c.Discard()
	}
	if _, err := s.Acquire(t.Context(), nil, true); !errors.Is(err, ErrClosed) {
		t.Errorf("acquire: %v", err)
	}
	if _, err := s.PreparedXIDs(t.Context()); !errors.Is(err, ErrClosed) {
		t.Errorf("recovery: %v", err)
	}
	if st := s.Stats(); st.Open != 0 {
		t.Errorf("%+v", st)
	}
	goleak.VerifyNone(t, before)
	eventually(t, "the server has only the watcher's sessions", func() bool {
		c := acquire(t, watcher, nil, true)
		defer c.Release()
		n, err := strconv.Atoi(rows(t, c, "SELECT COUNT(*) FROM information_schema.processlist WHERE user='root'"))
		must(t, err)
		return n <= 2 // its pool connection and the watched one
	})
}

func BenchmarkAcquire(b *testing.B) {
	if mariadb == nil {
		b.Skip("mariadbd is not installed")
	}
	s := NewShard(mariadb.options())
	defer s.Close()
	st := &State{Vars: []Variable{{"sql_mode", "''"}}}
	b.ReportAllocs()
	for b.Loop() {
		c, err := s.Acquire(b.Context(), st, true)
		if err != nil {
			b.Fatal(err)
		}
		c.Release()
	}
}

func ExampleXID_String() {
	fmt.Println(XID{FormatID: formatID, GTRID: "c.1.e.7", BQUAL: "s1"})
	// Output: "c.1.e.7","s1"
}
