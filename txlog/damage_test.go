package txlog

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	bolt "go.etcd.io/bbolt"
)

// grown makes a log with several levels of pages and free ones, and returns its bytes and contents.
func grown(t *testing.T, n int) ([]byte, *contents) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "log")
	l := open(t, path, func(o *Options) { o.Epoch = "first" })
	s, err := makeContents(n)
	if err != nil {
		t.Fatal(err)
	}
	mustClose(t, l)
	st, _, err := rewrite(path, s)
	if err != nil {
		t.Fatal(err)
	}
	if err := st.close(); err != nil {
		t.Fatal(err)
	}
	l = open(t, path, func(o *Options) { o.Epoch = "second" })
	for i := range 20 {
		mustAppend(t, l, decision(n+i))
		l.Forget(decision(i * 3).GTRID)
	}
	if err := l.Audit(AuditEntry{GTRID: "g", Who: "dba", Reason: "r", Verdict: Commit}); err != nil {
		t.Fatal(err)
	}
	mustClose(t, l)
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	c, err := readContents(path)
	if err != nil {
		t.Fatal(err)
	}
	return b, c
}

func makeContents(n int) (*contents, error) {
	c := &contents{identity: alice, epochs: []string{"first"}, decisions: map[string]Decision{}}
	for i := range n {
		c.decisions[decision(i).GTRID] = decision(i)
	}
	return c, nil
}

// refusedOrSame is what damage may lead to: a typed error that names the file, or nothing at all.
func refusedOrSame(t *testing.T, path string, want *contents, what string) (refused bool) {
	t.Helper()
	c, err := readContents(path)
	var corrupt *CorruptError
	var version *VersionError
	switch {
	case errors.As(err, &corrupt) || errors.As(err, &version):
		if !strings.Contains(err.Error(), path) {
			t.Errorf("%s: the error does not name the file: %v", what, err)
		}
		return true
	case err != nil:
		t.Errorf("%s: untyped error %v", what, err)
	case !reflect.DeepEqual(c, want):
		t.Errorf("%s: read as something else: %d decisions, %d epochs", what, len(c.decisions), len(c.epochs))
	}
	return false
}

func TestTruncation(t *testing.T) {
	b, want := grown(t, 300)
	pages, err := openPages(strings.NewReader(string(b)), int64(len(b)))
	if err != nil {
		t.Fatal(err)
	}
	used := int(pages.meta.highWater) * os.Getpagesize()
	path := filepath.Join(t.TempDir(), "log")
	for n := 0; n <= len(b); n += 1 + rand.IntN(997) {
		if n > used+8192 {
			break
		}
		if err := os.WriteFile(path, b[:n], 0o600); err != nil {
			t.Fatal(err)
		}
		if refused := refusedOrSame(t, path, want, fmt.Sprintf("cut to %d", n)); refused != (n < used) {
			t.Errorf("cut to %d of %d used: refused = %v", n, used, refused)
		}
	}
	for _, n := range []int{0, 100, 4096, used - 1} { // the whole way
		if err := os.WriteFile(path, b[:n], 0o600); err != nil {
			t.Fatal(err)
		}
		var corrupt *CorruptError
		if _, err := Open(Options{Path: path, Identity: alice, Epoch: "x"}); !errors.As(err, &corrupt) {
			t.Errorf("cut to %d: %v", n, err)
		}
		if after, err := os.ReadFile(path); err != nil || len(after) != n {
			t.Errorf("cut to %d: a refused file was changed", n)
		}
	}
}

func TestBitFlips(t *testing.T) {
	b, want := grown(t, 300)
	pages, err := openPages(strings.NewReader(string(b)), int64(len(b)))
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "log")
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	flip := func(at int, bit uint) bool {
		if _, err := f.WriteAt([]byte{b[at] ^ 1<<bit}, int64(at)); err != nil {
			t.Fatal(err)
		}
		refused := refusedOrSame(t, path, want, fmt.Sprintf("bit %d of byte %d flipped", bit, at))
		if _, err := f.WriteAt(b[at:at+1], int64(at)); err != nil {
			t.Fatal(err)
		}
		return refused
	}
	ps, refused, tried := os.Getpagesize(), 0, 0
	for page := range int(pages.meta.highWater) {
		var places []int
		for i := range 16 { // headers, where bbolt would trust blindly
			places = append(places, i)
		}
		for range 20 {
			places = append(places, rand.IntN(ps))
		}
		if page < 2 {
			for i := 16; i < 80; i++ {
				if !flip(page*ps+i, uint(rand.IntN(8))) {
					t.Errorf("byte %d of meta page %d may be wrong unseen", i, page)
				}
			}
		}
		for _, p := range places {
			tried++
			if flip(page*ps+p, uint(rand.IntN(8))) {
				refused++
			}
		}
	}
	t.Logf("%d pages: %d of %d flips refused, the others hit what nothing refers to", pages.meta.highWater, refused, tried)
	if refused*4 < tried {
		t.Errorf("only %d of %d flips were refused", refused, tried)
	}
}

