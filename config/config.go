package config

// Config is a whole configuration file.
type Config struct {
	Listen        string `yaml:"listen"`      // clients' port; default 127.0.0.1:4000
	Socket        string `yaml:"socket"`      // clients' unix socket; empty: none; a relative path starts at the file's folder
	SocketMode    string `yaml:"socket_mode"` // who may connect to it, in octal; default 0777: logging in is what protects
	TLS           TLS    `yaml:"tls"`         //
	Admin         Admin  `yaml:"admin"`       //
	Cluster       string `yaml:"cluster"`     // default "lockstep"; [a-z0-9-]{1,16}
	Coordinator   string `yaml:"coordinator"` // this proxy's id; default "p1"; same form
	Log           Log    `yaml:"log"`         //
	CommitMode    string `yaml:"commit_mode"` // of sessions that choose none: 2pc (default) | 3pc | single
	AuthPlugin    string `yaml:"auth_plugin"` // that clients are greeted with: mysql_native_password (default) | caching_sha2_password
	RSAKey        string `yaml:"rsa_key"`     // PEM file, for caching_sha2_password without TLS; empty: a key is made when it is needed
	CommitTimes   `yaml:",inline"`
	Deadlocks     `yaml:",inline"`
	Users         []User        `yaml:"users"`          // at least one
	Shards        []Shard       `yaml:"shards"`         // at least one
	Schemas       []Schema      `yaml:"schemas"`        //
	DefaultRule   *Rule         `yaml:"default_rule"`   // for tables with no rule; absent: such tables are refused
	SequenceShard string        `yaml:"sequence_shard"` // holds AUTO_INCREMENT sequences; default the first shard
	SequenceBlock int           `yaml:"sequence_block"` // ids reserved at once; default 1000
	LockTables    string        `yaml:"lock_tables"`    // LOCK TABLES of clients: refuse (default) | ignore: nothing is locked, with a warning
	LocalInfile   string        `yaml:"local_infile"`   // LOAD DATA LOCAL: on (default; the shards' own local_infile counts too) | off
	Scratch       string        `yaml:"scratch"`        // whether rows are brought to one server for queries that need that: on (default) | off; sessions may choose
	Timeouts      Timeouts      `yaml:"timeouts"`       //
	Limits        Limits        `yaml:"limits"`         //
	ProxyProtocol ProxyProtocol `yaml:"proxy_protocol"` //
	Pipeline      Pipeline      `yaml:"pipeline"`       // sharing of server connections by cheap reads
	EventLoops    int           `yaml:"event_loops"`    // that serve clients; default (-1) half the processors; 0: none, a goroutine for each client
	ServerVersion string        `yaml:"server_version"` // told to clients; default taken from the first shard that answers

	ClientCompression string `yaml:"client_compression"` // zlib or zstd, for clients that ask for it: on (default) | off
}

// The values of Config.CommitMode.
const (
	TwoPhase   = "2pc"
	ThreePhase = "3pc"
	OneShard   = "single"
)

// The values of Config.LockTables.
const (
	LockTablesRefuse = "refuse"
	LockTablesIgnore = "ignore"
)

// The values of Config.LocalInfile.
const (
	LocalInfileOn  = "on"
	LocalInfileOff = "off"
)

// The values of Config.Scratch.
const (
	ScratchOn  = "on"
	ScratchOff = "off"
)

// Admin is the admin port: SQL for operators, metrics, readiness.
type Admin struct {
	Listen string `yaml:"listen"` // default 127.0.0.1:4001
	Token  string `yaml:"token"`  // required unless the address is loopback
}

// Log is the decision log.
type Log struct {
	Path string `yaml:"path"` // a relative path starts at the file's own folder; default lockstep.db
}

// User may log in to the proxy. It has either a password or a hash.
type User struct {
	Name       string   `yaml:"name"`
	Password   string   `yaml:"password"`    // clear text
	Hash       string   `yaml:"hash"`        // or "*…" / "$A$005$…" / 43 characters of ed25519
	AuthPlugin string   `yaml:"auth_plugin"` // the only one; empty: whichever the client has that can check the password
	Require    string   `yaml:"require"`     // tls | x509; empty: nothing
	Databases  []string `yaml:"databases"`   // empty: all
}
