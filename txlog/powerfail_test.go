package txlog

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"sync"
	"testing"
	"time"

	bolt "go.etcd.io/bbolt"
)

// sectorSize is what a disk writes at once; a page is several.
const sectorSize = 512

// What the end of power leaves of one commit, between
//
//	write data pages · sync · write meta page · sync · answer
//
// A disk that keeps its syncs leaves any part of the data pages with the old meta
// page, or all of them with either. Then the log opens, with the old decisions or, where the meta
// page came through, the new ones. A disk that lies about syncs leaves anything: then the log may also
// be refused. It is never read by half.
func TestPowerFailure(t *testing.T) {
	rnd := rand.New(rand.NewPCG(7, 1))
	commits := recordCommits(t)
	tally := map[string]int{}
	for n, c := range commits {
		try := func(what string, torn []byte, allowed ...string) {
			t.Helper()
			got := c.read(t, torn, fmt.Sprintf("commit %d, %s", n, what))
			tally[got]++
			if !slices.Contains(allowed, got) {
				t.Errorf("commit %d, %s: %s, want %q", n, what, got, allowed)
			}
		}
		for _, unit := range []int{os.Getpagesize(), sectorSize} {
			data, meta := c.changed(unit)
			for _, some := range subsets(rnd, data) {
				what := fmt.Sprintf("%d of %d units of %d bytes", len(some), len(data), unit)
				try("meta page old, "+what, c.mix(unit, some), readOld)
				try("meta page new, "+what, c.mix(unit, some, meta), readOld, readNew, readRefused)
			}
			try("all written but the meta page", c.mix(unit, data), readOld)
			try("all written", c.mix(unit, data, meta), readNew)
		}
		data, meta := c.changed(os.Getpagesize())
		from, to := meta[0]*os.Getpagesize(), meta[0]*os.Getpagesize()+pageHeader+metaLength
		for at := from; at < to; at++ { // finer than any disk
			torn := c.mix(os.Getpagesize(), data)
			copy(torn[from:at], c.after[from:at])
			try("the meta page's beginning", torn, readOld, readNew, readRefused)
			copy(torn[from:at], c.before[from:at])
			copy(torn[at:to], c.after[at:to])
			try("the meta page's end", torn, readOld, readNew, readRefused)
		}
		if len(c.after) > len(c.before) {
			try("not grown", c.after[:len(c.before)], readRefused)
		}
	}
	t.Logf("%d commits: %v", len(commits), tally)
	for _, way := range []string{readOld, readNew, readRefused} {
		if tally[way] == 0 {
			t.Errorf("no state was %s: they are not what they should be", way)
		}
	}
}

// The same through Open, which writes the log anew: a choice of states, since each takes syncs.
func TestPowerFailureThenStart(t *testing.T) {
	rnd := rand.New(rand.NewPCG(7, 2))
	for n, c := range recordCommits(t) {
		data, meta := c.changed(sectorSize)
		some := subsets(rnd, data)[0]
		for _, s := range []struct {
			what string
			torn []byte
			want *contents
		}{
			{"nothing", c.mix(sectorSize), c.had},
			{"some data", c.mix(sectorSize, some), c.had},
			{"all data", c.mix(sectorSize, data), c.had},
			{"everything", c.mix(sectorSize, data, meta), c.has},
		} {
			path := filepath.Join(t.TempDir(), "log")
			if err := os.WriteFile(path, s.torn, 0o600); err != nil {
				t.Fatal(err)
			}
			l := open(t, path)
			if got := all(t, l); !reflect.DeepEqual(got, s.want.decisions) {
				t.Errorf("commit %d, %s written: %d decisions, want %d", n, s.what, len(got), len(s.want.decisions))
			}
			if got, err := l.AuditEntries(); err != nil || len(got) != len(s.want.audit) {
				t.Errorf("commit %d, %s written: %d audit entries (%v), want %d", n, s.what, len(got), err, len(s.want.audit))
			}
			mustAppend(t, l, decision(1_000_000)) // and it works
			mustClose(t, l)
		}
	}
}

// Power ends while a start writes the log anew beside the old one, which is in its place
// until the new one is whole and synced.
func TestPowerFailureWhileStarting(t *testing.T) {
	b, want := grown(t, 100)
	rnd := rand.New(rand.NewPCG(7, 3))
	for range 20 {
		path := filepath.Join(t.TempDir(), "log")
		fresh := slices.Clone(b[:rnd.IntN(len(b))])
		clear(fresh[rnd.IntN(len(fresh)+1):])
		if err := errors.Join(os.WriteFile(path, b, 0o600), os.WriteFile(path+".new", fresh, 0o600)); err != nil {
			t.Fatal(err)
		}
		l := open(t, path)
		if got := all(t, l); !reflect.DeepEqual(got, want.decisions) {
			t.Errorf("%d bytes of the new file: %d decisions, want %d", len(fresh), len(got), len(want.decisions))
		}
		mustClose(t, l)
	}
}

// commitImages are the file before and after one bbolt transaction, with what it held.
type commitImages struct {
	before, after []byte
	had, has      *contents
}

// How a torn file is read.
const (
	readOld     = "read as before the commit"
	readNew     = "read as after the commit"
	readRefused = "refused"
)

// read a state of the file; one that is neither of the two fails the test.
func (c *commitImages) read(t *testing.T, torn []byte, what string) string {
	t.Helper()
	got, err := parseContents(bytes.NewReader(torn), int64(len(torn)))
	var corrupt *CorruptError
	switch {
	case errors.As(err, &corrupt):
		return readRefused
	case err != nil:
		t.Errorf("%s: untyped error %v", what, err)
	case reflect.DeepEqual(got, c.has):
		return readNew
	case reflect.DeepEqual(got, c.had):
		return readOld
	default:
		t.Errorf("%s: read by half: %d decisions and %d audit entries; before %d and %d, after %d and %d", what,
			len(got.decisions), len(got.audit), len(c.had.decisions), len(c.had.audit), len(c.has.decisions), len(c.has.audit))
	}
	return "read as something else"
}

