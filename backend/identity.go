package backend

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"time"
)

// A name is held by a user-level lock (GET_LOCK) of a connection of its own: the server frees it when the
// process that has it dies, because the connection ends; a process that is only stopped keeps it, until its
// connection was silent for NameTimeout. That limit is for machines that vanish without a word: the server would
// otherwise keep their connection, and the name, for hours.

// NameState is how it stands with a name on a shard.
type NameState uint8

const (
	NameWanted NameState = iota // not ours now: the shard cannot be reached, or was not yet asked again
	NameHeld                    // ours
	NameTaken                   // somebody else's
)

func (s NameState) String() string { return [...]string{"wanted", "held", "taken"}[s] }

// NameHolder is the server session that has a name.
type NameHolder struct {
	Connection uint64
	User, Host string        // Host with the client's port; empty where the server does not show others' sessions
	Silent     time.Duration // since its last sign of life, in whole seconds
}

// NameStatus is how it stands with a name on a shard, and why.
type NameStatus struct {
	Shard  string
	State  NameState
	Holder NameHolder // of NameTaken
	Err    error      // of NameWanted and NameTaken: *NameTakenError, *DownError, …
}

// NameTakenError says that another process has the name.
type NameTakenError struct {
	Shard, Name string
	Holder      NameHolder
}

func (e *NameTakenError) Error() string {
	return fmt.Sprintf("shard %s: name %s is held by connection %d of %s@%s, last heard of %v ago (KILL CONNECTION %d on that server frees it)",
		e.Shard, e.Name, e.Holder.Connection, e.Holder.User, e.Holder.Host, e.Holder.Silent, e.Holder.Connection)
}

// Name is a name that this process wants to have alone on a shard, from HoldName until Release or the
// shard's Close. Safe for concurrent use.
type Name struct {
	s       *Shard
	name    string // as its user calls it
	lock    string // as the server does
	changed func(NameStatus)
	stop    chan struct{} // closed by Release
	done    chan struct{} // closed when the background work has ended
	once    sync.Once

	mu  sync.Mutex
	now NameStatus
}

// HoldName takes a name on the shard's server, for this shard: two shards of one server do not get in each
// other's way. It tries once, bounded by ctx, and then goes on in the background: it keeps the name, takes it again when the
// connection was lost, and takes it as soon as it can where it could not. changed (may be nil) hears of every change
// of State after that, from the background; it must not block and must not call Release.
func (s *Shard) HoldName(ctx context.Context, name string, changed func(NameStatus)) *Name {
	n := &Name{s: s, name: name, lock: lockName(name, s.o.Name), changed: changed, stop: make(chan struct{}), done: make(chan struct{})}
	c, status := n.take(ctx)
	n.now = status
	go n.keep(c)
	return n
}

// Status tells how it stands now.
func (n *Name) Status() NameStatus {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.now
}

// Release gives the name up and returns when the server knows it.
func (n *Name) Release() {
	n.once.Do(func() { close(n.stop) })
	<-n.done
}

// lockName is a name within the 64 characters that MySQL allows.
func lockName(name, shard string) string {
	full := name + "/" + shard
	plain := strings.IndexFunc(full, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && !strings.ContainsRune("._-/", r)
	}) < 0
	if plain && len(full) <= 64 {
		return full
	}
	sum := sha256.Sum256([]byte(full))
	return "lockstep." + hex.EncodeToString(sum[:20])
}

// take tries to get the name on a new connection, which holds it; nil when it could not.
func (n *Name) take(ctx context.Context) (*Conn, NameStatus) {
	status := NameStatus{Shard: n.s.o.Name}
	ctx, cancel := context.WithTimeout(ctx, n.s.o.DialTimeout+2*time.Second)
	defer cancel()
	c, err := n.s.dial(ctx, false)
	if err == nil {
		if err = n.lockOn(ctx, c); err == nil {
			status.State = NameHeld
			return c, status
		}
		c.quit()
	}
	status.Err = err
	var taken *NameTakenError
	if errors.As(err, &taken) {
		status.State, status.Holder = NameTaken, taken.Holder
	}
	return nil, status
}

