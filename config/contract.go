// CONTRACT (temporary file): the config owner moves each into its own file.

package config

import "time"

// Config is a whole configuration file.
type Config struct {
	Listen        string   `yaml:"listen"`
	Admin         Admin    `yaml:"admin"`
	Cluster       string   `yaml:"cluster"`     // default "lockstep"; [a-z0-9-]{1,16}
	Coordinator   string   `yaml:"coordinator"` // this proxy's id; default "p1"; same form
	Log           Log      `yaml:"log"`
	CommitMode    string   `yaml:"commit_mode"` // 2pc (default) | 3pc (refused for now: not built yet) | single
	Users         []User   `yaml:"users"`
	Shards        []Shard  `yaml:"shards"`
	Schemas       []Schema `yaml:"schemas"`
	DefaultRule   *Rule    `yaml:"default_rule"`   // for tables with no rule; absent: such tables are refused
	SequenceShard string   `yaml:"sequence_shard"` // holds AUTO_INCREMENT sequences; default the first shard
	SequenceBlock int      `yaml:"sequence_block"` // ids reserved at once; default 1000
	Timeouts      Timeouts `yaml:"timeouts"`
	Limits        Limits   `yaml:"limits"`
	ServerVersion string   `yaml:"server_version"` // told to clients; default taken from the first shard that answers
}

type Admin struct {
	Listen string `yaml:"listen"`
	Token  string `yaml:"token"` // required unless the address is loopback
}

type Log struct {
	Path string `yaml:"path"`
}

type User struct {
	Name      string   `yaml:"name"`
	Password  string   `yaml:"password"`  // clear text
	Hash      string   `yaml:"hash"`      // or "*…" / "$A$005$…"
	Databases []string `yaml:"databases"` // empty: all
}

type Shard struct {
	Name     string `yaml:"name"`
	Address  string `yaml:"address"`  // host:port or unix socket path
	Database string `yaml:"database"` // physical database that stands for the (single) schema on this shard; empty: same name
	User     string `yaml:"user"`
	Password string `yaml:"password"`
	Pool     Pool   `yaml:"pool"`
}

type Pool struct {
	MaxConns       int           `yaml:"max_connections"`
	MaxIdle        int           `yaml:"max_idle"`
	IdleTime       time.Duration `yaml:"idle_time"`
	QueueLength    int           `yaml:"queue_length"`
	AcquireTimeout time.Duration `yaml:"acquire_timeout"`
}

type Schema struct {
	Name   string  `yaml:"name"`
	Tables []Table `yaml:"tables"`
}

type Table struct {
	Name string `yaml:"name"`
	Rule `yaml:",inline"`
}

// Rule says where a table's rows live.
type Rule struct {
	Kind     string      `yaml:"kind"`      // sharded (default) | global | single
	ShardKey string      `yaml:"shard_key"` // column; in a default rule "primary_key" means the first column of the table's primary key
	Function string      `yaml:"function"`  // hash (default) | mod | range | list
	Shards   []string    `yaml:"shards"`    // which, in order; default all, in the file's order
	Ranges   []RangePart `yaml:"ranges"`
	Lists    []ListPart  `yaml:"lists"`
	Shard    string      `yaml:"shard"` // single: where it lives; default the first shard
}

type RangePart struct {
	LessThan string `yaml:"less_than"` // exclusive; a number, or "max"
	Shard    string `yaml:"shard"`
}

type ListPart struct {
	Values []string `yaml:"values"`
	Shard  string   `yaml:"shard"`
}

type Timeouts struct {
	Handshake time.Duration `yaml:"handshake"` // default 10s
	Idle      time.Duration `yaml:"idle"`      // client idle; default 8h
	Prepare   time.Duration `yaml:"prepare"`   // default 10s
	Commit    time.Duration `yaml:"commit"`    // default 10s
	Drain     time.Duration `yaml:"drain"`     // default 10s
	Dial      time.Duration `yaml:"dial"`      // default 3s
	Resolve   time.Duration `yaml:"resolve"`   // default 5s
	Statement time.Duration `yaml:"statement"` // 0: none
}

type Limits struct {
	MaxConnections     int `yaml:"max_connections"`         // clients; default 4096
	MaxUserConnections int `yaml:"max_user_connections"`    // per user; 0: none
	MaxPacket          int `yaml:"max_packet"`              // bytes; default 64 MiB
	MaxLoginPacket     int `yaml:"max_login_packet"`        // bytes before login; default 16 KiB
	MaxStatements      int `yaml:"max_prepared_statements"` // per client; default 1024
	MaxMergeRows       int `yaml:"max_merge_rows"`          // rows or groups held to merge one statement; default 1,000,000
	MaxMergeBytes      int `yaml:"max_merge_bytes"`         // default 256 MiB
	PlanCache          int `yaml:"plan_cache"`              // plans; default 4096
	LogQueue           int `yaml:"log_queue"`               // decisions waiting; default 8192
}

// Load reads and checks a file. The error is *Error, which holds all findings, each with line and excerpt.
func Load(path string) (*Config, error) { return nil, nil }

// Parse is Load for text; name stands for the file in messages.
func Parse(name string, text []byte) (*Config, error) { return nil, nil }

// Error is every finding of a file.
type Error struct{ Findings []Finding }

type Finding struct {
	File         string
	Line, Column int
	Message      string
	Excerpt      string
}

func (e *Error) Error() string { return "" }
