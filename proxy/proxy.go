package proxy

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"lockstep/backend"
	"lockstep/config"
	"lockstep/coordinator"
	"lockstep/protocol"
	"lockstep/proxy/catalog"
	"lockstep/proxy/certs"
	"lockstep/proxy/deadlock"
	"lockstep/sharding"
	"lockstep/txlog"
)

// Options are what the configuration file does not say.
type Options struct {
	Logger *slog.Logger
	Hook   func(step coordinator.Step, k int) // tests: called at the named steps of a commit
}

// Proxy is one running proxy. Make it with New, start it with Start.
type Proxy struct {
	cfg      *config.Config
	log      *slog.Logger
	epoch    string
	shards   []*backend.Shard // in the file's order: a plan's shard index is a position here
	idShards []*backend.Shard // the same servers, for sequences alone
	scratch  []*backend.Shard // the same servers, for temporary tables alone
	gate     *scratchGate     // who may use those
	byName   map[string]int

	decisions   *txlog.Log
	coordinator *coordinator.Coordinator
	deadlocks   *deadlock.Detector // nil: off
	planner     *sharding.Planner
	sequences   *catalog.Sequences
	catalog     catalogState
	auth        *protocol.Authenticator
	tls         *certs.Clients // nil: off
	origins     origins
	users       map[string]*config.User
	states      stateTable
	sessions    registry
	identity    *identity
	lookups     lookupAllowance
	left        trails
	metrics     *metrics

	front             *front          // loops that serve clients
	made              chan struct{}   // closed when New is done: the shards' connections are tried meanwhile
	ctx               context.Context // ends when the proxy closes
	cancel            context.CancelFunc
	listener          net.Listener
	socket            net.Listener // nil: none
	admin             *adminServer
	running           sync.WaitGroup
	draining          atomic.Bool
	rollbackOnTimeout atomic.Bool // some shard ends a whole transaction on a lock wait time-out
	started           time.Time
	spools            spools
	definitions       definitions
	hook              func(step coordinator.Step, k int)
	version           atomic.Pointer[string] // of the shards' server
	sqlMode           atomic.Pointer[string] // the shards' default
	collations        collations
	kept              keptConnections
}

// New opens the log and prepares everything; nothing is listened on yet. A
// shard that cannot be reached is no error.
func New(cfg *config.Config, o Options) (*Proxy, error) {
	if o.Logger == nil {
		o.Logger = slog.Default()
	}
	p := &Proxy{cfg: cfg, log: o.Logger, epoch: coordinator.NewEpoch(), byName: map[string]int{}, users: map[string]*config.User{}, made: make(chan struct{}), started: time.Now(),
		identity: newIdentity(cfg.Cluster, cfg.Coordinator), hook: o.Hook}
	p.ctx, p.cancel = context.WithCancel(context.Background())
	p.sessions.init()
	p.spools.limit = int64(cfg.Limits.MaxCursorBytes)
	p.states.init()
	for i := range cfg.Users {
		p.users[cfg.Users[i].Name] = &cfg.Users[i]
	}
	if err := p.prepareLogins(); err != nil {
		p.cancel()
		return nil, err
	}

	decisions, err := openLog(cfg, p.epoch, o.Hook)
	if err != nil {
		p.cancel()
		return nil, fmt.Errorf("open the decision log: %w", err)
	}
	p.decisions = decisions

	if p.front, err = newFront(p, cfg.EventLoops); err != nil {
		return nil, errors.Join(fmt.Errorf("start the event loops: %w", err), p.Close())
	}
	for i, s := range cfg.Shards {
		p.byName[s.Name] = i
		p.shards = append(p.shards, backend.NewShard(p.onLoops(shardOptions(cfg, s, o.Logger, p.shardUp))))
	}
	p.coordinator, err = coordinator.New(coordinator.Options{
		Cluster: cfg.Cluster, ID: cfg.Coordinator, Epoch: p.epoch,
		Log: decisions, Shards: ownedShards(p.shards, p.identity), Logger: o.Logger,
		PrepareTimeout: cfg.Timeouts.Prepare, PrecommitTimeout: cfg.PrecommitTimeout,
		CommitTimeout: cfg.Timeouts.Commit, ResolveInterval: cfg.Timeouts.Resolve,
		MarkerRetention: cfg.MarkerRetention, TokenRetention: cfg.TokenRetention, Hook: o.Hook,
	})
	if err != nil {
		return nil, errors.Join(fmt.Errorf("make the coordinator: %w", err), p.Close())
	}
	empty, problems := sharding.NewSchema(cfg, nil)
	_ = problems // rules of tables that nobody has made yet are no problem
	p.planner = sharding.NewPlanner(empty, sharding.Limits{Plans: cfg.Limits.PlanCache})
	// Ids are asked for by statements that may hold every connection of the
	// ordinary pools already, so they have a few of their own.
	for i, s := range cfg.Shards {
		o := shardOptions(cfg, s, o.Logger, nil)
		o.Reached = p.shards[i].Up
		o.MaxConns, o.MaxIdle = sequenceConns, sequenceConns
		p.idShards = append(p.idShards, backend.NewShard(o))
		// So do temporary tables: whoever needs one may hold branches.
		o.MaxConns, o.MaxIdle = scratchDepth*cfg.Limits.MaxScratchRuns, cfg.Limits.MaxScratchRuns
		p.scratch = append(p.scratch, backend.NewShard(o))
	}
	p.sequences = catalog.NewSequences(catalog.SequenceOptions{
		Home: p.idShards[p.sequenceHome()], Shards: p.idShards, Block: cfg.SequenceBlock,
		Physical: p.physicalByName, Logger: o.Logger, Holder: cfg.Coordinator,
	})
	p.gate = newScratchGate(cfg.Limits.MaxScratchRuns, cfg.Shards[0].Pool.AcquireTimeout)
	p.metrics = newMetrics(p)
	p.deadlocks = p.newDetector()
	close(p.made)
	return p, nil
}

