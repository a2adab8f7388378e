package eventloop

import (
	"errors"
	"fmt"
	"net"
	"os"
	"runtime"
	"sync"
	"sync/atomic"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Handler is told of a connection's readiness, on the loop's goroutine.
type Handler interface {
	// Readable: bytes, the end of the stream or an error wait, or may: TryRead tells.
	Readable()
	// Drained: what Write had to leave behind has been sent, or never will be.
	Drained()
}

// maxEvents is how many are taken from the kernel at a time.
const maxEvents = 256

// Loop serves connections on one goroutine.
type Loop struct {
	epfd, wakefd int
	events       [maxEvents]unix.EpollEvent

	// Of the loop's goroutine.
	woke  bool // goroutines were made ready: let them run
	hooks []func()
	every []ticker

	sleeping atomic.Bool
	mu       sync.Mutex // of what follows
	closed   bool
	gone     bool   // Run has returned
	conns    []slot // by the events' index
	free     []uint32
	posted   []func()
	given    []*Conn
	spare    struct { // emptied queues, used again
		posted []func()
		given  []*Conn
	}

	stats Stats
}

// slot is a place in the table of connections; generation tells its tenants apart.
type slot struct {
	c          *Conn
	generation uint32
}

type ticker struct {
	every, next time.Duration // of the loop's clock
	active      func() bool   // nil: always
	f           func()
}

// New makes a loop; Run makes it serve.
func New() (*Loop, error) {
	epfd, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("make an epoll instance: %w", err)
	}
	wakefd, err := unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK)
	if err != nil {
		_ = unix.Close(epfd) // the error that matters is err
		return nil, fmt.Errorf("make an eventfd: %w", err)
	}
	l := &Loop{epfd: epfd, wakefd: wakefd, conns: make([]slot, 1)} // place 0 is the wake-up's
	ev := unix.EpollEvent{Events: unix.EPOLLIN | unix.EPOLLET}
	if err := unix.EpollCtl(epfd, unix.EPOLL_CTL_ADD, wakefd, &ev); err != nil {
		return nil, errors.Join(fmt.Errorf("watch an eventfd: %w", err), unix.Close(epfd), unix.Close(wakefd))
	}
	return l, nil
}

// AfterBatch has f run each time the ready connections have all been handled: the place to write out
// what they have gathered. Before Run only.
func (l *Loop) AfterBatch(f func()) { l.hooks = append(l.hooks, f) }

// Every has f run about each d, on the loop's goroutine. Before Run only.
func (l *Loop) Every(d time.Duration, f func()) { l.every = append(l.every, ticker{every: d, f: f}) }

// EveryWhile is Every, but only while active says so: the loop does not wake up for it otherwise.
func (l *Loop) EveryWhile(d time.Duration, active func() bool, f func()) {
	l.every = append(l.every, ticker{every: d, active: active, f: f})
}

// Woke says that a handler made a goroutine ready to run: the loop lets it run soon.
func (l *Loop) Woke() { l.woke = true }

// Post has f run on the loop's goroutine. From any goroutine. After Close it does nothing, and says so.
func (l *Loop) Post(f func()) bool {
	l.mu.Lock()
	open := !l.closed
	if open {
		l.posted = append(l.posted, f)
	}
	l.mu.Unlock()
	l.wake()
	return open
}

// give queues a connection whose handler is to be told.
func (l *Loop) give(c *Conn) {
	l.mu.Lock()
	if !l.closed {
		l.given = append(l.given, c)
	}
	l.mu.Unlock()
	l.wake()
}

// wake ends the loop's sleep, if it sleeps.
func (l *Loop) wake() {
	if l.sleeping.CompareAndSwap(true, false) {
		l.mu.Lock()
		defer l.mu.Unlock()
		if !l.gone {
			one := [8]byte{1}
			// It fails only when the counter is full, which wakes too.
			_, _, _ = unix.RawSyscall(unix.SYS_WRITE, uintptr(l.wakefd), uintptr(unsafe.Pointer(&one)), 8)
		}
	}
}

// Close makes Run return. The connections stay open, and are nobody's to wait for any more.
func (l *Loop) Close() {
	l.mu.Lock()
	l.closed = true
	l.mu.Unlock()
	l.wake()
}

// Run serves until Close.
func (l *Loop) Run() error {
	defer func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.closed, l.gone = true, true
		_ = unix.Close(l.epfd) // nothing was written that could be lost
		_ = unix.Close(l.wakefd)
	}()
	begin := time.Now()
	for {
		n, err := l.wait(0)
		if err != nil {
			return err
		}
		if n == 0 && l.idle() {
			l.stats.Sleeps.Add(1)
			l.sleeping.Store(true)
			if l.idle() { // nothing came in between
				n, err = l.wait(l.untilTick(time.Since(begin)))
			}
			l.sleeping.Store(false)
			if err != nil {
				return err
			}
		}
		l.dispatch(n)
		if l.takeQueues() {
			return nil
		}
		for _, f := range l.hooks {
			f()
		}
		if len(l.every) > 0 {
			l.tick(time.Since(begin))
		}
		if l.woke {
			l.woke = false
			runtime.Gosched()
		}
	}
}