// changed lists the units of the file (pages, sectors or bytes) that the commit
// changed: those of its data, and those of the meta pages.
func (c *commitImages) changed(unit int) (data, meta []int) {
	before := c.grown()
	for i := 0; i*unit < len(c.after); i++ {
		if bytes.Equal(before[i*unit:(i+1)*unit], c.after[i*unit:(i+1)*unit]) {
			continue
		}
		if i*unit < 2*os.Getpagesize() {
			meta = append(meta, i)
		} else {
			data = append(data, i)
		}
	}
	return data, meta
}

// grown is the file before the commit at its length after it: bbolt makes a file longer,
// and syncs that, before it writes there.
func (c *commitImages) grown() []byte {
	b := make([]byte, len(c.after))
	copy(b, c.before)
	return b
}

// mix is the file before the commit with some units as they are after it.
func (c *commitImages) mix(unit int, written ...[]int) []byte {
	b := c.grown()
	for _, list := range written {
		for _, i := range list {
			copy(b[i*unit:], c.after[i*unit:(i+1)*unit])
		}
	}
	return b
}

// allSubsets is the number of units up to which every proper subset is tried; past it, as many random ones.
const allSubsets = 5

// subsets of some units, never all of them.
func subsets(rnd *rand.Rand, units []int) [][]int {
	var list [][]int
	for n := range 1<<min(len(units), allSubsets) - 1 {
		var some []int
		for i, u := range units {
			if len(units) <= allSubsets && n>>i&1 == 1 || len(units) > allSubsets && rnd.IntN(3) > n%3 {
				some = append(some, u)
			}
		}
		if len(some) < len(units) {
			list = append(list, some)
		}
	}
	if len(list) == 0 {
		list = append(list, nil)
	}
	return list
}

// recordCommits drives a log through decisions alone, in batches and with removals, forced verdicts, growth over
// several levels of pages and a start anew, and keeps the file before and after each transaction.
func recordCommits(t *testing.T) (list []commitImages) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "log")
	held := make(chan chan struct{}, 1)
	l := open(t, path, func(o *Options) {
		o.Hook = func(string) {
			select {
			case release := <-held: // the writer stands still while a batch gathers
				<-release
			default:
			}
		}
	})
	image := func() ([]byte, *contents) {
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		c, err := parseContents(bytes.NewReader(b), int64(len(b)))
		if err != nil {
			t.Fatal(err)
		}
		pages, err := openPages(bytes.NewReader(b), int64(len(b)))
		if err != nil {
			t.Fatal(err)
		}
		return b[:int(pages.meta.highWater)*os.Getpagesize()], c // the rest of the file is not in use
	}
	commit := func(change func()) {
		var c commitImages
		c.before, c.had = image()
		change()
		c.after, c.has = image()
		list = append(list, c)
	}
	wide := func(n int) Decision {
		d := decision(n)
		for i := range n % 40 {
			d.Participants = append(d.Participants, fmt.Sprintf("a-shard-with-a-long-name-%d", i))
		}
		return d
	}
	next := 0
	one := func() { mustAppend(t, l, wide(next)); next++ }
	for range 10 {
		commit(one)
	}
	for range 6 { // group commit
		release := make(chan struct{})
		held <- release
		var wait sync.WaitGroup
		still := decision(100_000 + next)
		wait.Go(func() { mustAppendIn(t, l, still) })
		for len(held) > 0 { // until the writer stands still
			time.Sleep(time.Millisecond)
		}
		for range 40 {
			d := wide(next)
			next++
			wait.Go(func() { mustAppendIn(t, l, d) })
		}
		for len(l.queue) < 40 {
			time.Sleep(time.Millisecond)
		}
		var first commitImages
		first.before, first.had = image() // after the one that stands still
		close(release)
		wait.Wait()
		first.after, first.has = image()
		list = append(list, first)
	}
	for i := range 12 { // removals ride along
		for j := range 15 {
			l.Forget(decision(i*15 + j).GTRID)
		}
		commit(one)
	}
	for i := range 3 {
		commit(func() {
			if err := l.Audit(AuditEntry{GTRID: decision(i).GTRID, Who: "dba", Reason: "because", Verdict: Commit}); err != nil {
				t.Fatal(err)
			}
		})
	}
	mustClose(t, l)
	l = open(t, path)
	for range 4 {
		commit(one)
	}
	mustClose(t, l)
	return list
}

func mustAppendIn(t *testing.T, l *Log, d Decision) {
	if err := l.Append(context.Background(), d); err != nil {
		t.Error(err)
	}
}

// A log of a version that did not name the transaction in its summary is taken, and from then on names it.
func TestSummaryWithoutTransaction(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log")
	l := open(t, path)
	mustAppend(t, l, decision(1))
	sum := l.sum
	mustClose(t, l)
	db, err := bolt.Open(path, 0o600, nil)
	if err != nil {
		t.Fatal(err)
	}
	value := binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint64(nil, sum.records), sum.sum)
	err = db.Update(func(tx *bolt.Tx) error {
		return tx.Bucket([]byte(bucketSummary)).Put([]byte(summaryKey), seal(bucketSummary, summaryKey, value))
	})
	if err := errors.Join(err, db.Close()); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		l = open(t, path)
		if got := all(t, l); !reflect.DeepEqual(got[decision(1).GTRID], decision(1)) {
			t.Errorf("decisions %v", got)
		}
		mustClose(t, l)
	}
}
