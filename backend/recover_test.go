package backend

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// free retries FreeXIDs as the resolver does.
func settle(ctx context.Context, s *Shard, xids []XID, commit bool) error {
	if err := s.FreeXIDs(ctx, xids); err != nil {
		return err
	}
	var wg sync.WaitGroup
	errs := make([]error, len(xids))
	for i, x := range xids {
		wg.Go(func() {
			for range 20 {
				if errs[i] = s.SettleXID(ctx, x, commit); Classify(errs[i]) != ClassRetryable {
					return
				}
				time.Sleep(5 * time.Millisecond)
				if err := s.FreeXIDs(ctx, []XID{x}); err != nil {
					errs[i] = err
					return
				}
			}
		})
	}
	wg.Wait()
	return errors.Join(errs...)
}

// hangUp closes the socket as a dying process does: at once, with or without a reset.
func hangUp(t *testing.T, c *Conn, reset bool) {
	t.Helper()
	if reset {
		if err := c.nc.(*net.TCPConn).SetLinger(0); err != nil {
			t.Fatal(err)
		}
	}
	c.Discard()
}

// An XA COMMIT that comes too soon after the owner's end answers OK and commits nothing.
// Over all rounds not one row may be missing, whoever recovers.
func TestGateLosesNothing(t *testing.T) {
	const rounds, branches = 24, 16
	for _, who := range []string{"same process", "other process"} {
		t.Run(who, func(t *testing.T) {
			owner := openShard(t)
			resolver := owner
			if who == "other process" {
				resolver = openShard(t)
			}
			st := table(t, owner)
			// Live transactions of the resolver's own must not hold the gate up.
			live := openBranch(t, resolver, st)
			run(t, live.Conn(), "INSERT INTO t VALUES (-1,0)")
			if err := live.Prepare(t.Context()); err != nil {
				t.Fatal(err)
			}
			began := time.Now()
			for round := range rounds {
				bs := make([]*Branch, branches)
				xids := make([]XID, branches)
				for i := range bs {
					bs[i] = openBranch(t, owner, st)
					xids[i] = bs[i].XID()
					run(t, bs[i].Conn(), fmt.Sprintf("INSERT INTO t VALUES (%d,1)", round*branches+i))
					if err := bs[i].Prepare(t.Context()); err != nil {
						t.Fatal(err)
					}
				}
				var wg sync.WaitGroup
				for i, b := range bs {
					wg.Go(func() { hangUp(t, b.Conn(), i%2 == 0) })
				}
				if err := settle(t.Context(), resolver, xids, true); err != nil {
					t.Fatal(err)
				}
				wg.Wait()
				for _, x := range xids {
					if listed(t, resolver, x) {
						t.Fatalf("%s is still listed", x)
					}
				}
			}
			n := ask(t, resolver, "SELECT COUNT(*) FROM "+st.Database+".t WHERE v=1")
			if n != fmt.Sprint(rounds*branches) {
				t.Errorf("%s of %d rows were committed", n, rounds*branches)
			}
			t.Logf("%d branches in %d rounds, %v a round", rounds*branches, rounds, time.Since(began)/rounds)
			if err := live.Commit(t.Context()); err != nil {
				t.Error(err)
			}
			live.Conn().Release()
		})
	}
}

