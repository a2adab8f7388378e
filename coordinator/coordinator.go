package coordinator

import (
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
)

// Coordinator drives the commits of one proxy process and settles what is in doubt.
// Safe for concurrent use.
type Coordinator struct {
	o        Options
	gate     *Gate
	recorded bool            // the log knows this epoch, so transactions may begin
	epochs   map[string]bool // known to the log
	seq      atomic.Uint64
	ticks    atomic.Uint64 // logical time, to order listings and hand-overs
	running  atomic.Bool
	counters counters

	mu     sync.Mutex
	live   map[string]*Transaction
	tokens map[string]string // of live transactions at their commit, to the gtrid
	held   map[string]string // gtrid to the reason why this process may not settle it

	hands      hands
	unfinished unfinished

	shardsMu sync.Mutex
	shards   []*watch // in the order given
	started  chan *watch
}

// New makes a coordinator. Its verbs work at once; Run makes it settle by itself.
func New(o Options) (*Coordinator, error) {
	o, err := o.withDefaults()
	if err != nil {
		return nil, err
	}
	known, err := o.Log.Epochs()
	if err != nil {
		return nil, fmt.Errorf("make coordinator: read epochs: %w", err)
	}
	c := &Coordinator{
		o: o, gate: newGate(), recorded: slices.Contains(known, o.Epoch), epochs: map[string]bool{},
		live: map[string]*Transaction{}, tokens: map[string]string{}, held: map[string]string{},
		started: make(chan *watch, 64),
	}
	c.hands.init()
	c.unfinished.init()
	for _, e := range known {
		c.epochs[e] = true
	}
	for _, s := range o.Shards {
		if err := c.AddShard(s); err != nil {
			return nil, fmt.Errorf("make coordinator: %w", err)
		}
	}
	decided, err := c.decided()
	if err != nil {
		return nil, fmt.Errorf("make coordinator: %w", err)
	}
	for _, d := range decided {
		c.unfinished.add(d.GTRID, d.Participants, 0)
	}
	return c, nil
}

// Gate is held shared by all of phase 2. See its type.
func (c *Coordinator) Gate() *Gate { return c.gate }

// hook raises a step to a test.
func (c *Coordinator) hook(s Step, k int) {
	if c.o.Hook != nil {
		c.o.Hook(s, k)
	}
}

// hold keeps this process from settling a transaction.
func (c *Coordinator) hold(gtrid, reason string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.held[gtrid] = reason
}

// driven tells whether a transaction is live, or held and why.
func (c *Coordinator) driven(gtrid string) (t *Transaction, held string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.live[gtrid], c.held[gtrid]
}

func (c *Coordinator) tick() uint64 { return c.ticks.Add(1) }
