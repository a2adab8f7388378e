package backend

import (
	"errors"
	"slices"
	"testing"
	"time"
)

// What is settled while the server hides a prepared transaction is listed until a restart shows what became
// of it; or the decision that it may need again would be forgotten.
func TestSettledBesideAHiddenBranch(t *testing.T) {
	server := needMariaDB(t)
	ctx := timeout(t, time.Minute)
	s := openShard(t)
	state := table(t, s)
	hide := XID{GTRID: "hidden", BQUAL: "b", FormatID: 1}
	c := acquire(t, s, state, true)
	run(t, c, "XA START "+hide.SQL(), "INSERT INTO t VALUES (1,1)", "XA END "+hide.SQL(), "XA PREPARE "+hide.SQL())
	if err := c.Reset(ctx); err != nil { // what no branch may suffer
		t.Fatal(err)
	}
	run(t, c, "XA COMMIT "+hide.SQL())
	c.Discard()

	b := openBranch(t, s, state)
	run(t, b.Conn(), "INSERT INTO t VALUES (2,1)")
	if err := b.Prepare(ctx); err != nil {
		t.Fatal(err)
	}
	hangUp(t, b.Conn(), false)
	listed := func(x XID) bool {
		xids, err := s.PreparedXIDs(ctx)
		return err == nil && slices.Contains(xids, x)
	}
	for round := range 3 {
		if err := settle(ctx, s, []XID{b.XID()}, true); !errors.As(err, new(*HiddenError)) {
			t.Fatalf("round %d: %v", round, err)
		}
		if !listed(b.XID()) {
			t.Fatalf("round %d: it may be the hidden one, and is not listed", round)
		}
	}
	if err := s.Complete(ctx); !errors.As(err, new(*HiddenError)) {
		t.Errorf("its list is complete: %v", err)
	}
	server.kill()
	if err := server.start(); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the hidden one is listed", func() bool { return listed(hide) })
	if !listed(b.XID()) {
		t.Error("nobody has looked what became of it, and it is not listed")
	}
	if err := settle(ctx, s, []XID{hide}, true); err != nil {
		t.Fatal(err)
	}
	if err := settle(ctx, s, []XID{b.XID()}, true); !errors.As(err, new(*GoneError)) {
		t.Errorf("it was committed before: %v", err)
	}
	if err := s.Complete(ctx); err != nil {
		t.Error(err)
	}
	if listed(b.XID()) || listed(hide) {
		t.Error("both are settled, and listed")
	}
	if got := ask(t, s, "SELECT GROUP_CONCAT(id ORDER BY id) FROM "+state.Database+".t"); got != "1,2" {
		t.Errorf("rows %s", got)
	}
}
