package eventloop

import (
	"testing"
	"time"
)

// A connection that could not be moved is closed without harm to others: it has no place in any table.
func TestMoveToEndedLoop(t *testing.T) {
	from := start(t)
	to, err := New()
	if err != nil {
		t.Fatal(err)
	}
	to.Close()
	if err := to.Run(); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		pair(t, from) // takes a place, which the ended loop's table does not have
	}
	c, _ := pair(t, from)
	if c.Move(to) == nil {
		t.Fatal("moved to a loop that has ended")
	}
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
}

// A closed connection leaves no timer behind.
func TestCloseStopsTimers(t *testing.T) {
	c, _ := pair(t, start(t))
	if err := c.SetReadDeadline(time.Now().Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() {
		_, err := c.Read(make([]byte, 1))
		done <- err
	}()
	for c.read.timer.Load() == nil {
		time.Sleep(time.Millisecond)
	}
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	if err := <-done; err == nil {
		t.Error("read from a closed connection")
	}
	if c.read.timer.Load().Stop() {
		t.Error("the timer was still set")
	}
}
