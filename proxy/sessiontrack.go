package proxy

import (
	"slices"
	"strings"

	"lockstep/protocol"
	"lockstep/sharding"
)

// Variables by which a client chooses what OK packets tell it of its session.
const (
	varTrackSchema      = "session_track_schema"
	varTrackState       = "session_track_state_change"
	varTrackVariables   = "session_track_system_variables"
	varTrackTransaction = "session_track_transaction_info"
)

// trackedVariables are the servers' default of session_track_system_variables.
const trackedVariables = "time_zone,autocommit,character_set_client,character_set_results,character_set_connection"

// nothingOpen is the transaction state outside any.
const nothingOpen = "________"

// sessionTrack is what a client with CLIENT_SESSION_TRACK is yet to be told, and was told last.
type sessionTrack struct {
	changes         []byte // for the next packet that can carry them
	state           string // of the transaction, as told last; empty: never
	characteristics *string
}

// transactionWork is what a transaction has done so far, as session_track_transaction_info tells it.
type transactionWork struct{ read, wrote, result bool }

// tracks says whether the client of the running answer hears of its session's state.
func (s *session) tracks() bool { return s.client.Capabilities().Has(protocol.ClientSessionTrack) }

// trackOption is one of the variables above, in upper case.
func (v *variables) trackOption(name, preset string) string {
	if literal, ok := v.vars[name]; ok {
		return strings.ToUpper(unquote(literal))
	}
	return preset
}

func (s *session) trackOn(name, preset string) bool {
	word := s.vars.trackOption(name, preset)
	return word == "ON" || word == "1" || word == "TRUE"
}

// trackStateChange notes that something of the session's state has changed.
func (s *session) trackStateChange() {
	if s.tracks() && s.trackOn(varTrackState, "OFF") {
		s.tracking.changes = protocol.AppendTrack(s.tracking.changes, protocol.TrackStateChange, "1")
	}
}

// trackSchema notes that another database has become the current one.
func (s *session) trackSchema() {
	if !s.tracks() {
		return
	}
	if s.trackOn(varTrackSchema, "ON") {
		s.tracking.changes = protocol.AppendTrack(s.tracking.changes, protocol.TrackSchema, s.vars.database)
	}
	s.trackStateChange()
}

// trackSet notes what a SET statement that has been run has changed.
func (s *session) trackSet(list []sharding.Assignment) {
	if !s.tracks() {
		return
	}
	var names []string
	changed := false
	for i := range list {
		a := &list[i]
		changed = changed || a.Scope == sharding.ScopeSession || a.Scope == sharding.ScopeUser
		if a.Scope == sharding.ScopeSession {
			names = append(names, s.namesSet(a.Name)...)
		}
	}
	wanted := strings.Split(strings.ToLower(s.vars.trackOption(varTrackVariables, trackedVariables)), ",")
	for i := range wanted {
		wanted[i] = strings.TrimSpace(wanted[i])
	}
	names = slices.DeleteFunc(names, func(n string) bool { return !slices.Contains(wanted, n) && !slices.Contains(wanted, "*") })
	slices.Sort(names)
	s.trackVariables(slices.Compact(names))
	if changed {
		s.trackStateChange()
	}
}

// namesSet are the system variables that an assignment sets.
func (s *session) namesSet(name string) []string {
	switch name {
	case "names", "character set":
		return []string{"character_set_client", "character_set_connection", "character_set_results", "collation_connection"}
	case "character_set_connection", "collation_connection":
		return []string{"character_set_connection", "collation_connection"}
	case "tx_isolation", "transaction_isolation", "transaction isolation":
		return []string{"transaction_isolation", "tx_isolation"}
	case "tx_read_only", "transaction_read_only", "transaction access":
		return []string{"transaction_read_only", "tx_read_only"}
	}
	return []string{name}
}

// maxTracked bounds the variables of one SET statement that a server is asked about.
const maxTracked = 256

// trackVariables notes variables with the values they have now. The proxy knows those of the
// everyday ones; a server is asked for the others, in the form in which it would tell them itself.
func (s *session) trackVariables(names []string) {
	values := map[string]string{}
	var ask []string
	for _, name := range names {
		if value, ok := s.plainVariable(name); ok {
			values[name] = value
		} else if strings.Trim(name, "abcdefghijklmnopqrstuvwxyz0123456789_") == "" && len(ask) < maxTracked {
			ask = append(ask, "'"+name+"'")
		}
	}
	if len(ask) > 0 {
		if err := s.askVariables(ask, values); err != nil {
			// The SET itself has been done: its answer stays OK, and says so.
			s.diag.warn(erUnknown, "The values of "+strings.Join(ask, ", ")+" could not be read for session tracking: "+err.Error())
		}
	}
	for _, name := range names {
		if value, ok := values[name]; ok {
			s.tracking.changes = protocol.AppendTrack(s.tracking.changes, protocol.TrackSystemVariables, name, value)
		}
	}
}

