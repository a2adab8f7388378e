package proxy

import (
	"fmt"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"lockstep/backend"
	"lockstep/proxy/admin"
)

// inDoubtTimeout bounds a look at all shards for prepared branches.
const inDoubtTimeout = 10 * time.Second

// adminServer is the admin port of a proxy.
type adminServer struct {
	addr   string
	server *admin.Server
}

// startAdmin listens on the configured address.
func startAdmin(p *Proxy) (*adminServer, error) {
	for _, c := range []prometheus.Collector{collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{})} {
		if err := p.metrics.registry.Register(c); err != nil {
			return nil, fmt.Errorf("register metrics of the process: %w", err)
		}
	}
	s, err := admin.Start(admin.Options{
		Listen: p.cfg.Admin.Listen, Token: p.cfg.Admin.Token, Logger: p.log,
		Proxy: adminView{p}, Metrics: p.metrics.registry, ListTimeout: inDoubtTimeout,
		Operator: p.operator(),
	})
	if err != nil {
		return nil, fmt.Errorf("start the admin port: %w", err)
	}
	return &adminServer{addr: s.Addr(), server: s}, nil
}

// operator carries out the verbs of operators.
func (p *Proxy) operator() *admin.Operator {
	return &admin.Operator{Resolver: p.coordinator, Log: p.decisions, Shards: listers(p.shards), Clients: adminView{p}, Logger: p.log}
}

func (a *adminServer) close() error { return a.server.Close() }

func listers(shards []*backend.Shard) []admin.Lister {
	var list []admin.Lister
	for _, s := range shards {
		list = append(list, resolverShard{s})
	}
	return list
}

// adminView is the proxy as the admin port shows it.
type adminView struct{ p *Proxy }

// Readiness: a shard that is down keeps recovery from being complete after a start; later it is no
// reason to send clients elsewhere.
func (v adminView) Readiness() admin.Readiness {
	var r admin.Readiness
	for _, s := range v.p.shards {
		if !s.Up() {
			r.Down = append(r.Down, s.Name())
		}
	}
	if v.p.draining.Load() {
		r.Reasons = append(r.Reasons, "the proxy is draining")
	}
	if !v.p.coordinator.Ready() {
		r.Reasons = append(r.Reasons, "recovery after start is not complete on all shards")
	}
	if !v.p.catalog.loaded() {
		r.Reasons = append(r.Reasons, "the tables of the shards could not be read yet")
	}
	r.Ready = len(r.Reasons) == 0
	return r
}

func (v adminView) Status() admin.Status {
	c, l := v.p.coordinator.Stats(), v.p.decisions.Stats()
	st := admin.Status{
		Cluster: v.p.cfg.Cluster, Coordinator: v.p.cfg.Coordinator, Epoch: v.p.epoch,
		Started: v.p.started, UptimeSeconds: time.Since(v.p.started).Seconds(),
		Clients: v.p.Addr(), Sessions: v.p.sessions.count(), Readiness: v.Readiness(),
		Committed: c.Committed, RolledBack: c.RolledBack, InDoubt: c.InDoubt,
		Live: c.Live, Held: c.Held, Unfinished: c.Unfinished, Prepared: c.Prepared,
		LogPath: v.p.decisions.Path(), LogAppends: l.Appends, LogSyncs: l.Syncs, LogQueue: l.Queue,
	}
	if err := v.p.decisions.Failed(); err != nil {
		st.LogFailed = err.Error()
	}
	return st
}

func (v adminView) Shards() []admin.Shard {
	var list []admin.Shard
	for i, s := range v.p.shards {
		st := s.Stats()
		list = append(list, admin.Shard{
			Name: s.Name(), Address: v.p.cfg.Shards[i].Address, Up: s.Up(),
			Connections: st.Open, Idle: st.Idle, InUse: st.InUse, Waiting: st.Waiting,
			Dials: st.Dials, DialErrors: st.DialErrors, Timeouts: st.Timeouts, Rejected: st.Rejected,
		})
	}
	return list
}

func (v adminView) Sessions() []admin.Session {
	var list []admin.Session
	for _, s := range v.p.sessions.all() {
		s.mu.Lock()
		list = append(list, admin.Session{
			Via: s.shown.via, Transport: s.shown.transport, Plugin: s.shown.plugin, Attributes: s.shown.attributes,
			ID: s.id, User: s.shown.user, Host: s.shown.host, Database: s.shown.database,
			Command: s.command, Seconds: time.Since(s.since).Seconds(), InTransaction: s.open, Statement: string(s.text),
		})
		s.mu.Unlock()
	}
	return list
}
