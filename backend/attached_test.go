package backend

import (
	"fmt"
	"maps"
	"strings"
	"sync"
	"testing"
	"time"

	"lockstep/protocol"
)

func TestParseInnoDBStatus(t *testing.T) {
	report := func(list string) string {
		return "\n=====\nTRANSACTIONS\n------\nLIST OF TRANSACTIONS FOR EACH SESSION:\n" + list + "--------\nFILE I/O\n--------\nEND OF INNODB MONITOR OUTPUT\n====\n"
	}
	const (
		idle     = "---TRANSACTION (0x7fa1914cdb80), not started\n0 lock struct(s), heap size 1128, 0 row lock(s)\n"
		active   = "---TRANSACTION 23, ACTIVE 1 sec\n2 lock struct(s)\nMariaDB thread id 6, OS thread handle 1, query id 18 localhost root User sleep\nselect 1\n"
		held     = "---TRANSACTION 24, ACTIVE (PREPARED) 1 sec\n2 lock struct(s)\nMariaDB thread id 5, OS thread handle 1, query id 19 localhost root\n"
		detached = "---TRANSACTION 25, ACTIVE (PREPARED) 9 sec recovered trx\n1 lock struct(s)\n"
	)
	for _, row := range []struct {
		name, text string
		ok         bool
		attached   map[uint64]uint32
		detached   int
	}{
		{"nothing", report(""), true, map[uint64]uint32{}, 0},
		{"one of each", report(idle + active + held + detached), true, map[uint64]uint32{24: 5}, 1},
		{"no thread shown", report("---TRANSACTION 24, ACTIVE (PREPARED) 1 sec\n" + detached + active), true, map[uint64]uint32{24: 0}, 1},
		{"forged in a statement: a thread id", report(held + "select '\nMariaDB thread id 77, x'\n"), true, map[uint64]uint32{24: 5}, 0},
		{"forged in a statement: the same transaction, active", report(held + "select '\n---TRANSACTION 24, ACTIVE 1 sec'\n"), true, map[uint64]uint32{24: 5}, 0},
		{"cut short by the server", report("... truncated...\n" + held), false, nil, 0},
		{"cut short", report(held)[:120], false, nil, 0},
		{"prepared without a number", report("---TRANSACTION (0x7fa1914cdb80), ACTIVE (PREPARED) 1 sec\n"), false, nil, 0},
		{"not a report", "hello", false, nil, 0},
	} {
		p, ok := parseInnoDBStatus([]byte(row.text))
		if ok != row.ok {
			t.Errorf("%s: whole is %v", row.name, ok)
		}
		if ok && (!maps.Equal(p.attached, row.attached) || p.detached != row.detached) {
			t.Errorf("%s: %+v", row.name, p)
		}
	}
}

// Both sources see a prepared transaction that a session holds, and not when it is detached;
// innodb_trx also while somebody else reads it all the time, which keeps its cache from being renewed.
func TestPreparedNow(t *testing.T) {
	needMariaDB(t)
	s := openShard(t)
	st := table(t, s)
	c := acquire(t, s, nil, true)
	defer c.Release()
	done := make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		for range 8 {
			ask(t, s, "SELECT COUNT(*) FROM information_schema.innodb_trx")
			time.Sleep(40 * time.Millisecond)
		}
		close(done)
	})
	b := openBranch(t, s, st)
	run(t, b.c, "INSERT INTO t VALUES (1,1)")
	must(t, b.Prepare(t.Context()))
	holder := func(p preparedTransactions) bool {
		for _, id := range p.attached {
			if id == b.c.ID() {
				return true
			}
		}
		return false
	}
	look := func() (preparedTransactions, preparedTransactions) {
		report, err := c.preparedNow(t.Context())
		must(t, err)
		tab, err := c.attachedFromTable(t.Context())
		must(t, err)
		return report, tab
	}
	report, tab := look()
	if !holder(report) || !holder(tab) || !report.counted || tab.counted {
		t.Errorf("held: report %+v, table %+v", report, tab)
	}
	<-done
	wg.Wait()
	b.c.Discard()
	must(t, s.FreeXIDs(t.Context(), []XID{b.XID()}))
	report, tab = look()
	if holder(report) || holder(tab) || report.detached != 1 {
		t.Errorf("detached: report %+v, table %+v", report, tab)
	}
	must(t, s.SettleXID(t.Context(), b.XID(), false))
}

func TestParseXID(t *testing.T) {
	f := func(s ...string) (row []protocol.Field) {
		for _, x := range s {
			row = append(row, protocol.Field(x))
		}
		return row
	}
	for _, row := range []struct {
		fields []protocol.Field
		flavor Flavor
		want   XID
		bad    bool
	}{
		{f("1280004944", "3", "2", "abcde"), MariaDB, XID{1280004944, "abc", "de"}, false},
		{f("7", "3", "1", "\x00\xffAb"), MariaDB, XID{7, "\x00\xffA", "b"}, false},
		{f("7", "3", "1", "0x00FF4162"), MySQL, XID{7, "\x00\xffA", "b"}, false},
		{f("7", "2", "1", "0xA"), MariaDB, XID{7, "0x", "A"}, false},
		{f("7", "3", "1", "abc"), MariaDB, XID{}, true},
		{f("7", "-1", "4", "abc"), MariaDB, XID{}, true},
		{f("7", "1", "1", "0xzz"), MySQL, XID{}, true},
		{f("x", "1", "1", "ab"), MariaDB, XID{}, true},
		{f("7", "1"), MariaDB, XID{}, true},
	} {
		got, err := parseXID(row.fields, row.flavor)
		if (err != nil) != row.bad || got != row.want {
			t.Errorf("%q: %+v, %v", row.fields, got, err)
		}
	}
}

// Whatever its bytes, an XID reaches the server as it is.
func TestXIDSQL(t *testing.T) {
	x := XID{FormatID: formatID, GTRID: "a'\\\x00", BQUAL: ""}
	if got := x.SQL(); got != "X'61275c00',X'',1280004944" {
		t.Error(got)
	}
	for _, bad := range []XID{{GTRID: ""}, {GTRID: strings.Repeat("g", 65)}, {GTRID: "g", BQUAL: strings.Repeat("b", 65)}, {GTRID: "g", FormatID: -1}, {GTRID: "g", FormatID: 1 << 31}} {
		if bad.check() == nil {
			t.Errorf("%s was accepted", bad)
		}
	}
	if s := fmt.Sprint(XID{FormatID: 1, GTRID: "g", BQUAL: "b"}); s != `"g","b",1` {
		t.Error(s)
	}
}
