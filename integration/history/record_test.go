package history

import (
	"bytes"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"sync"
	"testing"
)

// What is read back from the file is what was recorded.
func TestRecordAndRead(t *testing.T) {
	path := filepath.Join(t.TempDir(), "history.jsonl")
	r, err := NewRecorder(path, Meta{Seed: 7, Config: "c", Initial: 100, Home: map[int]int{1: 0, 3: 1}, Lists: map[int]int{1: 0}})
	if err != nil {
		t.Fatal(err)
	}
	var clients sync.WaitGroup
	for n := range 4 {
		clients.Go(func() {
			for range 50 {
				op := r.Invoke(Op{Client: n, Kind: Append, Mops: []Mop{{Action: Read, Key: 1}, {Action: Add, Key: 1, Value: 1}}})
				op.Mops[0].List, op.Mops[0].Done = []int64{1, 2}, true
				op.Outcome = OK
				r.Done(op)
			}
		})
	}
	clients.Wait()
	never := r.Invoke(Op{Kind: Transfer, Transfer: "t", Legs: []Leg{{1, 2}}})
	never.Outcome = OK // never told
	lost := r.Invoke(Op{Kind: Transfer, Transfer: "u"})
	r.Done(lost)
	r.Answer(lost.N, Committed)
	r.Note("fault %d", 1)
	r.Final(State{Shard: 1, Balances: map[int]int64{3: 100}, Ledger: []Entry{{"t", Leg{1, 2}}}, Lists: map[int][]int64{1: {1}}})
	if n := r.Count(Append, OK); n != 200 {
		t.Errorf("%d operations counted, want 200", n)
	}
	h, err := r.Close()
	if err != nil {
		t.Fatal(err)
	}
	back, err := ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	h.Meta.Began, back.Meta.Began = h.Meta.Began.UTC().Round(0), back.Meta.Began.UTC()
	if !reflect.DeepEqual(h, back) {
		t.Errorf("recorded and read back differ:\n%+v\n%+v", h, back)
	}
	s := back.Summarize()
	if s.OK[Append] != 200 || s.Unknown[Transfer] != 2 || s.Lookups != 1 {
		t.Errorf("summary %+v", s)
	}
	if op := back.Ops[never.N-1]; op.End != 0 || op.Outcome != Unknown {
		t.Errorf("an operation that never ended: %+v", op)
	}
}

func TestReadRefuses(t *testing.T) {
	const meta = `{"meta":{"seed":1,"began":"2020-01-01T00:00:00Z"}}` + "\n"
	for _, c := range []struct{ name, text, want string }{
		{"nothing", "", "meta line"},
		{"no meta line", `{"note":{"at":1}}` + "\n", "line 1: the meta line"},
		{"two of them", meta + meta, "line 2: the meta line"},
		{"no JSON", meta + "what\n", "line 2: "},
		{"a gap", meta + `{"invoke":{"n":2}}` + "\n", "operation 2 follows operation 0"},
		{"an end without a begin", meta + `{"done":{"n":1,"end":2}}` + "\n", "operation 1 was never begun"},
		{"two ends", meta + `{"invoke":{"n":1,"start":1}}` + "\n" + strings.Repeat(`{"done":{"n":1,"start":1,"end":2}}`+"\n", 2), "line 4: operation 1 ends twice"},
		{"something else", meta + "{}\n", "nothing that is known"},
	} {
		if _, err := Decode(strings.NewReader(c.text)); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want an error with %q", c.name, err, c.want)
		}
	}
	h, err := Decode(bytes.NewReader([]byte(meta + `{"invoke":{"n":1,"start":1}}` + "\n" + `{"done":{"n":1,"st`)))
	if err != nil || len(h.Ops) != 1 {
		t.Errorf("a file whose writer was killed: %v, %v", h, err)
	}
}

// TestRecheck checks the history of an earlier run again: LOCKSTEP_HISTORY is its file.
func TestRecheck(t *testing.T) {
	path := os.Getenv("LOCKSTEP_HISTORY")
	if path == "" {
		t.Skip("LOCKSTEP_HISTORY names no file")
	}
	h, err := ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("seed %d, %s: %+v", h.Meta.Seed, h.Meta.Config, h.Summarize())
	if len(h.Final) == 0 {
		t.Log("the run was cut short: there is no final state to check")
	}
	for _, r := range []*Report{CheckBank(h), CheckAppend(h)} {
		t.Logf("checked: %v", r.Checked)
		if r.Total > 0 {
			t.Errorf("violations:\n%s", r)
		}
	}
}
