package proxy

import (
	"errors"
	"fmt"
	"reflect"
	"testing"
	"time"

	"lockstep/backend"
	"lockstep/coordinator"
	"lockstep/protocol"
)

// Refused ends a transaction's chance to be committed, so nothing but a committed row may give it.
func TestFenceReply(t *testing.T) {
	server := func(code uint16) error { return fmt.Errorf("fencing: %w", &protocol.ServerError{Code: code}) }
	for _, row := range []struct {
		err  error
		want coordinator.Result
	}{
		{nil, coordinator.Done},
		{fmt.Errorf("fencing: %w", &backend.MarkerExistsError{}), coordinator.Refused},
		{fmt.Errorf("fencing: %w", &backend.MarkerLockedError{}), coordinator.Retry},
		{fmt.Errorf("fencing: %w", &backend.ReadOnlyError{}), coordinator.Retry},
		{fmt.Errorf("fencing: %w", &backend.MarkerTableError{Err: &protocol.ServerError{Code: 1146}}), coordinator.Retry},
		{&backend.DownError{Err: errors.New("x")}, coordinator.Retry},
		{&backend.ConnError{Err: errors.New("x")}, coordinator.Unknown},
		{&backend.ConnError{Err: server(1053)}, coordinator.Unknown},
		{server(1142), coordinator.Retry}, {server(1290), coordinator.Retry}, {server(1317), coordinator.Retry}, {server(1114), coordinator.Retry},
		{errors.New("anything"), coordinator.Unknown},
	} {
		if got := fenceReply(row.err); got.Result != row.want || (got.Err == nil) != (row.err == nil) {
			t.Errorf("%v: %v, want %v", row.err, got.Result, row.want)
		}
	}
}

func TestMarkersOfBothPackagesAreOne(t *testing.T) {
	m := coordinator.Marker{GTRID: "g", State: coordinator.MarkerToken, Committed: true, Participants: []string{"a", "b"},
		Coordinator: "p1", Connection: 7, Token: "t", Age: time.Second}
	if v := reflect.ValueOf(m); v.NumField() != reflect.TypeFor[backend.Marker]().NumField() {
		t.Error("one has a field that the other has not")
	}
	if got := coordinatorMarker(backendMarker(m)); !reflect.DeepEqual(got, m) {
		t.Errorf("%+v became %+v", m, got)
	}
	for s := coordinator.MarkerVoted; s <= coordinator.MarkerAborted; s++ {
		if backend.MarkerState(s).String() != s.String() {
			t.Errorf("state %d is %v there and %v here", s, backend.MarkerState(s), s)
		}
	}
}