// sequenceConns is how many server connections hand out AUTO_INCREMENT ids, on each shard.
const sequenceConns = 2

// openLog opens the decision log of the configured path.
func openLog(cfg *config.Config, epoch string, hook func(coordinator.Step, int)) (*txlog.Log, error) {
	o := txlog.Options{
		Path:     cfg.Log.Path,
		Identity: txlog.Identity{Cluster: cfg.Cluster, Coordinator: cfg.Coordinator},
		Epoch:    epoch, Queue: cfg.Limits.LogQueue,
	}
	if hook != nil {
		o.Hook = func(step string) { hook(coordinator.Step(step), 0) }
	}
	return txlog.Open(o)
}

// onLoops has event loops watch a shard's connections.
func (p *Proxy) onLoops(o backend.Options) backend.Options {
	if len(p.front.loops) > 0 {
		o.Loop = p.front.backendLoop
	}
	return o
}

func shardOptions(cfg *config.Config, s config.Shard, log *slog.Logger, up func(string)) backend.Options {
	return backend.Options{
		Name: s.Name, Address: s.Address, User: s.User, Password: s.Password,
		MaxConns: s.Pool.MaxConns, MaxIdle: s.Pool.MaxIdle, IdleTime: s.Pool.IdleTime,
		QueueLength: s.Pool.QueueLength, AcquireTimeout: s.Pool.AcquireTimeout,
		DialTimeout: cfg.Timeouts.Dial, MaxPacket: cfg.Limits.MaxPacket,
		TLS: certs.ForShard(s, log), TLSOptional: s.TLS.Mode == config.TLSPreferred,
		Attributes: map[string]string{"lockstep_coordinator": cfg.Cluster + "." + cfg.Coordinator},
		Logger:     log, OnUp: up,
	}
}

// Start reads the catalog, begins recovery and serves clients. It returns when clients can connect.
func (p *Proxy) Start(ctx context.Context) error {
	if err := p.identity.claim(ctx, p.shards); err != nil {
		return fmt.Errorf("claim the coordinator's id: %w", err)
	}
	p.makeMarkerTables(ctx)
	if err := p.firstRead(ctx); err != nil {
		p.log.Warn("catalog could not be read yet", "err", err)
	}
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", p.cfg.Listen)
	if err != nil {
		return fmt.Errorf("listen for clients: %w", err)
	}
	p.listener = l
	if p.cfg.Socket != "" {
		if p.socket, err = listenSocket(ctx, p.cfg.Socket, p.cfg.SocketPerm()); err != nil {
			return errors.Join(fmt.Errorf("listen for clients on the socket: %w", err), l.Close())
		}
	}
	if p.cfg.Admin.Listen != "" {
		if p.admin, err = startAdmin(p); err != nil {
			return errors.Join(fmt.Errorf("listen for admin requests: %w", err), p.closeListeners())
		}
	}
	p.running.Go(func() {
		if err := p.coordinator.Run(p.ctx); err != nil && p.ctx.Err() == nil {
			p.log.Error("recovery of in-doubt transactions stopped", "err", err)
		}
	})
	if p.deadlocks != nil {
		p.running.Go(func() { p.deadlocks.Run(p.ctx) })
	}
	p.running.Go(p.watchClients)
	p.running.Go(p.watchDefinitions)
	for _, l := range p.listeners() {
		p.running.Go(func() { p.accept(l) })
	}
	return nil
}

