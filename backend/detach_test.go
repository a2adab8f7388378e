package backend

import (
	"context"
	"errors"
	"testing"
)

// A MySQL that keeps prepared branches on their connections is refused, and taken when it does so no more.
func TestMySQLMustDetach(t *testing.T) {
	e, err := mysqlEngine()
	if err != nil {
		t.Fatal(err)
	}
	s := e.open(t)
	set := func(value string) {
		t.Helper()
		if err := mysqlServer.Exec(context.Background(), "SET GLOBAL xa_detach_on_prepare="+value); err != nil {
			t.Fatal(err)
		}
	}
	t.Cleanup(func() { set("ON") })
	set("OFF")
	var down *DownError
	if c, err := s.Acquire(t.Context(), &State{}, true); !errors.As(err, &down) || !errors.Is(err, errAttached) {
		t.Errorf("%v, %v", c, err)
	}
	set("ON")
	s = e.open(t)
	acquire(t, s, &State{}, true).Release()
}
