package main

import (
	"context"
	"database/sql"
	"fmt"
	"io"
	"log/slog"
	"net"
	"sync"

	"lockstep/config"
)

// relay stands in for the proxy where a test is about the life of processes: it
// passes clients on to the first shard.
type relay struct {
	cfg      *config.Config
	stuck    bool // Drain waits for its time limit
	listener net.Listener
	mu       sync.Mutex
	open     map[net.Conn]bool
}

func newRelay(cfg *config.Config, _ *slog.Logger) (gateway, error) {
	return &relay{cfg: cfg, open: make(map[net.Conn]bool)}, nil
}

// newStuckRelay never drains.
func newStuckRelay(cfg *config.Config, _ *slog.Logger) (gateway, error) {
	return &relay{cfg: cfg, stuck: true, open: make(map[net.Conn]bool)}, nil
}

func (r *relay) Start(ctx context.Context) (err error) {
	s := r.cfg.Shards[0]
	db, err := sql.Open("mysql", fmt.Sprintf("%s:%s@tcp(%s)/", s.User, s.Password, s.Address))
	if err != nil {
		return err
	}
	defer db.Close()
	for _, u := range r.cfg.Users {
		if _, err := db.ExecContext(ctx, fmt.Sprintf("GRANT ALL ON *.* TO %s@'%%' IDENTIFIED BY '%s'", u.Name, u.Password)); err != nil {
			return err
		}
	}
	if r.listener, err = net.Listen("tcp", r.cfg.Listen); err != nil {
		return err
	}
	go r.accept(s.Address)
	return nil
}

func (r *relay) accept(to string) {
	for {
		client, err := r.listener.Accept()
		if err != nil {
			return
		}
		shard, err := net.Dial("tcp", to)
		if err != nil {
			client.Close()
			continue
		}
		r.mu.Lock()
		r.open[client], r.open[shard] = true, true
		r.mu.Unlock()
		go func() { _, _ = io.Copy(client, shard); client.Close() }()
		go func() { _, _ = io.Copy(shard, client); shard.Close() }()
	}
}

func (r *relay) Addr() string      { return r.listener.Addr().String() }
func (r *relay) AdminAddr() string { return r.cfg.Admin.Listen }

func (r *relay) Drain(ctx context.Context) error {
	if r.stuck {
		<-ctx.Done()
	}
	return r.listener.Close()
}

func (r *relay) Close() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	for c := range r.open {
		c.Close()
	}
	return nil
}
