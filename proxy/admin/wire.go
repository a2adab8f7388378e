package admin

import "time"

// Transaction is one that is in doubt, or known to the log.
type Transaction struct {
	GTRID      string     `json:"gtrid"`                 // in hexadecimal with 0x in front where it is not printable
	Owner      string     `json:"owner"`                 // "ours", "ours, older epoch", "other coordinator", "unknown epoch", "stranger"
	FormatID   int64      `json:"format_id,omitempty"`   // of a stranger's XIDs
	Maker      string     `json:"maker,omitempty"`       // of a stranger: who may have made it
	Live       bool       `json:"live"`                  // being committed right now
	Mode       string     `json:"mode"`                  // "2pc", "3pc"; empty: not known
	Decision   string     `json:"decision"`              // "commit", "rollback", "none", "unknown"
	Branches   []Branch   `json:"branches"`              //
	Plan       string     `json:"plan"`                  // what the resolver will do: "commit", "roll back", "leave alone", "forget"; three-phase also "fence off, then roll back", "end its session, then look again"
	Why        string     `json:"why"`                   // the reason for Plan
	Since      *time.Time `json:"since,omitempty"`       // of the decision, or first seen prepared; absent: not known
	AgeSeconds *float64   `json:"age_seconds,omitempty"` // since then
}

// Branch of a transaction at one shard.
type Branch struct {
	Shard string `json:"shard"`
	// "prepared", "not prepared", "unreachable"; three-phase also "active" (it has voted), "committed",
	// "fenced" (never prepared, and never will be); "unknown".
	State string `json:"state"`
}

// TransactionList is what is in doubt on the shards that can be reached.
type TransactionList struct {
	Transactions []Transaction `json:"transactions"`
	Warnings     []string      `json:"warnings"` // shards that could not be listed, and why
}

// TransactionDetail is one transaction with all that the log keeps of it.
type TransactionDetail struct {
	Transaction
	Record *Decision    `json:"record,omitempty"` // in the log
	Audit  []AuditEntry `json:"audit"`            // verdicts that operators forced
	Evidence
	Warnings []string `json:"warnings"` // what could not be looked at, and why
}

// Decision is a record of the log.
type Decision struct {
	GTRID        string    `json:"gtrid"`
	Verdict      string    `json:"verdict"`
	Mode         string    `json:"mode"`
	Participants []string  `json:"participants"`
	Time         time.Time `json:"time"`
	Token        string    `json:"token,omitempty"`
}

// AuditEntry is a verdict that an operator forced.
type AuditEntry struct {
	Time    time.Time `json:"time"`
	GTRID   string    `json:"gtrid"`
	Verdict string    `json:"verdict"` // "commit", "rollback"; "no verdict": a decision was dropped
	Who     string    `json:"who"`
	Reason  string    `json:"reason"`
}

// LogContents is what the decision log holds.
type LogContents struct {
	Path        string       `json:"path"`
	Cluster     string       `json:"cluster"`
	Coordinator string       `json:"coordinator"`
	Epochs      []string     `json:"epochs"` // oldest first; the last is the one that serves or served
	Decisions   []Decision   `json:"decisions"`
	Total       int          `json:"total_decisions"` // more than are listed, where a limit cut them off
	Audit       []AuditEntry `json:"audit"`           // oldest first
	Failed      string       `json:"failed,omitempty"`
}

// Action is one branch that was settled, or would be.
type Action struct {
	GTRID   string `json:"gtrid"`
	Shard   string `json:"shard"`
	Verdict string `json:"verdict"`
	Why     string `json:"why"`
	Error   string `json:"error,omitempty"` // empty: done, or a dry run
}

// Actions is the answer to a verb.
type Actions struct {
	Forced  bool     `json:"forced"` // against the resolver's rules, and audited
	DryRun  bool     `json:"dry_run"`
	Actions []Action `json:"actions"`
	Error   string   `json:"error,omitempty"`
}

// Request is the body of a verb.
type Request struct {
	Force  bool   `json:"force"`
	Reason string `json:"reason"` // required with Force
	Who    string `json:"who"`    // required with Force
	DryRun bool   `json:"dry_run"`
}

// Shard as the proxy sees it.
type Shard struct {
	Name        string `json:"name"`
	Address     string `json:"address"`
	Up          bool   `json:"up"`
	Connections int    `json:"connections"`
	Idle        int    `json:"idle"`
	InUse       int    `json:"in_use"`
	Waiting     int    `json:"waiting"`
	Dials       uint64 `json:"dials"`
	DialErrors  uint64 `json:"dial_errors"`
	Timeouts    uint64 `json:"timeouts"`
	Rejected    uint64 `json:"rejected"`
}

// Session is a client of the proxy.
type Session struct {
	ID            uint32            `json:"id"`
	User          string            `json:"user"`
	Host          string            `json:"host"`
	Via           string            `json:"via,omitempty"`        // the proxy in front that passed the client on
	Transport     string            `json:"transport"`            // TCP, socket, or the version and cipher of TLS
	Plugin        string            `json:"plugin"`               // by which it logged in
	Attributes    map[string]string `json:"attributes,omitempty"` // of the connection, as the client gave them
	Database      string            `json:"database"`
	Command       string            `json:"command"`
	Seconds       float64           `json:"seconds"` // in this command
	InTransaction bool              `json:"in_transaction"`
	Statement     string            `json:"statement"` // cut off after some length
}

// Status of the proxy.
type Status struct {
	Cluster       string    `json:"cluster"`
	Coordinator   string    `json:"coordinator"`
	Epoch         string    `json:"epoch"`
	Started       time.Time `json:"started"`
	UptimeSeconds float64   `json:"uptime_seconds"`
	Clients       string    `json:"clients"` // address
	Sessions      int       `json:"sessions"`
	Readiness
	Committed  uint64 `json:"committed"`
	RolledBack uint64 `json:"rolled_back"`
	InDoubt    uint64 `json:"in_doubt"`
	Live       int    `json:"live"`
	Held       int    `json:"held"`
	Unfinished int    `json:"unfinished"`
	Prepared   int    `json:"prepared"`
	LogPath    string `json:"log_path"`
	LogAppends uint64 `json:"log_appends"`
	LogSyncs   uint64 `json:"log_syncs"`
	LogQueue   int    `json:"log_queue"`
	LogFailed  string `json:"log_failed,omitempty"`
}

// Readiness says whether clients should be sent here.
type Readiness struct {
	Ready   bool     `json:"ready"`
	Reasons []string `json:"reasons"`     // why not
	Down    []string `json:"shards_down"` // alone no reason: the others are served
}
