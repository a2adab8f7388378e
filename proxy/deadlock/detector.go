package deadlock

import (
	"context"
	"slices"
	"sync"
	"time"

	"lockstep/backend"
)

// Detector is one proxy's. Make it with New and have a goroutine call Run. A nil *Detector watches nothing.
type Detector struct {
	o       Options
	names   []string // of the servers
	byShard map[string]int
	wake    chan struct{} // the first transaction is watched
	places  chan struct{} // one for each statement that is being ended
	ends    sync.WaitGroup

	mu   sync.Mutex
	open []*Transaction

	stats   counters
	history history

	// Of Run's goroutine alone.
	servers  []*server
	sweeping []*Transaction
	foreign  map[string]*foreign // by gtrid
	marked   map[string]mark     // victims of other proxies that were asked for, by gtrid
	lastRead time.Time           // end of the last reading
	readNext time.Duration       // how long to wait from there
	exchange time.Time           // of the last exchange
	stale    bool                // the last reading met a cache somewhere
	reading  bool                // this proxy is the one that reads
}

// New makes a detector. It asks nobody anything until Run.
func New(o Options) *Detector {
	o = o.withDefaults()
	d := &Detector{
		o: o, byShard: map[string]int{}, wake: make(chan struct{}, 1), places: make(chan struct{}, o.MaxEnding),
		foreign: map[string]*foreign{}, marked: map[string]mark{},
	}
	d.history.limit = o.History
	for i, s := range o.Servers {
		d.names = append(d.names, s.Name)
		d.servers = append(d.servers, &server{Server: s, told: map[string]told{}})
		for _, shard := range s.Shards {
			d.byShard[shard] = i
		}
	}
	return d
}

// Run looks for deadlocks until ctx ends. It takes back what it has told other proxies.
func (d *Detector) Run(ctx context.Context) {
	ticker := time.NewTicker(tick)
	defer ticker.Stop()
	defer d.ends.Wait()
	defer d.leave()
	for {
		if d.idle() {
			ticker.Stop()
			select {
			case <-d.wake:
			case <-ctx.Done():
				return
			}
			ticker.Reset(tick)
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return
		}
		d.look(ctx)
	}
}

// idle says whether there is nothing to look at and nothing to take back.
func (d *Detector) idle() bool {
	d.mu.Lock()
	n := len(d.open)
	d.mu.Unlock()
	return n == 0 && !slices.ContainsFunc(d.servers, func(s *server) bool { return len(s.told) > 0 })
}

// look is one round.
func (d *Detector) look(ctx context.Context) {
	own := d.sweep()
	if len(own) == 0 {
		d.forget()
		if !d.idle() {
			d.withdraw(ctx)
		}
		return
	}
	scope := d.scope(own)
	look := d.meet(ctx, scope)
	if !d.reading {
		return
	}
	if time.Since(d.lastRead) >= d.readNext {
		d.read(ctx, scope)
		look = true
	}
	if look {
		d.judge(ctx, d.sweep()) // whoever is still waiting has been since before
	}
}

// waiting is a watched transaction whose statement is under way, with what was known of it at one moment.
type waiting struct {
	t      *Transaction
	member Member
	shards []place
}

// sweep looks which transactions have a statement under way for Options.Wait.
func (d *Detector) sweep() []waiting {
	d.mu.Lock()
	d.sweeping = append(d.sweeping[:0], d.open...)
	d.mu.Unlock()
	var own []waiting
	now := time.Now()
	for _, t := range d.sweeping {
		statement, ok := t.runner.Running()
		t.spared(statement)
		if !ok {
			t.statement = 0
			continue
		}
		t.mu.Lock()
		if t.statement != statement || t.known != t.version {
			// It may have begun, or come to its connections, after now.
			t.statement, t.known, t.since = statement, t.version, time.Now()
		}
		if waited := now.Sub(t.since); waited >= d.o.Wait && len(t.connections) > 1 {
			w := waiting{t: t, shards: slices.Clone(t.connections), member: Member{
				GTRID: t.gtrid, Coordinator: d.o.Coordinator, Began: t.began, Statement: statement, Since: t.since, Seen: now,
			}}
			for _, p := range w.shards {
				w.member.Connections = append(w.member.Connections, p.connection)
			}
			own = append(own, w)
		}
		t.mu.Unlock()
	}
	clear(d.sweeping)
	return own
}

// scope are the servers that have to do with what waits.
func (d *Detector) scope(own []waiting) []*server {
	in := make([]bool, len(d.servers))
	for i := range own {
		for _, c := range own[i].member.Connections {
			in[c.Server] = true
		}
	}
	for _, f := range d.foreign {
		for _, c := range f.member.Connections {
			in[c.Server] = true
		}
	}
	var list []*server
	for i, s := range d.servers {
		if in[i] {
			list = append(list, s)
		}
	}
	return list
}

// forget drops what the readings showed: the next wait begins anew.
func (d *Detector) forget() {
	for _, s := range d.servers {
		s.before, s.last, s.held = reading{}, reading{}, Held{}
		s.board.rows = nil
	}
	clear(d.foreign)
	clear(d.marked)
	d.readNext = cacheIdle
	d.exchange, d.reading = time.Time{}, false
}

// judge looks for cycles in what the last two readings have in common.
func (d *Detector) judge(ctx context.Context, own []waiting) {
	now := time.Now()
	members := make([]Member, 0, len(own)+len(d.foreign))
	byGTRID := map[string]*Transaction{}
	fresh := false
	for i := range own {
		w := &own[i]
		fresh = fresh || now.Sub(w.member.Since) < d.o.Wait+young
		byGTRID[w.member.GTRID] = w.t
		if e := w.t.ending.Load(); e != nil && e.statement == w.member.Statement && now.Sub(e.at) < victimPatience {
			continue // it is on its way out
		}
		members = append(members, w.member)
	}
	for gtrid, f := range d.foreign {
		fresh = fresh || now.Sub(f.member.Since) < d.o.Wait+young
		if m, ok := d.marked[gtrid]; ok && m.statement == f.member.Statement && now.Sub(m.at) < victimPatience {
			continue
		}
		members = append(members, f.member)
	}
	held := make([]Held, len(d.servers))
	latest := make([]Held, len(d.servers))
	for i, s := range d.servers {
		held[i] = s.held
		latest[i].Waits = s.last.waits
	}
	cycles, suspects := Deadlocks(members, held, d.names)
	for i := range cycles {
		c := &cycles[i]
		d.stats.cycles.Add(1)
		if t := byGTRID[c.Victim.GTRID]; t != nil && c.Victim.Coordinator == d.o.Coordinator {
			d.end(t, c)
		} else {
			d.mark(ctx, c)
		}
	}
	if !suspects && len(cycles) == 0 {
		seen, more := Deadlocks(members, latest, d.names)
		suspects = more || len(seen) > 0
	}
	if d.stale {
		return // readNext is as it must be
	}
	d.readNext = cacheIdle
	if !fresh && !suspects && len(cycles) == 0 {
		d.readNext = restReading
	}
}

// common are the waits that both lists have.
func common(a, b []backend.LockWait) []backend.LockWait {
	if len(a) == 0 || len(b) == 0 {
		return nil
	}
	seen := make(map[backend.LockWait]struct{}, len(a))
	for _, w := range a {
		seen[w] = struct{}{}
	}
	var both []backend.LockWait
	for _, w := range b {
		if _, ok := seen[w]; ok {
			both = append(both, w)
		}
	}
	return both
}