// askVariables asks a server for variables, named as literals, as they are under the session's state.
func (s *session) askVariables(literals []string, values map[string]string) error {
	shard := s.anyShard()
	conn, err := s.p.shards[shard].Acquire(s.ctx, s.vars.state(shard), true)
	if err != nil {
		return err
	}
	defer conn.Release()
	res, err := conn.Query(s.ctx, "SHOW SESSION VARIABLES WHERE Variable_name IN ("+strings.Join(literals, ",")+")", maxTracked)
	if err != nil {
		return err
	}
	for _, r := range textRows(res) {
		values[r[0]] = r[1]
	}
	return nil
}

// plainVariable is the value of a variable that the proxy knows as a server tells it.
func (s *session) plainVariable(name string) (string, bool) {
	switch name {
	case "autocommit":
		if s.vars.autocommit {
			return "ON", true
		}
		return "OFF", true
	case "character_set_client", "character_set_results":
		charset := strings.ToLower(unquote(s.vars.vars[name]))
		_, known := s.p.collations.defaultOf(charset)
		return charset, known && charset != "utf8" // an alias, of what the server decides
	}
	return s.ownVariable(name)
}

// trackWork notes what the statement that is about to run does in its transaction.
func (s *session) trackWork(st *sharding.Statement) {
	if s.tx == nil {
		return
	}
	w := &s.tx.work
	w.wrote = w.wrote || s.plan.Write
	if st.Kind == sharding.KindSelect {
		w.result = true
		w.read = w.read || len(st.Tables) > 0
	}
}

// transactionState is what session_track_transaction_info tells of the open transaction.
func (s *session) transactionState() string {
	t := s.tx
	if t == nil || t.implicit {
		return nothingOpen
	}
	b := []byte(nothingOpen)
	b[0] = 'I'
	if t.explicit {
		b[0] = 'T'
	}
	for i, c := range []struct {
		on   bool
		sign byte
	}{{t.work.read, 'R'}, {false, 'w'}, {t.work.wrote, 'W'}, {false, 's'}, {t.work.result, 'S'}} {
		if c.on {
			b[2+i] = c.sign
		}
	}
	return string(b)
}

// transactionCharacteristics are the statements that would open such a transaction.
func (s *session) transactionCharacteristics() string {
	t := s.tx
	switch {
	case t == nil && s.vars.nextIsolation == "" && s.vars.nextReadOnly == nil, t != nil && t.implicit:
		return ""
	case t == nil:
		var out string
		if s.vars.nextIsolation != "" {
			out = "SET TRANSACTION ISOLATION LEVEL " + s.vars.nextIsolation + ";"
		}
		if ro := s.vars.nextReadOnly; ro != nil {
			out = strings.TrimLeft(out+" SET TRANSACTION READ "+map[bool]string{true: "ONLY", false: "WRITE"}[*ro]+";", " ")
		}
		return out
	}
	var out string
	if t.isolation != "" {
		out = "SET TRANSACTION ISOLATION LEVEL " + t.isolation + "; "
	}
	if t.explicit {
		out += "START TRANSACTION"
		switch {
		case t.readOnly:
			out += " READ ONLY"
		case t.readWrite:
			out += " READ WRITE"
		}
		out += ";"
	}
	return strings.TrimRight(out, " ")
}

// untold are the changes for the next packet that can carry them; told takes them as sent.
func (s *session) untold() []byte {
	if !s.tracks() {
		return nil
	}
	list := s.tracking.changes
	switch option := s.vars.trackOption(varTrackTransaction, "OFF"); option {
	case "STATE", "CHARACTERISTICS", "1", "2":
		all := option == "CHARACTERISTICS" || option == "2"
		if now, told := s.transactionCharacteristics(), s.tracking.characteristics; all && (told == nil || *told != now) {
			list = protocol.AppendTrack(slices.Clip(list), protocol.TrackTransactionCharacteristics, now)
		}
		if now := s.transactionState(); now != s.tracking.state {
			list = protocol.AppendTrack(slices.Clip(list), protocol.TrackTransactionState, now)
		}
	}
	return list
}

func (s *session) told() {
	s.tracking.changes, s.tracking.state, s.tracking.characteristics = s.tracking.changes[:0], "", nil
	switch s.vars.trackOption(varTrackTransaction, "OFF") {
	case "CHARACTERISTICS", "2":
		now := s.transactionCharacteristics()
		s.tracking.characteristics = &now
		fallthrough
	case "STATE", "1":
		s.tracking.state = s.transactionState()
	}
}

// endsWithState says whether what ends rows can carry session state.
func (s *session) endsWithState() bool {
	return s.client.Capabilities().Has(protocol.ClientDeprecateEOF | protocol.ClientSessionTrack)
}
