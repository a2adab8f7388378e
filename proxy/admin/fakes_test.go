package admin

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/goleak"

	"lockstep/coordinator"
	"lockstep/txlog"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// fakeShard keeps prepared branches in memory.
type fakeShard struct {
	name string
	mu   sync.Mutex
	xids []coordinator.XID
	down error
	hang bool // until the context ends

	// before is called with each verdict before it takes effect.
	before   func(v txlog.Verdict)
	verdicts []txlog.Verdict
}

func (s *fakeShard) Name() string { return s.name }

func (s *fakeShard) Prepared(ctx context.Context) ([]coordinator.XID, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.hang {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	return slices.Clone(s.xids), s.down
}

func (s *fakeShard) Free(context.Context, []coordinator.XID) error { return nil }

func (s *fakeShard) Settle(_ context.Context, x coordinator.XID, v txlog.Verdict) coordinator.Reply {
	if s.before != nil {
		s.before(v)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.verdicts = append(s.verdicts, v)
	i := slices.Index(s.xids, x)
	if i < 0 {
		return coordinator.Reply{Result: coordinator.Unknown, Err: errors.New("not prepared")}
	}
	s.xids = slices.Delete(s.xids, i, i+1)
	return coordinator.Reply{Result: coordinator.Done}
}

func (s *fakeShard) prepare(gtrids ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, g := range gtrids {
		s.xids = append(s.xids, coordinator.XID{FormatID: coordinator.FormatID, GTRID: g, BQUAL: s.name})
	}
}

type fakeProxy struct {
	mu    sync.Mutex
	ready Readiness
}

func (p *fakeProxy) Readiness() Readiness {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.ready
}

func (p *fakeProxy) Status() Status      { return Status{Cluster: "c", Readiness: p.Readiness()} }
func (p *fakeProxy) Shards() []Shard     { return []Shard{{Name: "s1", Up: true}} }
func (p *fakeProxy) Sessions() []Session { return nil }

const oldEpoch = "oldepoch1234"

// world is an admin port over a real log and a real coordinator with fake shards.
type world struct {
	proxy    *fakeProxy
	s1, s2   *fakeShard
	log      *txlog.Log
	logPath  string
	operator *Operator
	server   *Server
	client   *Client
}

func newWorld(t *testing.T, change func(*Options)) *world {
	t.Helper()
	w := &world{proxy: &fakeProxy{}, s1: &fakeShard{name: "s1"}, s2: &fakeShard{name: "s2"}, logPath: filepath.Join(t.TempDir(), "log")}
	quiet := slog.New(slog.DiscardHandler)
	lo := txlog.Options{Path: w.logPath, Identity: txlog.Identity{Cluster: "c", Coordinator: "p"}, Epoch: oldEpoch, ForgetDelay: time.Millisecond}
	old, err := txlog.Open(lo)
	if err != nil {
		t.Fatal(err)
	}
	if err := old.Close(); err != nil {
		t.Fatal(err)
	}
	lo.Epoch = "newepoch1234"
	if w.log, err = txlog.Open(lo); err != nil {
		t.Fatal(err)
	}
	c, err := coordinator.New(coordinator.Options{Cluster: "c", ID: "p", Epoch: lo.Epoch, Log: w.log, Shards: []coordinator.Shard{w.s1, w.s2}, Logger: quiet})
	if err != nil {
		t.Fatal(err)
	}
	w.operator = &Operator{Resolver: c, Log: w.log, Shards: []Lister{w.s1, w.s2}, Logger: quiet}
	reg := prometheus.NewRegistry()
	reg.MustRegister(prometheus.NewCounter(prometheus.CounterOpts{Name: "lockstep_test_total"}))
	o := Options{Listen: "127.0.0.1:0", Proxy: w.proxy, Operator: w.operator, Metrics: reg, Logger: quiet}
	if change != nil {
		change(&o)
	}
	if w.server, err = Start(o); err != nil {
		t.Fatal(err)
	}
	w.client = &Client{Address: w.server.Addr(), Token: o.Token}
	t.Cleanup(func() {
		if err := w.server.Close(); err != nil {
			t.Error(err)
		}
		if err := w.log.Close(); err != nil {
			t.Error(err)
		}
		http.DefaultClient.CloseIdleConnections()
	})
	return w
}

func (w *world) decide(t *testing.T, gtrid string, participants ...string) {
	t.Helper()
	d := txlog.Decision{GTRID: gtrid, Verdict: txlog.Commit, Mode: "2pc", Participants: participants, Time: time.Now().Add(-time.Minute)}
	if err := w.log.Append(t.Context(), d); err != nil {
		t.Fatal(err)
	}
}

// request sends one and answers status and body.
func (w *world) request(t *testing.T, method, path, body string, header ...string) (int, string, http.Header) {
	t.Helper()
	rq, err := http.NewRequestWithContext(t.Context(), method, "http://"+w.server.Addr()+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(header); i += 2 {
		if header[i] == "Host" {
			rq.Host = header[i+1]
			continue
		}
		rq.Header.Set(header[i], header[i+1])
	}
	resp, err := http.DefaultClient.Do(rq)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(b), resp.Header
}

func gtrid(epoch, seq string) string { return "c.p." + epoch + "." + seq }
