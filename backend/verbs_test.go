package backend

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"
)

// limited makes a shard that logs in without SUPER or READ_ONLY ADMIN, so that
// read_only binds it, and without PROCESS.
func limited(t *testing.T, root *Shard) *Shard {
	t.Helper()
	c := acquire(t, root, nil, true)
	run(t, c, "DROP USER IF EXISTS app@'%'", "CREATE USER app@'%' IDENTIFIED BY 'secret'", "GRANT SELECT, INSERT, UPDATE, DELETE, CREATE ON *.* TO app@'%'")
	c.Release()
	return openShard(t, func(o *Options) { o.User, o.Password = "app", "secret" })
}

// refused runs a statement that must be refused with this code.
func refused(t *testing.T, c *Conn, want uint16, sql string) {
	t.Helper()
	if _, err := c.Exec(t.Context(), sql); code(err) != want {
		t.Errorf("%s: %v, want error %d", sql, err, want)
	}
}

// What the server does with XA, row by row. setup leaves an open branch in which row
// 1 was written, unless it says otherwise; the table holds rows 10 and 11 beforehand.
func TestVerbs(t *testing.T) {
	s := openShard(t)
	st := table(t, s)
	app := limited(t, s)
	seed := acquire(t, s, st, true)
	defer seed.Release()
	for _, row := range []struct {
		name string
		run  func(t *testing.T, b *Branch)
		kept bool // row 1 is committed in the end
	}{
		{"prepared: its connection touches no table, and one phase is refused", func(t *testing.T, b *Branch) {
			must(t, b.Prepare(t.Context()))
			if b.c.flavor == MariaDB { // on MySQL the branch has left its connection
				refused(t, b.c, 1399, "SELECT * FROM t")
				refused(t, b.c, 1398, "XA COMMIT "+b.sql+" ONE PHASE")
			}
			must(t, b.Commit(t.Context()))
		}, true},
		{"active: what would end the transaction otherwise is refused", func(t *testing.T, b *Branch) {
			for _, sql := range []string{"COMMIT", "ROLLBACK", "BEGIN", "CREATE TABLE u (a INT)", "LOCK TABLES t WRITE", "XA COMMIT " + b.sql} {
				refused(t, b.c, 1399, sql)
			}
			refused(t, b.c, 1399, "XA START 'other'")
			run(t, b.c, "SAVEPOINT a", "INSERT INTO t VALUES (2,2)", "ROLLBACK TO a")
			rows(t, b.c, "SELECT * FROM t FOR UPDATE")
			must(t, b.CommitOnePhase(t.Context()))
		}, true},
		{"idle: no table access, and the verbs still end it", func(t *testing.T, b *Branch) {
			run(t, b.c, "XA END "+b.sql)
			refused(t, b.c, 1399, "SELECT * FROM t")
			must(t, b.Prepare(t.Context()))
			must(t, b.Rollback(t.Context()))
		}, false},
		{"duplicate key: the branch stays", func(t *testing.T, b *Branch) {
			_, err := b.c.Exec(t.Context(), "INSERT INTO t VALUES (10,0)")
			if code(err) != 1062 || Classify(err) != ClassDefinite || EndsTransaction(serverError(err), true) {
				t.Errorf("got %v", err)
			}
			must(t, b.Prepare(t.Context()))
			must(t, b.Commit(t.Context()))
		}, true},
		{"lock wait timeout: the branch stays", func(t *testing.T, b *Branch) {
			other := openBranch(t, s, st)
			run(t, other.c, "UPDATE t SET v=1 WHERE id=10")
			run(t, b.c, "SET innodb_lock_wait_timeout=1")
			_, err := b.c.Exec(t.Context(), "UPDATE t SET v=2 WHERE id=10")
			if code(err) != 1205 || EndsTransaction(serverError(err), false) || !EndsTransaction(serverError(err), true) {
				t.Errorf("got %v", err)
			}
			must(t, other.Rollback(t.Context()))
			other.c.Release()
			must(t, b.Prepare(t.Context()))
			must(t, b.Commit(t.Context()))
		}, true},
		{"deadlock: the branch is dead, and prepare says no", func(t *testing.T, b *Branch) {
			deadlock(t, s, st, b)
			err := b.Prepare(t.Context())
			if Classify(err) != ClassDefinite || serverError(err) == nil {
				t.Errorf("prepare of a dead branch: %v (%v)", err, Classify(err))
			}
			if !b.Ended() {
				t.Errorf("branch is %s after a definite no", b.State())
			}
			must(t, b.Rollback(t.Context()))
		}, false},
		{"deadlock: one phase says no", func(t *testing.T, b *Branch) {
			deadlock(t, s, st, b)
			if err := b.CommitOnePhase(t.Context()); Classify(err) != ClassDefinite || !b.Ended() {
				t.Errorf("got %v (%v), branch is %s", err, Classify(err), b.State())
			}
		}, false},
		{"deadlock: rollback cleans up", func(t *testing.T, b *Branch) {
			deadlock(t, s, st, b)
			must(t, b.Rollback(t.Context()))
		}, false},
		{"KILL QUERY of a waiter: 1317, and the branch stays", func(t *testing.T, b *Branch) {
			other := openBranch(t, s, st)
			run(t, other.c, "UPDATE t SET v=1 WHERE id=10")
			killed := make(chan error, 1)
			go func() {
				time.Sleep(50 * time.Millisecond)
				killed <- s.KillQuery(context.Background(), b.c.ID())
			}()
			_, err := b.c.Exec(t.Context(), "UPDATE t SET v=2 WHERE id=10")
			must(t, <-killed)
			if code(err) != 1317 || Classify(err) != ClassRetryable {
				t.Errorf("got %v (%v)", err, Classify(err))
			}
			must(t, other.Rollback(t.Context()))
			other.c.Release()
			must(t, b.CommitOnePhase(t.Context()))
		}, true},
		{"KILL CONNECTION while active: unknown, and nothing stays", func(t *testing.T, b *Branch) {
			must(t, s.KillConnection(t.Context(), b.c.ID()))
			if err := b.Prepare(t.Context()); Classify(err) != ClassUnknown {
				t.Errorf("got %v (%v)", err, Classify(err))
			}
			if err := b.Rollback(t.Context()); Classify(err) != ClassUnknown {
				t.Errorf("rollback of a branch that may be prepared: %v", err)
			}
		}, false},
		{"rollback of an active branch on a lost connection succeeds", func(t *testing.T, b *Branch) {
			must(t, s.KillConnection(t.Context(), b.c.ID()))
			must(t, b.Rollback(t.Context()))
		}, false},
		{"commit waits for a backup lock: 1205, still prepared", func(t *testing.T, b *Branch) {
			must(t, b.Prepare(t.Context()))
			run(t, b.c, "SET lock_wait_timeout=1")
			lock := acquire(t, s, nil, true)
			run(t, lock, "FLUSH TABLES WITH READ LOCK")
			if err := b.Commit(t.Context()); code(err) != 1205 || Classify(err) != ClassRetryable || !b.Prepared() {
				t.Errorf("got %v (%v), branch is %s", err, Classify(err), b.State())
			}
			run(t, lock, "UNLOCK TABLES")
			lock.Release()
			must(t, b.Commit(t.Context()))
		}, true},
		{"commit interrupted by KILL QUERY: 1317, still prepared", func(t *testing.T, b *Branch) {
			must(t, b.Prepare(t.Context()))
			lock := acquire(t, s, nil, true)
			run(t, lock, "FLUSH TABLES WITH READ LOCK")
			killed := make(chan error, 1)
			go func() {
				time.Sleep(50 * time.Millisecond)
				killed <- s.KillQuery(context.Background(), b.c.ID())
			}()
			err := b.Commit(t.Context())
			must(t, <-killed)
			if code(err) != 1317 || Classify(err) != ClassRetryable || !b.Prepared() {
				t.Errorf("got %v (%v), branch is %s", err, Classify(err), b.State())
			}
			run(t, lock, "UNLOCK TABLES")
			lock.Release()
			must(t, b.Commit(t.Context()))
		}, true},
		{"one phase waits for a backup lock: no commit is claimed", func(t *testing.T, b *Branch) {
			run(t, b.c, "SET lock_wait_timeout=1")
			lock := acquire(t, s, nil, true)
			run(t, lock, "FLUSH TABLES WITH READ LOCK")
			err := b.CommitOnePhase(t.Context())
			t.Logf("%v (%v), branch is %s", err, Classify(err), b.State())
			if err == nil {
				t.Error("committed under a read lock")
			}
			run(t, lock, "UNLOCK TABLES")
			lock.Release()
			must(t, b.Rollback(t.Context()))
		}, false},
		{"wrong state: refused before anything is sent", func(t *testing.T, b *Branch) {
			if err := b.Commit(t.Context()); Classify(err) != ClassUnknown {
				t.Errorf("commit of an active branch: %v", err)
			}
			must(t, b.CommitOnePhase(t.Context()))
			if err := b.Prepare(t.Context()); err == nil {
				t.Error("prepared an ended branch")
			}
		}, true},
	} {
		t.Run(row.name, func(t *testing.T) {
			run(t, seed, "DELETE FROM t", "INSERT INTO t VALUES (10,0),(11,0)")
			b := openBranch(t, s, st)
			run(t, b.c, "INSERT INTO t VALUES (1,1)")
			row.run(t, b)
			b.c.Discard() // timeouts were set on it
			want := "0"
			if row.kept {
				want = "1"
			}
			eventually(t, "row 1 is as it must be", func() bool { return rows(t, seed, "SELECT COUNT(*) FROM t WHERE id=1") == want })
			if rows(t, seed, "SELECT COUNT(*) FROM t WHERE id=2") != "0" {
				t.Error("row 2 was committed")
			}
			if listed(t, s, b.XID()) {
				t.Error("the branch is still listed")
			}
		})
	}
	t.Run("read-only server: prepare passes, commit is retryable", func(t *testing.T) {
		run(t, seed, "DELETE FROM t")
		b := openBranch(t, app, st)
		run(t, b.c, "INSERT INTO t VALUES (1,1)")
		run(t, seed, "SET GLOBAL read_only=1")
		perr := b.Prepare(t.Context())
		cerr := b.Commit(t.Context())
		run(t, seed, "SET GLOBAL read_only=0")
		must(t, perr)
		if b.c.flavor == MySQL { // which lets the commit of a prepared branch pass
			must(t, cerr)
			b.c.Release()
			return
		}
		if code(cerr) != 1290 || Classify(cerr) != ClassRetryable || !b.Prepared() {
			t.Errorf("got %v (%v), branch is %s", cerr, Classify(cerr), b.State())
		}
		must(t, b.Commit(t.Context()))
		b.c.Release()
	})
	t.Run("an open transaction: XA START is refused", func(t *testing.T) {
		b := newBranch(t, s, st)
		run(t, b.c, "INSERT INTO t VALUES (2,2)")
		if err := b.Open(t.Context(), nil, nil); code(err) != 1400 || Classify(err) != ClassDefinite {
			t.Errorf("got %v (%v)", err, Classify(err))
		}
		b.c.Release()
		eventually(t, "the transaction is undone", func() bool { return rows(t, seed, "SELECT COUNT(*) FROM t WHERE id=2") == "0" })
	})
	t.Run("recovery without the PROCESS privilege says so", func(t *testing.T) {
		if seed.flavor == MySQL {
			t.Skip("recovery needs no such privilege there")
		}
		err := app.FreeXIDs(t.Context(), []XID{{FormatID: formatID, GTRID: "x"}})
		if err == nil || code(err) != 1227 {
			t.Errorf("got %v", err)
		}
	})
	if v := s.Verbs(); v.Start.OK < 10 || v.Prepare.Refused < 1 || v.Commit.Retryable < 2 || v.Prepare.Unknown < 1 {
		t.Errorf("counts %+v", v)
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Error(err)
	}
}

