package backend

import (
	"slices"
	"strconv"
	"time"
)

// A branch that said yes and hears no more must end by itself, or its locks would outlive a
// coordinator whose machine or network is gone (the server notices a half-open connection after hours). The limit
// is the session's wait_timeout, which counts inside a branch too. On MariaDB idle_write_transaction_timeout
// would go before it where the server has one, so both are set. When it fires in an active branch, the server
// rolls the branch back; in a prepared one, the branch becomes free for others to settle.
//
// The limit stays on the session after the branch. It does no harm to an idle connection of the pool
// (one that the server closed is noticed before it is used), so it is lifted only by the next use that could be idle for longer: with the
// SET that brings the session in line, or in front of the next XA START, which costs no round trip.

// timeouts are the session variables that hold the limit.
func (c *Conn) timeouts() []string {
	if c.flavor == MariaDB {
		return []string{"wait_timeout", "idle_write_transaction_timeout"}
	}
	return []string{"wait_timeout"}
}

// bending are session variables of clients that would spoil a marker row: a clock that
// stands still gives it a wrong age; without checks of unique keys a server may take two rows with one
// token, and MariaDB inserts into an empty table under a lock of the whole table.
var bending = []Variable{{"foreign_key_checks", "1"}, {"timestamp", "DEFAULT"}, {"unique_checks", "1"}}

// appendIdleLimit writes the SET that must go before a marker; nil when none must.
func (c *Conn) appendIdleLimit(b []byte) []byte {
	const set = "SET "
	add := func(name, value string) {
		if b == nil {
			b = append(b, set...)
		} else {
			b = append(b, ", "...)
		}
		b = append(append(append(b, name...), '='), value...)
	}
	if !c.limited {
		seconds := strconv.FormatInt(int64((c.shard.o.ParticipantTimeout+time.Second-1)/time.Second), 10)
		for _, name := range c.timeouts() {
			add(name, seconds)
		}
	}
	for _, v := range bending {
		if have, ok := lookup(c.vars, v.Name); ok && have != v.Value {
			add(v.Name, v.Value)
		}
	}
	return b
}

// idleLimited notes that appendIdleLimit's SET was done. The next use of the connection
// gives the client's variables back by difference.
func (c *Conn) idleLimited() {
	c.limited = true
	var vars []Variable
	for _, v := range bending {
		if have, ok := lookup(c.vars, v.Name); ok && have != v.Value {
			if vars == nil {
				vars = slices.Clone(c.vars) // they are the State's
			}
			i := slices.IndexFunc(vars, func(x Variable) bool { return x.Name == v.Name })
			vars[i].Value = v.Value
		}
	}
	if vars != nil {
		c.vars, c.state = vars, nil
	}
}

// appendIdleFree writes the assignments that lift the limit, for a session that is to have these variables.
func (c *Conn) appendIdleFree(b []byte, vars []Variable) []byte {
	for i, name := range c.timeouts() {
		if i > 0 {
			b = append(b, ", "...)
		}
		value, ok := lookup(vars, name)
		if !ok {
			value = restingValue(name)
		}
		b = append(append(append(b, name...), '='), value...)
	}
	return b
}
