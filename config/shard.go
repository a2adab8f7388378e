package config

import "time"

// Shard is one database server, or one database on a server.
type Shard struct {
	Name     string   `yaml:"name"`     // [A-Za-z0-9_-]{1,64}; part of every XID: renaming a shard orphans its branches
	Address  string   `yaml:"address"`  // host:port or absolute path of a unix socket
	Database string   `yaml:"database"` // physical database that stands for the (single) schema on this shard; empty: same name
	User     string   `yaml:"user"`
	Password string   `yaml:"password"`
	TLS      ShardTLS `yaml:"tls"`
	Pool     Pool     `yaml:"pool"`
}

// Pool bounds the server connections to one shard.
type Pool struct {
	MaxConns       int           `yaml:"max_connections"` // open at once; default 64
	MaxIdle        int           `yaml:"max_idle"`        // kept open when idle; default as many as max_connections
	IdleTime       time.Duration `yaml:"idle_time"`       // an idle connection is closed after; default 5m
	QueueLength    int           `yaml:"queue_length"`    // waiting for a connection at once; default 1024
	AcquireTimeout time.Duration `yaml:"acquire_timeout"` // waiting for a connection; default 10s
}
