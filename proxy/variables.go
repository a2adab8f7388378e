package proxy

import (
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"lockstep/backend"
	"lockstep/config"
)

// variables is a session's state that travels with it from one server
// connection to the next, and the proxy's own settings of the session.
type variables struct {
	p           *Proxy
	autocommit  bool
	noBackslash bool
	foundRows   bool
	pipelining  bool
	scratch     bool
	database    string            // logical name
	vars        map[string]string // session variables and "@user" ones, as SQL literals
	commitMode  string
	token       string // of the client, for the open transaction or else the next; empty: none
	timeVariables

	// For the next transaction only (SET TRANSACTION).
	nextIsolation string
	nextReadOnly  *bool

	states []*backend.State // by shard; emptied by changed
}

func newVariables(p *Proxy) variables {
	return variables{p: p, autocommit: true, pipelining: p.cfg.Pipeline.Connections > 0, scratch: p.cfg.Scratch == config.ScratchOn, vars: map[string]string{}, commitMode: p.cfg.CommitMode}
}

// clone is a copy to try a change on.
func (v *variables) clone() variables {
	c := *v
	c.vars = maps.Clone(v.vars)
	c.states = nil
	return c
}

func (v *variables) changed() { v.states = nil }

func (v *variables) set(name, literal string) {
	v.vars[name] = literal
	v.changed()
}

func (v *variables) unset(name string) {
	delete(v.vars, name)
	v.changed()
}

// idleTimeout is how long the client may say nothing.
func (v *variables) idleTimeout() time.Duration {
	if v.wait > 0 {
		return v.wait
	}
	return v.p.cfg.Timeouts.Idle
}

// state is the session state that a connection to the shard must have.
func (v *variables) state(shard int) *backend.State {
	if v.states == nil {
		v.states = make([]*backend.State, len(v.p.shards))
	}
	if st := v.states[shard]; st != nil {
		return st
	}
	st := &backend.State{FoundRows: v.foundRows}
	if v.database != "" {
		st.Database = v.p.physical(shard, v.database)
	}
	for _, name := range slices.Sorted(maps.Keys(v.vars)) {
		st.Vars = append(st.Vars, backend.Variable{Name: name, Value: v.vars[name]})
	}
	st = v.p.states.intern(st)
	v.states[shard] = st
	return st
}

// setLoginCharset is what a server does with the collation of the handshake.
func (v *variables) setLoginCharset(p *Proxy, collation byte) {
	charset, name := p.collations.byID(collation)
	v.setNames(quote(charset), quote(name))
}

// setNames is SET NAMES.
func (v *variables) setNames(charset, collation string) {
	v.vars["character_set_client"] = charset
	v.vars["character_set_results"] = charset
	v.setConnectionCharset(charset, collation)
}

// setConnectionCharset sets character_set_connection and collation_connection,
// which move together; the collation says both.
func (v *variables) setConnectionCharset(charset, collation string) {
	delete(v.vars, "character_set_connection")
	delete(v.vars, "collation_connection")
	if collation == "" {
		if name, ok := v.p.collations.defaultOf(strings.ToLower(unquote(charset))); ok {
			collation = quote(name)
		}
	}
	if collation == "" {
		v.vars["character_set_connection"] = charset // unknown here: the server decides
	} else {
		v.vars["collation_connection"] = collation
	}
	v.changed()
}

// charset is character_set_client.
func (v *variables) charset() string {
	if c := unquote(v.vars["character_set_client"]); c != "" {
		return strings.ToLower(c)
	}
	return "utf8mb4"
}

// stateTable gives equal states one pointer, so that a connection that fits is known by comparing pointers.
type stateTable struct {
	mu sync.Mutex
	m  map[string]*backend.State
}

// maxStates bounds the table; it starts anew when it is full (states in use stay valid, only less often shared).
const maxStates = 16384

func (t *stateTable) init() { t.m = map[string]*backend.State{} }

func (t *stateTable) intern(st *backend.State) *backend.State {
	var key strings.Builder
	key.WriteString(strconv.Quote(st.Database))
	key.WriteString(strconv.FormatBool(st.FoundRows))
	for _, v := range st.Vars {
		key.WriteString(strconv.Quote(v.Name))
		key.WriteString(strconv.Quote(v.Value))
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if known, ok := t.m[key.String()]; ok {
		return known
	}
	if len(t.m) >= maxStates {
		clear(t.m)
	}
	t.m[key.String()] = st
	return st
}

// unquote takes the quotes off a simple literal.
func unquote(s string) string {
	if len(s) >= 2 && (s[0] == '\'' || s[0] == '"') && s[len(s)-1] == s[0] {
		return strings.ReplaceAll(s[1:len(s)-1], s[:1]+s[:1], s[:1])
	}
	return s
}

// quote makes an SQL string literal that means the same under any sql_mode and
// character set: plain where the text is harmless, hexadecimal otherwise.
func quote(s string) string { return quoteIn("utf8mb4", s) }

// quoteIn is quote for text in another character set.
func quoteIn(charset, s string) string {
	for i := range len(s) {
		if c := s[i]; c < 0x20 || c >= 0x7f || c == '\'' || c == '\\' {
			return "_" + charset + " X'" + hexString(s) + "'"
		}
	}
	return "'" + s + "'"
}

func hexString(s string) string {
	const digits = "0123456789ABCDEF"
	b := make([]byte, 0, 2*len(s))
	for i := range len(s) {
		b = append(b, digits[s[i]>>4], digits[s[i]&15])
	}
	return string(b)
}
