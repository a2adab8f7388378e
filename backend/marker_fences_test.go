package backend

import (
	"fmt"
	"testing"
)

// Many fences go in together, or none of them does: a row of one transaction keeps all out.
func TestInsertFences(t *testing.T) {
	onEngines(t, func(t *testing.T, e *engine) {
		s := e.open(t)
		if _, err := s.CreateMarkerTable(t.Context()); err != nil {
			t.Fatal(err)
		}
		many := func(from string) (ms []Marker, gtrids []string) {
			for i := range 50 {
				g := fmt.Sprintf("c.p.e.%s%d", from, i)
				ms, gtrids = append(ms, Marker{GTRID: g, Participants: []string{"s1", "s2"}, Coordinator: "p2"}), append(gtrids, g)
			}
			return ms, gtrids
		}
		count := func(gtrids []string) int {
			t.Helper()
			rows, err := s.Markers(t.Context(), gtrids)
			must(t, err)
			for _, m := range rows {
				if m.State != MarkerAborted || !m.Committed || m.Coordinator != "p2" || len(m.Participants) != 2 {
					t.Errorf("row %+v", m)
				}
			}
			return len(rows)
		}
		ms, gtrids := many("a")
		must(t, s.InsertFences(t.Context(), ms))
		if n := count(gtrids); n != len(ms) {
			t.Errorf("%d rows of %d fences", n, len(ms))
		}
		ms, gtrids = many("b")
		must(t, s.InsertFence(t.Context(), ms[40]))
		sameKind(t, s.InsertFences(t.Context(), ms), &MarkerExistsError{})
		if n := count(gtrids); n != 1 {
			t.Errorf("%d rows, where one was there before and kept the others out", n)
		}
		must(t, s.InsertFences(t.Context(), nil))
	})
}