// A page write that the disk dropped leaves an old, valid page.
func TestStalePages(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log")
	l := open(t, path)
	for i := range 20 {
		mustAppend(t, l, decision(i))
	}
	states := [][]byte{}
	for i := range 6 {
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		states = append(states, b)
		mustAppend(t, l, decision(100+i))
	}
	mustClose(t, l)
	last, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	want, err := readContents(path)
	if err != nil {
		t.Fatal(err)
	}
	pages, err := openPages(strings.NewReader(string(last)), int64(len(last)))
	if err != nil {
		t.Fatal(err)
	}
	ps, refused := os.Getpagesize(), 0
	for _, old := range states {
		for page := range int(pages.meta.highWater) {
			if page == int(pages.meta.txid%2) {
				continue // without the newest meta page, this is the file before the last transaction
			}
			b := append([]byte(nil), last...)
			copy(b[page*ps:(page+1)*ps], old[page*ps:])
			if string(b) == string(last) {
				continue
			}
			if err := os.WriteFile(path, b, 0o600); err != nil {
				t.Fatal(err)
			}
			if refusedOrSame(t, path, want, fmt.Sprintf("page %d stale", page)) {
				refused++
			}
		}
	}
	if refused == 0 {
		t.Error("no stale page was noticed")
	}
}

// A leaf that lost an entry without any other trace: only the summary shows it.
func TestLostRecord(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log")
	l := open(t, path)
	for i := range 5 {
		mustAppend(t, l, decision(i))
	}
	mustClose(t, l)
	db, err := bolt.Open(path, 0o600, nil)
	if err != nil {
		t.Fatal(err)
	}
	err = db.Update(func(tx *bolt.Tx) error { return tx.Bucket([]byte(bucketDecisions)).Delete([]byte(decision(3).GTRID)) })
	if err := errors.Join(err, db.Close()); err != nil {
		t.Fatal(err)
	}
	var corrupt *CorruptError
	if _, err := OpenReadOnly(path); !errors.As(err, &corrupt) || !strings.Contains(err.Error(), "add up") {
		t.Fatalf("open: %v", err)
	}
}

func TestForeignFiles(t *testing.T) {
	dir := t.TempDir()
	text := filepath.Join(dir, "text")
	if err := os.WriteFile(text, []byte(strings.Repeat("not a log\n", 2000)), 0o600); err != nil {
		t.Fatal(err)
	}
	other := filepath.Join(dir, "other") // somebody else's bbolt file
	db, err := bolt.Open(other, 0o600, nil)
	if err != nil {
		t.Fatal(err)
	}
	err = db.Update(func(tx *bolt.Tx) error { _, err := tx.CreateBucket([]byte("theirs")); return err })
	if err := errors.Join(err, db.Close()); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{text, other, dir} {
		var corrupt *CorruptError
		if _, err := Open(Options{Path: path, Identity: alice, Epoch: "e"}); !errors.As(err, &corrupt) || !strings.Contains(err.Error(), path) {
			t.Errorf("%s: %v", path, err)
		}
	}

	future := filepath.Join(dir, "future")
	l := open(t, future)
	l.store.db.NoSync = true
	err = l.store.db.Update(func(tx *bolt.Tx) error {
		return tx.Bucket([]byte(bucketMeta)).Put([]byte("format"), seal(bucketMeta, "format", []byte("2")))
	})
	mustClose(t, l)
	var version *VersionError
	if _, oerr := Open(Options{Path: future, Identity: alice, Epoch: "e"}); err != nil || !errors.As(oerr, &version) || version.Have != "2" {
		t.Errorf("format 2: %v, %v", err, oerr)
	}

	mine := filepath.Join(dir, "mine")
	mustClose(t, open(t, mine))
	for _, id := range []Identity{{"c", "p2"}, {"d", "p1"}} {
		var identity *IdentityError
		if _, err := Open(Options{Path: mine, Identity: id, Epoch: "e"}); !errors.As(err, &identity) || identity.Have != alice {
			t.Errorf("%v: %v", id, err)
		}
	}
	if _, err := OpenReadOnly(filepath.Join(dir, "absent")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("absent: %v", err)
	}
	if _, err := Open(Options{Path: filepath.Join(dir, "no", "such", "log"), Identity: alice, Epoch: "e"}); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("no directory: %v", err)
	}
}

func TestEpochs(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log")
	for _, e := range []string{"a", "b", "c", "d"} {
		mustClose(t, open(t, path, func(o *Options) { o.Epoch, o.MaxEpochs = e, 3 }))
	}
	if _, err := Open(Options{Path: path, Identity: alice, Epoch: "c"}); err == nil {
		t.Error("an epoch may be used twice")
	}
	l, err := OpenReadOnly(path)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if es, _ := l.Epochs(); !reflect.DeepEqual(es, []string{"b", "c", "d"}) {
		t.Errorf("epochs %q", es)
	}
}

func TestLeftoverOfAnUnfinishedStart(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log")
	l := open(t, path)
	mustAppend(t, l, decision(1))
	mustClose(t, l)
	if err := os.WriteFile(path+".new", []byte("half"), 0o600); err != nil {
		t.Fatal(err)
	}
	if got := all(t, open(t, path)); len(got) != 1 {
		t.Fatalf("%v", got)
	}
	if _, err := os.Stat(path + ".new"); !errors.Is(err, os.ErrNotExist) {
		t.Fatalf("the leftover is still there: %v", err)
	}
}