// wait asks the kernel; ms < 0: for as long as it takes.
func (l *Loop) wait(ms int) (int, error) {
	l.stats.Waits.Add(1)
	if ms == 0 {
		n, _, e := unix.RawSyscall6(unix.SYS_EPOLL_PWAIT, uintptr(l.epfd), uintptr(unsafe.Pointer(&l.events[0])), maxEvents, 0, 0, 0)
		if e == 0 {
			return int(n), nil
		}
		if e == unix.EINTR {
			return 0, nil
		}
		return 0, os.NewSyscallError("epoll_pwait", e)
	}
	n, err := unix.EpollWait(l.epfd, l.events[:], ms)
	if errors.Is(err, unix.EINTR) {
		return 0, nil
	}
	return n, os.NewSyscallError("epoll_wait", err)
}

func (l *Loop) idle() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.posted) == 0 && len(l.given) == 0 && !l.closed
}

// dispatch tells the owners of the connections that something happened on.
func (l *Loop) dispatch(n int) {
	for i := range n {
		ev := &l.events[i]
		if ev.Fd == 0 {
			var b [8]byte
			_, _, _ = unix.RawSyscall(unix.SYS_READ, uintptr(l.wakefd), uintptr(unsafe.Pointer(&b)), 8) // sets it back
			continue
		}
		l.mu.Lock()
		s := l.conns[ev.Fd]
		l.mu.Unlock()
		if s.c == nil || s.generation != uint32(ev.Pad) {
			continue // closed meanwhile
		}
		s.c.event(l, ev.Events)
	}
}

// takeQueues runs what others have asked for, and says whether the loop is closed.
func (l *Loop) takeQueues() (closed bool) {
	l.mu.Lock()
	posted, given := l.posted, l.given
	l.posted, l.given = l.spare.posted[:0], l.spare.given[:0]
	closed = l.closed
	l.mu.Unlock()
	for i, c := range given {
		given[i] = nil
		c.tell(l)
	}
	for i, f := range posted {
		posted[i] = nil
		f()
	}
	l.mu.Lock()
	l.spare.posted, l.spare.given = posted, given
	l.mu.Unlock()
	return closed
}

func (l *Loop) tick(now time.Duration) {
	for i := range l.every {
		if t := &l.every[i]; now >= t.next {
			t.next = now + t.every
			t.f()
		}
	}
}

// untilTick is the time in ms until something must be done.
func (l *Loop) untilTick(now time.Duration) int {
	if len(l.every) == 0 {
		return -1
	}
	d := time.Hour
	for _, t := range l.every {
		if t.active == nil || t.active() {
			d = min(d, t.next-now)
		}
	}
	return max(1, int((d+time.Millisecond-1)/time.Millisecond))
}

// register watches a connection from now on.
func (l *Loop) register(c *Conn) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.gone {
		return net.ErrClosed
	}
	var at uint32
	if n := len(l.free); n > 0 {
		at = l.free[n-1]
		l.free = l.free[:n-1]
	} else {
		at = uint32(len(l.conns))
		l.conns = append(l.conns, slot{})
	}
	l.conns[at].c = c
	c.slot = at
	ev := unix.EpollEvent{
		Events: unix.EPOLLIN | unix.EPOLLOUT | unix.EPOLLRDHUP | unix.EPOLLET&0xffffffff,
		Fd:     int32(at), Pad: int32(l.conns[at].generation),
	}
	if err := unix.EpollCtl(l.epfd, unix.EPOLL_CTL_ADD, c.fd, &ev); err != nil {
		l.vacate(at)
		c.slot = 0
		return fmt.Errorf("watch a connection: %w", err)
	}
	return nil
}

// vacate gives a place in the table back; l.mu is held.
func (l *Loop) vacate(at uint32) {
	l.conns[at].c = nil
	l.conns[at].generation++
	l.free = append(l.free, at)
}

// Move has another loop watch the connection. Only while nobody uses it: between Take and the next Give or Read. After an
// error nobody watches it: it can only be closed.
func (c *Conn) Move(to *Loop) error {
	from := c.Loop()
	if from == to {
		return nil
	}
	if !c.enter() {
		return net.ErrClosed
	}
	defer c.leave()
	var none unix.EpollEvent // kernels before 2.6.9 want one
	if err := unix.EpollCtl(from.epfd, unix.EPOLL_CTL_DEL, c.fd, &none); err != nil {
		return fmt.Errorf("watch a connection no more: %w", err)
	}
	from.forget(c)
	c.slot = 0 // nobody's, until it is registered
	c.watcher.Store(to)
	return to.register(c) // its state is told anew
}

// forget is for a connection whose descriptor is about to be closed, which ends its watching.
func (l *Loop) forget(c *Conn) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if c.slot != 0 {
		l.vacate(c.slot)
	}
}

// Stats are what the loop and its connections have asked of the kernel so far.
type Stats struct {
	Waits  atomic.Uint64 // for events
	Sleeps atomic.Uint64 // Waits with nothing to do meanwhile
	Reads  atomic.Uint64
	Writes atomic.Uint64
}

// Stats counts system calls, for metrics.
func (l *Loop) Stats() *Stats { return &l.stats }