// deadlock makes b the victim.
func deadlock(t *testing.T, s *Shard, st *State, b *Branch) {
	t.Helper()
	other := openBranch(t, s, st)
	run(t, other.c, "UPDATE t SET v=1 WHERE id=10", "INSERT INTO t VALUES (20,0),(21,0),(22,0)")
	run(t, b.c, "UPDATE t SET v=1 WHERE id=11")
	done := make(chan error, 1)
	go func() {
		_, err := other.c.Exec(context.Background(), "UPDATE t SET v=1 WHERE id=11")
		done <- err
	}()
	eventually(t, "the other waits", func() bool {
		return ask(t, s, fmt.Sprintf("SELECT COUNT(*) FROM information_schema.processlist WHERE id=%d AND info LIKE 'UPDATE%%'", other.c.ID())) == "1"
	})
	time.Sleep(20 * time.Millisecond)
	_, err := b.c.Exec(t.Context(), "UPDATE t SET v=1 WHERE id=10")
	if code(err) != 1213 || !EndsTransaction(serverError(err), false) {
		t.Fatalf("got %v, want a deadlock", err)
	}
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	must(t, other.Rollback(t.Context()))
	other.c.Release()
}

func TestClassify(t *testing.T) {
	in := func(v Verb, c uint16) error {
		return &VerbError{Class: classifyServer(v, c), Err: errors.New("x")}
	}
	for _, row := range []struct {
		err  error
		want Class
	}{
		{nil, ClassNone},
		{in(VerbPrepare, 1402), ClassDefinite}, {in(VerbPrepare, 1614), ClassDefinite}, {in(VerbPrepare, 1397), ClassDefinite},
		{in(VerbCommit, 1205), ClassRetryable}, {in(VerbCommit, 1317), ClassRetryable}, {in(VerbCommit, 1290), ClassRetryable}, {in(VerbCommit, 1836), ClassRetryable},
		{in(VerbCommit, 1397), ClassUnknown}, {in(VerbCommit, 1180), ClassUnknown}, {in(VerbCommit, 1401), ClassUnknown}, {in(VerbCommit, 1399), ClassDefinite},
		{in(VerbCommitOnePhase, 1402), ClassDefinite}, {in(VerbCommitOnePhase, 1397), ClassDefinite}, {in(VerbCommitOnePhase, 1180), ClassUnknown},
		{in(VerbSettleCommit, 1397), ClassUnknown}, {in(VerbSettleRollback, 1205), ClassRetryable},
		{&DownError{Err: errors.New("x")}, ClassRetryable}, {&QueueFullError{}, ClassRetryable}, {&AcquireTimeoutError{}, ClassRetryable}, {ErrClosed, ClassRetryable},
		{&ConnError{Err: errors.New("x")}, ClassUnknown}, {context.DeadlineExceeded, ClassUnknown}, {errors.New("anything"), ClassUnknown},
	} {
		if got := Classify(row.err); got != row.want {
			t.Errorf("%v: %v, want %v", row.err, got, row.want)
		}
	}
}