// firstRead reads the catalog and the settings of the first shard that answers.
func (p *Proxy) firstRead(ctx context.Context) error {
	var errs []error
	for _, sh := range p.shards {
		err := p.readServer(ctx, sh)
		if err == nil {
			return p.reload(ctx)
		}
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

// Addr is where clients connect.
func (p *Proxy) Addr() string { return p.listener.Addr().String() }

// AdminAddr is where the admin port listens; empty without one.
func (p *Proxy) AdminAddr() string {
	if p.admin == nil {
		return ""
	}
	return p.admin.addr
}

// Failed gives an error when the proxy must end by itself: then it refuses commits over several shards already.
func (p *Proxy) Failed() <-chan error { return p.identity.failed }

// Drain refuses new clients and waits until no session is inside a
// transaction or statement, or ctx ends; then the rest is cut off.
func (p *Proxy) Drain(ctx context.Context) error {
	p.draining.Store(true) // who comes now hears 1053
	p.sessions.drain(ctx)
	return p.closeListeners()
}

// Close ends everything at once: sessions, recovery, server connections, the log.
func (p *Proxy) Close() error {
	p.draining.Store(true)
	p.cancel()
	var errs []error
	errs = append(errs, p.closeListeners())
	if p.admin != nil {
		errs = append(errs, p.admin.close())
	}
	p.sessions.closeAll()
	p.sessions.waitEmpty()
	if p.front != nil {
		errs = append(errs, p.front.close())
	}
	p.running.Wait()
	for _, s := range slices.Concat(p.shards, p.idShards, p.scratch) {
		errs = append(errs, s.Close())
	}
	p.identity.release() // last: it waits for attempts that the shards' end breaks off
	errs = append(errs, p.decisions.Close())
	return errors.Join(errs...)
}

func (p *Proxy) shardUp(name string) {
	select {
	case <-p.made:
	case <-p.ctx.Done():
		return
	}
	p.coordinator.ShardUp(name)
	if p.ctx.Err() != nil {
		return
	}
	p.running.Go(func() {
		p.makeMarkerTable(p.ctx, p.shards[p.byName[name]])
		if err := p.readServer(p.ctx, p.shards[p.byName[name]]); err != nil {
			p.log.Warn("settings of a shard could not be read", "shard", name, "err", err)
		}
		if p.catalog.wanting() {
			if err := p.reload(p.ctx); err != nil {
				p.log.Warn("catalog could not be read yet", "err", err)
			}
		}
	})
}

func (p *Proxy) sequenceHome() int {
	if p.cfg.SequenceShard == "" {
		return 0
	}
	return p.byName[p.cfg.SequenceShard]
}

// physical is the name that a logical database has on a shard.
func (p *Proxy) physical(shard int, logical string) string {
	if d := p.cfg.Shards[shard].Database; d != "" && len(p.cfg.Schemas) == 1 && logical == p.cfg.Schemas[0].Name {
		return d
	}
	return logical
}

func (p *Proxy) physicalByName(shard, logical string) string {
	return p.physical(p.byName[shard], logical)
}

// mapped says whether any shard keeps the schema under another name.
func (p *Proxy) mapped() bool {
	for i := range p.cfg.Shards {
		if p.cfg.Shards[i].Database != "" {
			return true
		}
	}
	return false
}

func (p *Proxy) account(user string) (protocol.Account, bool) {
	u, ok := p.users[user]
	if !ok {
		return protocol.Account{}, false
	}
	return protocol.Account{Name: u.Name, Password: u.Password, Hash: u.Hash, Plugin: u.AuthPlugin}, true
}
