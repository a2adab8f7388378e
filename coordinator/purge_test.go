package coordinator

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"
)

// markerShard keeps old markers.
type markerShard struct {
	*fakeShard
	rows   []Marker        // oldest first
	active map[string]bool // gtrids of open branches
}

func (s *markerShard) OldMarkers(_ context.Context, _, _ time.Duration, limit int) ([]Marker, error) {
	return slices.Clone(s.rows[:min(limit, len(s.rows))]), nil
}

func (s *markerShard) Absent(_ context.Context, gtrids []string) (absent []string, _ error) {
	for _, g := range gtrids {
		if !s.active[g] {
			absent = append(absent, g)
		}
	}
	return absent, nil
}

func (s *markerShard) Purge(_ context.Context, gtrids []string) error {
	gone := map[string]bool{}
	for _, g := range gtrids {
		gone[g] = true
	}
	s.rows = slices.DeleteFunc(s.rows, func(m Marker) bool { return gone[m.GTRID] })
	return nil
}

// A fence stays as long as its branch could still vote, however old it is; one of a branch that is gone goes.
func TestPurgeKeepsFencesOfOpenBranches(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &markerShard{fakeShard: &fakeShard{name: "s1"}, active: map[string]bool{"c.p2.e1.1": true}}
		for i := range 3 {
			s.rows = append(s.rows, Marker{GTRID: fmt.Sprint("c.p2.e1.", i), State: MarkerAborted, Committed: true, Participants: []string{"s1"}, Coordinator: "p1", Age: time.Hour})
		}
		c, err := New(Options{Cluster: "c", ID: "p1", Epoch: "e2", Log: newMemoryLog("e1", "e2"), Shards: []Shard{s}, Logger: quiet()})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := c.Recover(t.Context(), false); err != nil {
			t.Fatal(err)
		}
		if len(s.rows) != 1 || s.rows[0].GTRID != "c.p2.e1.1" {
			t.Errorf("left: %+v", s.rows)
		}
	})
}

// Rows that must stay do not keep the rest from being purged: the table would grow for ever.
func TestPurgeBehindRowsThatStay(t *testing.T) {
	for _, stay := range []int{0, 1, 999, purgeBatch, 3 * purgeBatch} {
		t.Run(fmt.Sprint(stay), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := &markerShard{fakeShard: &fakeShard{name: "s1"}}
				for i := range stay + 20_000 {
					m := Marker{GTRID: fmt.Sprint("c.p1.e1.", i), Committed: true, Participants: []string{"s1"}, Coordinator: "p1", Age: time.Hour}
					if i < stay { // of a shard that is not there any more
						m.Participants = []string{"s1", "s9"}
					}
					s.rows = append(s.rows, m)
				}
				c, err := New(Options{Cluster: "c", ID: "p1", Epoch: "e2", Log: newMemoryLog("e1", "e2"), Shards: []Shard{s}, Logger: quiet()})
				if err != nil {
					t.Fatal(err)
				}
				if _, err := c.Recover(t.Context(), false); err != nil {
					t.Fatal(err)
				}
				if len(s.rows) != stay {
					t.Errorf("%d rows are left, %d must stay", len(s.rows), stay)
				}
			})
		})
	}
}