func (n *Name) lockOn(ctx context.Context, c *Conn) error {
	seconds := int64((n.s.o.NameTimeout + time.Second - 1) / time.Second)
	if _, err := c.Exec(ctx, "SET wait_timeout="+strconv.FormatInt(seconds, 10)); err != nil {
		return fmt.Errorf("limiting the session's idle time: %w", err)
	}
	for {
		// The wait is for a predecessor that has just been killed.
		res, err := c.Query(ctx, "SELECT GET_LOCK('"+n.lock+"', 1)", 1)
		if err != nil {
			return fmt.Errorf("taking name %s: %w", n.name, err)
		}
		if len(res.Rows) == 1 && string(res.Rows[0][0]) == "1" {
			return nil
		}
		holder, err := n.holder(ctx, c)
		if errors.Is(err, errNameFree) {
			continue
		}
		if err != nil {
			return fmt.Errorf("asking who holds name %s: %w", n.name, err)
		}
		return &NameTakenError{Shard: n.s.o.Name, Name: n.name, Holder: holder}
	}
}

var errNameFree = errors.New("name was given up in this moment")

func (n *Name) holder(ctx context.Context, c *Conn) (h NameHolder, err error) {
	res, err := c.Query(ctx, "SELECT IS_USED_LOCK('"+n.lock+"')", 1)
	if err != nil {
		return h, err
	}
	if len(res.Rows) != 1 || res.Rows[0][0] == nil {
		return h, errNameFree
	}
	if h.Connection, err = strconv.ParseUint(string(res.Rows[0][0]), 10, 64); err != nil {
		return h, err
	}
	res, err = c.Query(ctx, "SELECT user, host, time FROM information_schema.processlist WHERE id = "+strconv.FormatUint(h.Connection, 10), 1)
	if err != nil {
		return h, err
	}
	for _, row := range res.Rows {
		h.User, h.Host = string(row[0]), string(row[1])
		if seconds, err := strconv.ParseInt(string(row[2]), 10, 64); err == nil {
			h.Silent = time.Duration(seconds) * time.Second
		}
	}
	return h, nil
}

// keep watches the connection that holds the name, and takes the name again when it was lost.
func (n *Name) keep(c *Conn) {
	defer close(n.done)
	s := n.s
	// Often enough that the server never takes a living process for a silent one.
	sign := min(s.o.NameTimeout/4, 10*time.Second)
	lastSign := time.Now()
	var lost session // that had the name and is given up
	tick := time.NewTicker(min(s.o.ProbeInterval, sign))
	defer tick.Stop()
	for {
		select {
		case <-n.stop:
			n.leave(c)
			return
		case <-s.ctx.Done():
			n.leave(c)
			return
		case <-tick.C:
		}
		switch {
		case c != nil && c.quiet() && time.Since(lastSign) < sign:
			continue
		case c != nil:
			lastSign = time.Now()
			err := n.sign(c)
			if err == nil {
				continue
			}
			_ = c.wire.Close() // with the connection goes what is left of the lock
			lost = session{c.id, c.since}
			c = nil
			n.note(NameStatus{Shard: s.o.Name, Err: err})
		}
		if !s.Up() {
			continue // the keeper tries it
		}
		var status NameStatus
		c, status = n.take(s.ctx)
		if status.State == NameTaken && lost.id != 0 && status.Holder.Connection == uint64(lost.id) {
			status.State = NameWanted // it is our own, and the server has not noticed yet that it is gone
			s.killLater(lost)
		}
		lastSign = time.Now()
		n.note(status)
	}
}

// sign shows the server that we live, and asks whether the name is still ours.
func (n *Name) sign(c *Conn) error {
	ctx, cancel := context.WithTimeout(n.s.ctx, n.s.o.DialTimeout)
	defer cancel()
	if !c.quiet() {
		return &ConnError{Shard: n.s.o.Name, ID: c.id, Op: "holding name " + n.name, Err: errors.New("the server ended the connection")}
	}
	res, err := c.Query(ctx, "SELECT IS_USED_LOCK('"+n.lock+"') = CONNECTION_ID()", 1)
	if err != nil {
		return fmt.Errorf("holding name %s: %w", n.name, err)
	}
	if len(res.Rows) != 1 || string(res.Rows[0][0]) != "1" {
		return fmt.Errorf("shard %s: the server does not know that connection %d holds name %s", n.s.o.Name, c.id, n.name)
	}
	return nil
}

// leave frees the name before the connection ends, so that a successor does not meet it.
func (n *Name) leave(c *Conn) {
	if c == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), 100*time.Millisecond)
	defer cancel()
	if _, err := c.Exec(ctx, "DO RELEASE_LOCK('"+n.lock+"')"); err != nil {
		n.s.o.Logger.Debug("name is freed by the end of its connection", "name", n.name, "error", err)
	}
	c.quit()
}

// note takes a new status and tells of a change.
func (n *Name) note(status NameStatus) {
	n.mu.Lock()
	before := n.now.State
	n.now = status
	n.mu.Unlock()
	if before != status.State && n.changed != nil {
		n.changed(status)
	}
}
