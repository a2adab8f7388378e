package admin

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Options of a server. Numbers of zero take their defaults.
type Options struct {
	Listen   string // host:port
	Token    string // required unless Listen is loopback
	Proxy    Proxy
	Operator *Operator
	Metrics  prometheus.Gatherer
	Logger   *slog.Logger

	MaxConnections int           // at once; more wait; default 128
	MaxRequests    int           // at once; more get 503; default 32
	MaxBody        int64         // bytes; default 64 KiB
	ListTimeout    time.Duration // a look at all shards; default 10s
	SettleTimeout  time.Duration // a verb; default 60s
}

const (
	maxHeader     = 32 << 10
	headerTimeout = 5 * time.Second
	readTimeout   = 15 * time.Second
	writeTimeout  = 2 * time.Minute // longer than any verb; also bounds profiles
	idleTimeout   = time.Minute
	closeTimeout  = time.Second // for answers under way
)

func (o Options) withDefaults() Options {
	if o.Logger == nil {
		o.Logger = slog.Default()
	}
	if o.MaxConnections <= 0 {
		o.MaxConnections = 128
	}
	if o.MaxRequests <= 0 {
		o.MaxRequests = 32
	}
	if o.MaxBody <= 0 {
		o.MaxBody = 64 << 10
	}
	if o.ListTimeout <= 0 {
		o.ListTimeout = 10 * time.Second
	}
	if o.SettleTimeout <= 0 {
		o.SettleTimeout = time.Minute
	}
	return o
}

// Server is the admin port.
type Server struct {
	o       Options
	http    *http.Server
	addr    net.Addr
	ctx     context.Context // ends with Close
	cancel  context.CancelFunc
	stopped chan struct{}
}

// Start listens and serves until Close.
func Start(o Options) (*Server, error) {
	o = o.withDefaults()
	ctx, cancel := context.WithCancel(context.Background())
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", o.Listen)
	if err != nil {
		cancel()
		return nil, err
	}
	if !isLoopback(l.Addr()) && o.Token == "" {
		cancel()
		return nil, errors.Join(fmt.Errorf("%s can be reached from other machines: a token is needed", l.Addr()), l.Close())
	}
	s := &Server{o: o, addr: l.Addr(), ctx: ctx, cancel: cancel, stopped: make(chan struct{})}
	s.http = &http.Server{
		Handler:           s.handler(),
		ReadHeaderTimeout: headerTimeout, ReadTimeout: readTimeout, WriteTimeout: writeTimeout, IdleTimeout: idleTimeout,
		MaxHeaderBytes: maxHeader,
		BaseContext:    func(net.Listener) context.Context { return s.ctx },
		ErrorLog:       slog.NewLogLogger(o.Logger.Handler(), slog.LevelDebug), // what clients do wrong
	}
	go func() {
		defer close(s.stopped)
		if err := s.http.Serve(newBoundedListener(l, o.MaxConnections)); !errors.Is(err, http.ErrServerClosed) {
			o.Logger.Error("admin port stopped", "address", s.addr.String(), "err", err)
		}
	}()
	return s, nil
}

// Addr is where the server listens.
func (s *Server) Addr() string { return s.addr.String() }

// Close lets answers under way out for a moment, then ends everything.
func (s *Server) Close() error {
	ctx, cancel := context.WithTimeout(context.Background(), closeTimeout)
	defer cancel()
	s.cancel()
	err := s.http.Shutdown(ctx)
	if errors.Is(err, context.DeadlineExceeded) {
		err = s.http.Close()
	}
	<-s.stopped
	if err != nil {
		return fmt.Errorf("close admin port: %w", err)
	}
	return nil
}

func isLoopback(a net.Addr) bool {
	t, ok := a.(*net.TCPAddr)
	return ok && t.IP.IsLoopback()
}
