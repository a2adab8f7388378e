package cluster

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"sync"
)

// Fault is a TCP proxy between Lockstep and one shard that breaks one connection at a chosen moment (Arm),
// or all of them for a while (Cut, Refuse, Silence).
type Fault struct {
	target   string
	listener net.Listener
	running  sync.WaitGroup

	mu      sync.Mutex
	rule    *Rule
	conns   map[net.Conn]bool
	refuses bool        // new connections
	silent  [2]*silence // by direction; nil: what comes passes
}

// Rule says when a connection breaks, and how. It is used up by the first connection that meets it.
type Rule struct {
	On     string // bytes that Lockstep sends, as they stand in one write
	Answer int    // how many bytes of the answer still pass; -1: the request does not pass either
	Stall  bool   // the connection goes silent instead of ending; until Release

	met      chan struct{}
	released chan struct{}
}

// Front puts a Fault between the proxy and a shard. Call it before Start.
func (p *Proxy) Front(i int) *Fault {
	c := p.c
	c.t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		c.t.Fatal(err)
	}
	f := &Fault{target: c.Shards[i].Address(), listener: l, conns: map[net.Conn]bool{}}
	text, err := os.ReadFile(p.ConfigPath())
	if err == nil {
		direct, fronted := "address: "+f.target+"\n", "address: "+l.Addr().String()+"\n"
		if !strings.Contains(string(text), direct) {
			err = fmt.Errorf("put a fault proxy before shard %s: the configuration does not have its address", c.Shards[i].Name)
		} else {
			err = os.WriteFile(p.ConfigPath(), []byte(strings.Replace(string(text), direct, fronted, 1)), 0o600)
		}
	}
	if err != nil {
		c.t.Fatal(errors.Join(err, l.Close()))
	}
	f.running.Go(f.accept)
	c.t.Cleanup(f.close)
	return f
}

// Arm sets the rule for the next connection that meets it.
func (f *Fault) Arm(r Rule) *Rule {
	r.met, r.released = make(chan struct{}), make(chan struct{})
	f.mu.Lock()
	f.rule = &r
	f.mu.Unlock()
	return &r
}

// Disarm takes a rule back that nothing has met.
func (f *Fault) Disarm() {
	f.mu.Lock()
	f.rule = nil
	f.mu.Unlock()
}

// Met is closed when a connection has met the rule.
func (r *Rule) Met() <-chan struct{} { return r.met }

// Release lets a connection that has gone silent speak again.
func (r *Rule) Release() { close(r.released) }

func (f *Fault) accept() {
	for {
		from, err := f.listener.Accept()
		if err != nil {
			return // closed
		}
		to, err := net.Dial("tcp", f.target)
		if err != nil {
			_ = from.Close() // the shard is down: so is this connection
			continue
		}
		p := &pipe{f: f, from: from, to: to}
		if !f.keep(from, to) {
			continue
		}
		f.running.Go(p.requests)
		f.running.Go(p.answers)
	}
}

func (f *Fault) close() {
	_ = f.listener.Close() // its connections are closed in any case
	f.mu.Lock()
	for c := range f.conns {
		_ = c.Close()
	}
	f.rule = nil
	f.mu.Unlock()
	f.Heal(false)
	f.running.Wait()
}

// take uses the rule up if the request meets it.
func (f *Fault) take(request []byte) *Rule {
	f.mu.Lock()
	defer f.mu.Unlock()
	r := f.rule
	if r == nil || !bytes.Contains(request, []byte(r.On)) {
		return nil
	}
	f.rule = nil
	close(r.met)
	return r
}

// pipe is one connection through the Fault.
type pipe struct {
	f        *Fault
	from, to net.Conn

	mu   sync.Mutex
	rule *Rule // met
	left int   // bytes of the answer that still pass
}

func (p *pipe) cut() {
	// Either end may have closed already.
	_ = p.from.Close()
	_ = p.to.Close()
	p.f.mu.Lock()
	delete(p.f.conns, p.from)
	delete(p.f.conns, p.to)
	p.f.mu.Unlock()
}

func (p *pipe) requests() {
	defer p.cut()
	buf := make([]byte, 64<<10)
	for {
		n, err := p.from.Read(buf)
		if !p.f.passes(Requests) {
			return
		}
		if r := p.f.take(buf[:n]); r != nil {
			if r.Answer < 0 && !r.Stall {
				return
			}
			p.mu.Lock()
			p.rule, p.left = r, max(r.Answer, 0)
			p.mu.Unlock()
			if r.Answer < 0 {
				select {
				case <-r.released:
				case <-p.closed():
					return
				}
			}
		}
		if n > 0 {
			if _, werr := p.to.Write(buf[:n]); werr != nil {
				return
			}
		}
		if err != nil {
			return
		}
	}
}

// closed is closed when Lockstep hangs up while nothing passes.
func (p *pipe) closed() <-chan struct{} {
	done := make(chan struct{})
	go func() {
		defer close(done)
		var one [1]byte
		_, _ = io.ReadFull(p.from, one[:]) // nothing comes but the end
	}()
	return done
}

func (p *pipe) answers() {
	defer p.cut()
	buf := make([]byte, 64<<10)
	for {
		n, err := p.to.Read(buf)
		if !p.f.passes(Answers) {
			return
		}
		p.mu.Lock()
		r, pass := p.rule, n
		if r != nil {
			pass = min(n, p.left)
			p.left -= pass
		}
		p.mu.Unlock()
		if pass > 0 {
			if _, werr := p.from.Write(buf[:pass]); werr != nil {
				return
			}
		}
		if r != nil && pass < n {
			if !r.Stall {
				return
			}
			<-r.released
			p.mu.Lock()
			p.rule = nil
			p.mu.Unlock()
			if _, werr := p.from.Write(buf[pass:n]); werr != nil {
				return
			}
		}
		if err != nil {
			return
		}
	}
}
