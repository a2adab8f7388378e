package coordinator

import "sync"

// Transaction is a live distributed transaction. Not safe for concurrent use.
type Transaction struct {
	c     *Coordinator
	gtrid string
	done  chan struct{} // closed when it is live no more
	once  sync.Once

	token string // guarded by c.mu

	mu        sync.Mutex
	committed bool   // Commit was called
	decided   bool   // the log is being asked, or the outcome is abort
	veto      string // an operator's, before that
}

// Begin names a transaction and registers it as live: the resolver leaves it alone.
func (c *Coordinator) Begin() *Transaction {
	id := GTRID{c.o.Cluster, c.o.ID, c.o.Epoch, c.seq.Add(1)}
	t := &Transaction{c: c, gtrid: id.String(), done: make(chan struct{})}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.live[t.gtrid] = t
	return t
}

// GTRID is the global transaction id, ASCII, at most 64 bytes.
func (t *Transaction) GTRID() string { return t.gtrid }

// Release ends a transaction that was never prepared anywhere (one phase, or
// rolled back before Commit). After Commit it does nothing.
func (t *Transaction) Release() { t.release() }

func (t *Transaction) release() {
	t.once.Do(func() {
		t.c.mu.Lock()
		delete(t.c.live, t.gtrid)
		if t.token != "" && t.c.tokens[t.token] == t.gtrid {
			delete(t.c.tokens, t.token)
		}
		t.c.mu.Unlock()
		close(t.done)
	})
}

// carry makes the client's token known while the commit runs.
func (t *Transaction) carry(token string) {
	if token == "" {
		return
	}
	t.c.mu.Lock()
	defer t.c.mu.Unlock()
	if t.c.tokens[token] == "" {
		t.token, t.c.tokens[token] = token, t.gtrid
	}
}

// begin says whether this is the first Commit of a live transaction.
func (t *Transaction) begin() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	select {
	case <-t.done:
		return false
	default:
	}
	first := !t.committed
	t.committed = true
	return first
}

// forbid makes the commit fail, if the log has not been asked yet.
func (t *Transaction) forbid(reason string) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.decided || !t.committed {
		return false
	}
	t.veto = reason
	return true
}

// decide passes the point after which nobody can forbid the commit.
func (t *Transaction) decide() (veto string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.decided = true
	return t.veto
}