// Without the gate the loss does happen, and is detected: so the test above can fail.
func TestCommitBeforeTheGateIsDetected(t *testing.T) {
	s := openShard(t, func(o *Options) { o.RecoveryConns = 40 })
	st := table(t, s)
	const branches = 16
	lost := map[XID]int{}
	var mu sync.Mutex
	for round := 0; round < 60 && len(lost) == 0; round++ {
		bs := make([]*Branch, branches)
		for i := range bs {
			bs[i] = openBranch(t, s, st)
			run(t, bs[i].Conn(), fmt.Sprintf("INSERT INTO t VALUES (%d,1)", round*branches+i))
			if err := bs[i].Prepare(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		var wg sync.WaitGroup
		for i, b := range bs {
			wg.Go(func() {
				b.Conn().Discard()
				err := s.onSide(t.Context(), func(ctx context.Context, c *Conn) error {
					for {
						if _, err := c.Exec(ctx, "XA COMMIT "+b.sql); code(err) != 1397 {
							return err
						}
					}
				})
				if err != nil {
					t.Error(err)
				}
				if ask(t, s, fmt.Sprintf("SELECT COUNT(*) FROM %s.t WHERE id=%d", st.Database, round*branches+i)) == "0" {
					mu.Lock()
					lost[b.XID()] = round*branches + i
					mu.Unlock()
				}
			})
		}
		wg.Wait()
	}
	if len(lost) == 0 {
		t.Skip("the race did not happen")
	}
	t.Logf("%d commits were lost", len(lost))
	v, err := s.verify(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if v.hidden != len(lost) {
		t.Errorf("%d hidden transactions were detected, want %d", v.hidden, len(lost))
	}
	b := openBranch(t, s, st)
	run(t, b.Conn(), "INSERT INTO t VALUES (-1,1)")
	if err := b.Prepare(t.Context()); err != nil {
		t.Fatal(err)
	}
	b.Conn().Discard()
	var hidden *HiddenError
	if err := settle(t.Context(), s, []XID{b.XID()}, true); !errors.As(err, &hidden) || Classify(err) != ClassUnknown {
		t.Errorf("settled beside hidden transactions: %v", err)
	}
	// A restart brings them back: then they are listed and can be committed.
	mariadb.kill()
	if err := mariadb.start(); err != nil {
		t.Fatal(err)
	}
	for x, id := range lost {
		eventually(t, "lost branch is listed", func() bool { xids, err := s.PreparedXIDs(t.Context()); return err == nil && slices.Contains(xids, x) })
		if err := settle(t.Context(), s, []XID{x}, true); err != nil {
			t.Fatal(err)
		}
		if got := ask(t, s, fmt.Sprintf("SELECT v FROM %s.t WHERE id=%d", st.Database, id)); got != "1" {
			t.Errorf("row is %q after restart and commit", got)
		}
	}
}

func TestRecoveryAfterServerCrash(t *testing.T) {
	var ups atomic.Int32
	s := openShard(t, func(o *Options) { o.OnUp = func(string) { ups.Add(1) } })
	st := table(t, s)
	eventually(t, "OnUp was called", func() bool { return ups.Load() == 1 })
	var xids []XID
	for i := range 30 {
		b := openBranch(t, s, st)
		run(t, b.Conn(), fmt.Sprintf("INSERT INTO t VALUES (%d,1)", i))
		if err := b.Prepare(t.Context()); err != nil {
			t.Fatal(err)
		}
		xids = append(xids, b.XID())
		defer b.Conn().Discard()
	}
	mariadb.kill()
	eventually(t, "shard is down", func() bool { return !s.Up() })
	var down *DownError
	if _, err := s.Acquire(t.Context(), nil, true); !errors.As(err, &down) || down.ClientError().Code != 1429 {
		t.Errorf("acquire from a dead server: %v", err)
	}
	if _, err := s.PreparedXIDs(t.Context()); Classify(err) != ClassRetryable {
		t.Errorf("recovery on a dead server: %v", err)
	}
	if err := mariadb.start(); err != nil {
		t.Fatal(err)
	}
	eventually(t, "OnUp was called again", func() bool { return ups.Load() >= 2 })
	if err := settle(t.Context(), s, xids[:20], true); err != nil {
		t.Fatal(err)
	}
	if err := settle(t.Context(), s, xids[20:], false); err != nil {
		t.Fatal(err)
	}
	if got := ask(t, s, "SELECT COUNT(*), MAX(id) FROM "+st.Database+".t"); got != "20,19" {
		t.Errorf("table has %s, want 20 rows up to 19", got)
	}
}

func TestSettleVerdicts(t *testing.T) {
	needMariaDB(t)
	s, other := openShard(t), openShard(t, func(o *Options) { o.GateTimeout = 200 * time.Millisecond })
	st := table(t, s)
	ctx := t.Context()
	unknown := XID{FormatID: formatID, GTRID: "c.1.e.never", BQUAL: "s1"}
	var gone *GoneError
	if err := other.SettleXID(ctx, unknown, true); !errors.As(err, &gone) || Classify(err) != ClassUnknown {
		t.Errorf("unknown branch: %v", err)
	}
	b := openBranch(t, s, st)
	run(t, b.Conn(), "INSERT INTO t VALUES (1,1)")
	if err := b.Prepare(ctx); err != nil {
		t.Fatal(err)
	}
	var attached *AttachedError
	if err := other.SettleXID(ctx, b.XID(), true); !errors.As(err, &attached) || Classify(err) != ClassRetryable {
		t.Errorf("held by a live session: %v", err)
	}
	var held *HeldError
	if err := other.FreeXIDs(ctx, []XID{b.XID()}); !errors.As(err, &held) || len(held.Connections) != 1 || held.Connections[0] != b.Conn().ID() ||
		!strings.Contains(err.Error(), "root@127.0.0.1") {
		t.Errorf("freeing a held branch: %v", err)
	}
	// The process that prepared it ends its own session.
	if err := s.FreeXIDs(ctx, []XID{b.XID()}); err != nil {
		t.Fatal(err)
	}
	admin := acquire(t, other, nil, true)
	run(t, admin, "SET GLOBAL read_only=1")
	var ro *ReadOnlyError
	err := other.SettleXID(ctx, b.XID(), true)
	run(t, admin, "SET GLOBAL read_only=0")
	admin.Release()
	if !errors.As(err, &ro) || Classify(err) != ClassRetryable {
		t.Errorf("read-only server: %v", err)
	}
	if err := other.SettleXID(ctx, b.XID(), true); err != nil {
		t.Error(err)
	}
	b.Conn().Release()
	// A branch that wrote nothing.
	r := openBranch(t, s, st)
	rows(t, r.Conn(), "SELECT * FROM t")
	if err := r.Prepare(ctx); err != nil {
		t.Fatal(err)
	}
	r.Conn().Discard()
	if err := settle(ctx, other, []XID{r.XID()}, true); err != nil {
		t.Errorf("read-only branch whose session ended: %v", err)
	}
	if got := other.Verbs().SettleCommit; got.OK < 2 || got.Unknown < 1 || got.Retryable < 2 {
		t.Errorf("counts %+v", got)
	}
}

// Any bytes may be in a stranger's XID.
func TestPreparedXIDsAreRaw(t *testing.T) {
	s := openShard(t)
	all := make([]byte, 64)
	for i := range all {
		all[i] = byte(i * 4)
	}
	x := XID{FormatID: 7, GTRID: string(all), BQUAL: "'\\\x00\xff,"}
	c := acquire(t, s, nil, true)
	run(t, c, "XA START "+x.SQL(), "XA END "+x.SQL(), "XA PREPARE "+x.SQL())
	if !listed(t, s, x) {
		t.Error("XID did not come back as it was")
	}
	run(t, c, "XA ROLLBACK "+x.SQL())
	c.Release()
}

// Many branches are settled in seconds.
func TestSettleMany(t *testing.T) {
	n := 600 // LOCKSTEP_SETTLE sets another number, for measuring
	if v := os.Getenv("LOCKSTEP_SETTLE"); v != "" {
		var err error
		if n, err = strconv.Atoi(v); err != nil {
			t.Fatal(err)
		}
	}
	s := openShard(t)
	st := table(t, s)
	var xids []XID
	for i := range n {
		b := openBranch(t, s, st)
		run(t, b.Conn(), fmt.Sprintf("INSERT INTO t VALUES (%d,1)", i))
		if err := b.Prepare(t.Context()); err != nil {
			t.Fatal(err)
		}
		xids = append(xids, b.XID())
		b.Conn().Discard()
	}
	began := time.Now()
	if err := s.FreeXIDs(t.Context(), xids); err != nil {
		t.Fatal(err)
	}
	freed := time.Since(began)
	work := make(chan XID)
	var wg sync.WaitGroup
	var failed atomic.Int32
	for range 32 {
		wg.Go(func() {
			for x := range work {
				if err := s.SettleXID(t.Context(), x, true); err != nil {
					failed.Add(1)
					t.Error(err)
				}
			}
		})
	}
	for _, x := range xids {
		work <- x
	}
	close(work)
	wg.Wait()
	took := time.Since(began)
	t.Logf("%d branches: freed in %v, settled in %v", n, freed, took-freed)
	if got := ask(t, s, "SELECT COUNT(*) FROM "+st.Database+".t"); got != fmt.Sprint(n) {
		t.Errorf("%s rows, want %d", got, n)
	}
	if took > 20*time.Second {
		t.Errorf("took %v", took)
	}
}
