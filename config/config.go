package config

// Config is a whole configuration file.
type Config struct {
	Listen        string `yaml:"listen"`      // clients' port; default 127.0.0.1:4000
	Admin         Admin  `yaml:"admin"`       //
	Cluster       string `yaml:"cluster"`     // default "lockstep"; [a-z0-9-]{1,16}
	Coordinator   string `yaml:"coordinator"` // this proxy's id; default "p1"; same form
	Log           Log    `yaml:"log"`         //
	CommitMode    string `yaml:"commit_mode"` // of sessions that choose none: 2pc (default) | 3pc | single
	CommitTimes   `yaml:",inline"`
	Deadlocks     `yaml:",inline"`
	Users         []User   `yaml:"users"`          // at least one
	Shards        []Shard  `yaml:"shards"`         // at least one
	Schemas       []Schema `yaml:"schemas"`        //
	DefaultRule   *Rule    `yaml:"default_rule"`   // for tables with no rule; absent: such tables are refused
	SequenceShard string   `yaml:"sequence_shard"` // holds AUTO_INCREMENT sequences; default the first shard
	SequenceBlock int      `yaml:"sequence_block"` // ids reserved at once; default 1000
	Timeouts      Timeouts `yaml:"timeouts"`       //
	Limits        Limits   `yaml:"limits"`         //
	ServerVersion string   `yaml:"server_version"` // told to clients; default taken from the first shard that answers
}

// The values of Config.CommitMode.
const (
	TwoPhase   = "2pc"
	ThreePhase = "3pc"
	OneShard   = "single"
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
	Name      string   `yaml:"name"`
	Password  string   `yaml:"password"`  // clear text
	Hash      string   `yaml:"hash"`      // or "*…" / "$A$005$…"
	Databases []string `yaml:"databases"` // empty: all
}
