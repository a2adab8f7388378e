package config

import "time"

// Timeouts are written with a unit: 500ms, 10s, 8h.
type Timeouts struct {
	Handshake  time.Duration `yaml:"handshake"`  // a client's login; default 10s
	Idle       time.Duration `yaml:"idle"`       // client idle; default 8h
	Prepare    time.Duration `yaml:"prepare"`    // one vote; default 10s
	Commit     time.Duration `yaml:"commit"`     // phase 2 at one shard, before the resolver takes over; default 10s
	Drain      time.Duration `yaml:"drain"`      // open transactions at shutdown; default 10s
	Dial       time.Duration `yaml:"dial"`       // connecting to a shard; default 3s
	Resolve    time.Duration `yaml:"resolve"`    // between passes of the resolver; default 5s
	NetRead    time.Duration `yaml:"net_read"`   // between two packets of what a client sends, where its session sets no net_read_timeout; default 30s
	NetWrite   time.Duration `yaml:"net_write"`  // a client that takes nothing of its answer, where its session sets no net_write_timeout; default 60s
	Statement  time.Duration `yaml:"statement"`  // one statement; 0: none
	Definition time.Duration `yaml:"definition"` // CREATE, ALTER, DROP …, waiting for another one in the same database; default 60s
	Catalog    time.Duration `yaml:"catalog"`    // between looks whether another proxy has changed definitions; default 1s
}

// Pipeline is the sharing of server connections by cheap reads of many clients.
type Pipeline struct {
	Connections int `yaml:"connections"` // for each shard, event loop and kind of session; default 2; 0: off
	Depth       int `yaml:"depth"`       // statements under way on one of them; default 128
}

// Limits bound what clients can make the proxy hold.
type Limits struct {
	MaxConnections     int `yaml:"max_connections"`         // clients; default 4096
	MaxUserConnections int `yaml:"max_user_connections"`    // per user; 0: none
	MaxUnauthenticated int `yaml:"max_unauthenticated"`     // clients that have not logged in yet; default as many as max_connections
	MaxAttributes      int `yaml:"max_attributes"`          // bytes of connection attributes kept of one client; default 4 KiB
	MaxPacket          int `yaml:"max_packet"`              // bytes; default 64 MiB
	MaxLoginPacket     int `yaml:"max_login_packet"`        // bytes before login; default 16 KiB
	MaxStatements      int `yaml:"max_prepared_statements"` // per client; default 1024
	MaxMergeRows       int `yaml:"max_merge_rows"`          // rows or groups held to merge one statement; default 1,000,000
	MaxMergeBytes      int `yaml:"max_merge_bytes"`         // bytes held to merge one statement; default 256 MiB
	MaxScratchRows     int `yaml:"max_scratch_rows"`        // rows brought to one server for one statement; default 1,000,000
	MaxScratchBytes    int `yaml:"max_scratch_bytes"`       // bytes of them; default 1 GiB
	MaxScratchRuns     int `yaml:"max_scratch_statements"`  // statements whose rows are on one server at once; default 16
	MaxChangedRows     int `yaml:"max_changed_rows"`        // rows of one UPDATE or DELETE that are named by a query first; default 100,000
	MaxKeptConnections int `yaml:"max_kept_connections"`    // server connections that sessions keep for themselves; default 16
	MaxLoadLine        int `yaml:"max_load_line"`           // bytes of one line of LOAD DATA LOCAL into a sharded table; default 16 MiB
	MaxCursorBytes     int `yaml:"max_cursor_bytes"`        // bytes behind all open cursors, in temporary files; default 1 GiB
	PlanCache          int `yaml:"plan_cache"`              // plans; default 4096
	LogQueue           int `yaml:"log_queue"`               // decisions waiting; default 8192
	OutcomeLookups     int `yaml:"outcome_lookups"`         // of tokens, a minute: each may leave a row on every shard for token_retention; default 6000
}
