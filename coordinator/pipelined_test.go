package coordinator

import (
	"context"
	"reflect"
	"testing"
	"testing/synctest"
)

// socket is a participant whose reply is lost if nobody reads it before the time limit is over.
type socket struct{ halves }

func (s socket) later(ctx context.Context, verb string) func() Reply {
	return func() Reply {
		if ctx.Err() != nil {
			return Reply{Unknown, ctx.Err()}
		}
		return s.answer(ctx, verb)
	}
}
func (s socket) SendPrepare(ctx context.Context) func() Reply { return s.later(ctx, "prepare") }
func (s socket) SendCommit(ctx context.Context) func() Reply  { return s.later(ctx, "commit") }

// A shard that hangs costs the others neither their replies nor, with them, their connections.
func TestHangingShardCostsOthersNothing(t *testing.T) {
	for _, tc := range []struct {
		verb    string
		verdict Verdict
		others  []string // verbs at the others
	}{
		{"prepare", RolledBack, []string{"prepare", "rollback"}},
		{"commit", Committed, []string{"prepare", "commit"}},
	} {
		t.Run(tc.verb, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				log := newMemoryLog("e1")
				o := Options{Cluster: "c", ID: "p1", Epoch: "e1", Log: log, Logger: quiet()}
				var ps []Participant
				var raw []*scripted
				for _, name := range []string{"s1", "s2", "s3"} {
					p := &scripted{name: name, answers: script{}, log: log, t: t}
					if name == "s1" {
						p.answers[tc.verb] = []any{"hang"}
					}
					raw = append(raw, p)
					ps = append(ps, socket{halves{p}})
					o.Shards = append(o.Shards, emptyShard(name))
				}
				c, err := New(o)
				if err != nil {
					t.Fatal(err)
				}
				out := c.Begin().Commit(t.Context(), ps, CommitOptions{})
				if out.Verdict != tc.verdict || !reflect.DeepEqual(out.Pending, []string{"s1"}) {
					t.Errorf("%v, pending %v", out.Verdict, out.Pending)
				}
				for _, p := range raw[1:] {
					if !reflect.DeepEqual(p.calls, tc.others) {
						t.Errorf("%s: %v", p.name, p.calls)
					}
				}
			})
		})
	}
}
