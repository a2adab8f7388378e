package sim

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"lockstep/coordinator"
	"lockstep/txlog"
)

// proxy is a process that is started, dies and is started again, with its disk.
type proxy struct {
	w     *world
	index int
	name  string
	disk  disk
	lives int
	life  *life // nil: not running
	skew  time.Duration
	cut   map[*server]cutKind // what it cannot reach
	gone  bool                // for good
}

// cutKind is how a connection is interrupted.
type cutKind uint8

const (
	notCut  cutKind = iota
	silent          // packets vanish
	refused         // connections are reset, and cannot be made
)

// life is one run of a proxy's process.
type life struct {
	w       *world
	p       *proxy
	serial  int // of all lives
	name    string
	epoch   string
	coord   *coordinator.Coordinator
	log     logIndex
	file    *txlog.Log // instead of log, where the disk is real
	granted string     // the transaction whose decision it writes
	forgot  []string   // by the code under test in this step
	dead    bool       // written by the scheduler; read under w.mu
	frozen  bool
	ctx     context.Context
	end     context.CancelFunc
	timers  []*timer
	warned  map[string]bool // gtrids that it asked an operator to settle
}

func newProxy(w *world, index int) *proxy {
	p := &proxy{w: w, index: index, name: fmt.Sprint("p", index+1), cut: map[*server]cutKind{}}
	p.disk.decisions = map[string]txlog.Decision{}
	return p
}

// start a life.
func (p *proxy) start() {
	w := p.w
	p.lives++
	l := &life{w: w, p: p, serial: p.lives*8 + p.index, name: fmt.Sprint(p.name, ".", p.lives), warned: map[string]bool{},
		epoch: fmt.Sprintf("e%s%d%06x", p.name, p.lives, w.rng.Uint32()&0xffffff)}
	l.ctx, l.end = context.WithCancel(as(context.Background(), "resolver"))
	p.disk.open(l)
	l.log.open(l)
	o := coordinator.Options{
		Cluster: cluster, ID: p.name, Epoch: l.epoch, Log: l.openLog(), Clock: (*processClock)(l), Logger: slog.New(warnings{l}),
		PrepareTimeout: w.luck.prepareTimeout, CommitTimeout: w.luck.commitTimeout, ResolveInterval: w.luck.resolveInterval,
		ListTimeout: w.luck.listTimeout, SettleTimeout: w.luck.settleTimeout, MaxParallel: w.luck.parallel, FreeBatch: w.luck.batch,
	}
	threePhaseOptions(&o, w)
	for _, s := range w.servers {
		o.Shards = append(o.Shards, view{l, s})
	}
	var err error
	if l.coord, err = coordinator.New(o); err != nil {
		w.violation("%s does not start: %v", l.name, err)
		return
	}
	p.life = l
	w.tell(l.name, "starts, with %d decisions in its log", len(p.decisions()))
	w.later(func() {
		go func() {
			if err := l.coord.Run(l.ctx); err != nil {
				l.note("run: " + err.Error())
			}
		}()
	})
}

// crash ends a life. What it has sent may still arrive, and servers see the ends of its sessions some time later.
func (p *proxy) crash() {
	l, w := p.life, p.w
	if l == nil {
		return
	}
	w.tell(l.name, "dies")
	w.seen.died(l.coord.Stats())
	l.frozen = false
	w.mu.Lock()
	l.dead = true
	w.mu.Unlock()
	w.later(l.end)
	l.stop()
	p.life = nil
	for _, r := range w.requests {
		if r.life != l {
			continue
		}
		was := r.state
		w.finish(r, result{lost: true})
		if (was == sent || was == waiting) && !r.stuck && r.verb != verbAppend && !(w.chance(40) && was == sent) {
			r.state, r.orphan = was, true
		}
	}
	w.sweep()
	for _, c := range w.clients {
		if c.life == l {
			c.broken()
		}
	}
	for _, t := range w.tasks {
		if t.life == l {
			t.over = true
		}
	}
	for _, s := range w.servers {
		for _, sess := range s.sessions {
			if sess.life == l {
				sess.closed.Store(true)
			}
		}
	}
	l.closeLog()
	p.disk.crashed(l)
}

// freeze stops a life (SIGSTOP). What it has written to its sockets goes on its way.
func (p *proxy) freeze() {
	p.life.frozen = true
	p.w.tell(p.life.name, "is frozen")
	for _, r := range p.w.requests {
		if r.life == p.life && r.state == sent && !r.orphan {
			r.stuck = p.w.rng.IntN(2) == 0
		}
	}
}

func (p *proxy) wake() {
	p.life.frozen = false
	p.w.tell(p.life.name, "wakes up")
	for _, r := range p.w.requests {
		if r.life == p.life {
			r.stuck = false
		}
	}
}

// running are the proxies that have a life that is not frozen.
func (w *world) running() (out []*proxy) {
	for _, p := range w.proxies {
		if p.life != nil && !p.life.frozen {
			out = append(out, p)
		}
	}
	return out
}

// note is a line of the trace from the code under test.
func (l *life) note(text string) {
	if l.w.trace == nil {
		return
	}
	l.w.mu.Lock()
	defer l.w.mu.Unlock()
	if !l.dead {
		l.w.notes = append(l.w.notes, l.name+" says: "+text)
	}
}

// warnings is a log handler that keeps what an operator must act on.
type warnings struct{ l *life }

func (h warnings) Enabled(_ context.Context, level slog.Level) bool { return level >= slog.LevelError }
func (h warnings) WithAttrs([]slog.Attr) slog.Handler               { return h }
func (h warnings) WithGroup(string) slog.Handler                    { return h }
func (h warnings) Handle(_ context.Context, r slog.Record) error {
	var words []string
	r.Attrs(func(a slog.Attr) bool {
		if a.Key == "gtrid" {
			h.l.w.mu.Lock()
			h.l.warned[a.Value.String()] = true
			h.l.w.mu.Unlock()
		}
		if a.Key != "err" && a.Key != "why" {
			words = append(words, a.Key+"="+a.Value.String())
		}
		return true
	})
	slices.Sort(words)
	h.l.note(fmt.Sprint(r.Message, " ", words))
	return nil
}
