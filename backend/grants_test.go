package backend

import (
	"errors"
	"slices"
	"strings"
	"testing"
)

func TestGrants(t *testing.T) { onEngines(t, grants) }

func grants(t *testing.T, e *engine) {
	root := e.open(t)
	st := table(t, root)
	c := acquire(t, root, nil, true)
	defer c.Release()
	run(t, c, "DROP DATABASE IF EXISTS lockstep", "DROP USER IF EXISTS app", "CREATE USER app IDENTIFIED BY 'pw'", "GRANT ALL ON "+st.Database+".* TO app")
	app := e.open(t, func(o *Options) { o.User, o.Password = "app", "pw" })
	lacks := func(want ...string) {
		t.Helper()
		account, missing, err := app.MissingGrants(t.Context())
		if err != nil || account != "'app'@'%'" {
			t.Fatalf("%s, %v", account, err)
		}
		var got []string
		for _, g := range missing {
			got = append(got, g.Privilege)
		}
		slices.Sort(got)
		slices.Sort(want)
		if !slices.Equal(got, want) {
			t.Errorf("lacks %q, want %q", got, want)
		}
	}
	server := []string{"PROCESS ON *.*", "CONNECTION ADMIN ON *.*"}
	if e.name == "MySQL" {
		server = []string{"PROCESS ON *.*", "CONNECTION_ADMIN ON *.*", "XA_RECOVER_ADMIN ON *.*", "SELECT ON performance_schema.*"}
	}
	tables := []string{"SELECT ON lockstep.*", "INSERT ON lockstep.*", "DELETE ON lockstep.*", "UPDATE ON lockstep.*"}
	denied := func(err error) {
		t.Helper()
		var me *MarkerTableError
		if !errors.As(err, &me) || me.Err.Code != 1142 && me.Err.Code != 1044 || !strings.Contains(err.Error(), "lockstep init") {
			t.Errorf("got %v", err)
		}
	}
	made, err := app.CreateMarkerTable(t.Context())
	if made {
		t.Error("made")
	}
	denied(err)
	if made, err := root.CreateMarkerTable(t.Context()); !made || err != nil {
		t.Fatalf("%v, %v", made, err)
	}
	if made, err := root.CreateMarkerTable(t.Context()); made || err != nil {
		t.Errorf("again: %v, %v", made, err)
	}
	lacks(append(server, tables...)...)
	b := openBranch(t, app, st)
	run(t, b.c, "INSERT INTO t VALUES (1,1)")
	err = b.Vote(t.Context(), Marker{GTRID: b.xid.GTRID, State: MarkerVoted})
	denied(err)
	if Classify(err) != ClassDefinite {
		t.Errorf("%v is %v", err, Classify(err))
	}
	must(t, b.Rollback(t.Context()))
	b.c.Release()
	_, err = app.Markers(t.Context(), []string{"x"})
	denied(err)
	// One grant after another, in the words that it was told.
	run(t, c, "GRANT SELECT ON lockstep.* TO app", "GRANT INSERT ON lockstep.* TO app", "GRANT PROCESS ON *.* TO app")
	eventually(t, "the grants are seen", func() bool { // privileges of a database are read at login, or when the database is chosen
		app = e.open(t, func(o *Options) { o.User, o.Password = "app", "pw" })
		_, err := app.Markers(t.Context(), []string{"x"})
		return err == nil
	})
	rest := append(server[1:], tables[2:]...)
	lacks(rest...)
	for _, g := range rest {
		run(t, c, "GRANT "+g+" TO app")
	}
	app = e.open(t, func(o *Options) { o.User, o.Password = "app", "pw" })
	lacks()
	b = openBranch(t, app, st)
	run(t, b.c, "INSERT INTO t VALUES (1,1)")
	must(t, b.CommitOnePhaseMarked(t.Context(), Marker{GTRID: b.xid.GTRID, State: MarkerVoted}))
	b.c.Release()
	must(t, app.PurgeMarkers(t.Context(), []string{b.xid.GTRID}))

	t.Run("read-only server", func(t *testing.T) {
		run(t, c, "SET GLOBAL read_only=1", "DROP DATABASE lockstep")
		defer run(t, c, "SET GLOBAL read_only=0")
		if made, err := root.CreateMarkerTable(t.Context()); made || !errors.As(err, new(*ReadOnlyError)) {
			t.Errorf("%v, %v", made, err)
		}
		if err := root.InsertFence(t.Context(), Marker{GTRID: "x"}); !errors.As(err, new(*ReadOnlyError)) {
			t.Errorf("fence: %v", err)
		}
	})
	t.Run("a table of another layout", func(t *testing.T) {
		run(t, c, "CREATE DATABASE IF NOT EXISTS lockstep", "CREATE TABLE lockstep.branch (gtrid INT)")
		defer run(t, c, "DROP DATABASE lockstep")
		if _, err := root.CreateMarkerTable(t.Context()); !errors.As(err, new(*MarkerTableError)) || !strings.Contains(err.Error(), "layout") {
			t.Errorf("got %v", err)
		}
	})
}
