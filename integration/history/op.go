package history

import "time"

// Kind of an operation.
type Kind string

const (
	Transfer Kind = "transfer" // Legs, under the id Transfer
	Audit    Kind = "audit"    // Reads of accounts with their ledger
	Total    Kind = "total"    // Reads that lock a closed group of accounts
	Append   Kind = "append"   // Mops
)

// Outcome is what a client knows.
type Outcome string

const (
	OK      Outcome = "ok"      // committed
	Failed  Outcome = "fail"    // rolled back, or COMMIT was never sent
	Unknown Outcome = "unknown" // either; also of an operation that never ended
)

// Op is one operation of one client, from its invocation to its end.
type Op struct {
	N      int64 `json:"n"` // from 1, in the order of invocation
	Client int   `json:"client"`
	Kind   Kind  `json:"kind"`

	Start time.Duration `json:"start"`         // since the history began
	End   time.Duration `json:"end,omitempty"` // 0: it never ended

	Outcome Outcome `json:"outcome,omitempty"`
	// Warned: OK, but the client knows or must suppose that not every shard has been told.
	Warned bool   `json:"warned,omitempty"`
	Answer Answer `json:"answer,omitempty"`
	Error  string `json:"error,omitempty"`
	Via    string `json:"via,omitempty"` // the proxy
	GTRID  string `json:"gtrid,omitempty"`
	Token  string `json:"token,omitempty"` // by which its outcome can be looked up; empty: none

	Transfer string        `json:"transfer,omitempty"`
	Legs     []Leg         `json:"legs,omitempty"`
	Reads    []AccountRead `json:"reads,omitempty"`
	Mops     []Mop         `json:"mops,omitempty"`
}

// Answer of an outcome look-up by the transaction's token, asked after its end.
type Answer string

const (
	Committed Answer = "committed"
	Aborted   Answer = "aborted" // which is final
)

// Leg is one side of a transfer.
type Leg struct {
	Account int   `json:"account"`
	Amount  int64 `json:"amount"`
}

// AccountRead is what a reader saw of one account.
type AccountRead struct {
	Account int   `json:"account"`
	Balance int64 `json:"balance"`
	// Of the account's ledger entries, at the same moment: not of a Total.
	Sum   int64 `json:"sum,omitempty"`
	Count int64 `json:"count,omitempty"`
	// Transfers are the ids of the entries where the reader asked for them.
	Transfers []string `json:"transfers,omitempty"`
}

// Action of a list-append transaction.
type Action string

const (
	Add  Action = "append" // Value to Key
	Read Action = "read"   // List of Key, locked until COMMIT
	// Plain is a read of a shard's own snapshot, which locks nothing.
	Plain Action = "plain"
)

// Mop is a micro-operation: one step of a list-append transaction.
type Mop struct {
	Action Action  `json:"do"`
	Key    int     `json:"key"`
	Value  int64   `json:"value,omitempty"`
	List   []int64 `json:"list,omitempty"` // what a read saw; meaningless unless Done
	Done   bool    `json:"done,omitempty"` // the step's statement was answered
}

// Meta is what a history begins with.
type Meta struct {
	Seed    uint64      `json:"seed"`
	Config  string      `json:"config"`
	Began   time.Time   `json:"began"`
	Initial int64       `json:"initial"` // balance of every account
	Home    map[int]int `json:"home"`    // account to shard
	Lists   map[int]int `json:"lists"`   // key to shard
}

// State is what one shard has in the end, read from the shard itself.
type State struct {
	Shard    int             `json:"shard"`
	Balances map[int]int64   `json:"balances"`
	Ledger   []Entry         `json:"ledger"`
	Lists    map[int][]int64 `json:"lists"`
}

// Entry is a row of the ledger.
type Entry struct {
	Transfer string `json:"transfer"`
	Leg
}

// Note is a remark on the run, such as a fault's begin and end.
type Note struct {
	At   time.Duration `json:"at"`
	Text string        `json:"text"`
}

// History is a run.
type History struct {
	Meta  Meta
	Ops   []*Op // Ops[i].N is i+1
	Notes []Note
	Final []State // none: the run was cut short
}
