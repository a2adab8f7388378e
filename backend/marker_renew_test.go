package backend

import (
	"testing"
	"time"
)

func TestRenewMarkers(t *testing.T) { onEngines(t, renewMarkers) }

func renewMarkers(t *testing.T, e *engine) {
	s := e.open(t)
	st := markerTable(t, s)
	var gtrids []string
	for i, token := range []string{"old", "young"} {
		b := voted(t, s, st, i, func(m *Marker) { m.Token = token })
		must(t, b.CommitOnePhase(t.Context()))
		b.c.Release()
		gtrids = append(gtrids, b.xid.GTRID)
	}
	c := acquire(t, s, nil, true)
	defer c.Release()
	run(t, c, "UPDATE lockstep.branch SET created = UTC_TIMESTAMP(6) - INTERVAL IF(token = 'old', 120, 30) MINUTE")
	must(t, s.RenewMarkers(t.Context(), append(gtrids, "none"), time.Hour))
	if m := marker(t, s, gtrids[0]); m == nil || m.Age > time.Minute || m.Token != "old" || m.State != MarkerVoted {
		t.Errorf("the old one: %+v", m)
	}
	if m := marker(t, s, gtrids[1]); m == nil || m.Age < 29*time.Minute {
		t.Errorf("the young one: %+v", m)
	}
	run(t, c, "DROP TABLE lockstep.branch")
	must(t, s.RenewMarkers(t.Context(), gtrids, time.Hour))
}
