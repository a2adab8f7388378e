package eventloop

import (
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// A loop that still has an event of a connection which another loop has taken over does not call its handler:
// that belongs to the other one's goroutine.
func TestEventOfALoopThatLostTheConnection(t *testing.T) {
	from, to := start(t), start(t)
	c, peer := pair(t, from)
	if err := c.Move(to); err != nil {
		t.Fatal(err)
	}
	called := make(chan bool, 100)
	busy := false // of to's goroutine, and the race detector watches over it
	c.Give(handlerFunc(func() { called <- busy }))
	for len(called) > 0 {
		<-called
	}
	held, entered := make(chan struct{}), make(chan struct{})
	to.Post(func() { busy = true; close(entered); <-held; busy = false })
	<-entered
	done := make(chan struct{})
	from.Post(func() { c.event(from, unix.EPOLLIN|unix.EPOLLOUT); close(done) })
	<-done
	select {
	case <-called:
		t.Error("called on the loop that lost the connection")
	case <-time.After(20 * time.Millisecond):
	}
	close(held)
	select {
	case was := <-called:
		if was {
			t.Error("called while the connection's loop was busy")
		}
	case <-time.After(5 * time.Second):
		t.Error("the event is lost")
	}
	_ = peer
}

type handlerFunc func()

func (f handlerFunc) Readable() { f() }
func (handlerFunc) Drained()    {}
