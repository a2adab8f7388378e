package backend

import (
	"slices"
	"strings"
)

// State is the session state a statement needs on its server connection.
// Immutable: make a new one to change it. Equal pointers are equal states.
type State struct {
	Database  string     // physical name; empty: does not matter
	FoundRows bool       // CLIENT_FOUND_ROWS: part of the pool's key
	Vars      []Variable // sorted by Name
}

// Variable is a session variable ("sql_mode") or a user variable ("@x") with its
// value as an SQL literal or expression without side effects. The value must mean
// the same under any sql_mode and character set: hex literals for text that is not plain ASCII.
type Variable struct{ Name, Value string }

var anyState = &State{}

// A new connection speaks utf8mb4, whatever the server's global defaults are, so
// these do not go back to DEFAULT but to what the handshake asked for.
const handshakeCollation = "utf8mb4_general_ci"

func restingValue(name string) string {
	switch name {
	case "character_set_client", "character_set_results", "character_set_connection":
		return "utf8mb4"
	case "collation_connection":
		return handshakeCollation
	}
	if strings.HasPrefix(name, "@") && !strings.HasPrefix(name, "@@") {
		return "NULL"
	}
	return "DEFAULT"
}

// flavored maps a variable's name to the one that the server knows. MariaDB up
// to 11.0 has only tx_isolation, MySQL since 8.0 only transaction_isolation.
func flavored(name string, f Flavor) string {
	switch {
	case f == MariaDB && name == "transaction_isolation":
		return "tx_isolation"
	case f == MariaDB && name == "transaction_read_only":
		return "tx_read_only"
	case f == MySQL && name == "tx_isolation":
		return "transaction_isolation"
	case f == MySQL && name == "tx_read_only":
		return "transaction_read_only"
	}
	return name
}

// appendVarsDiff appends the assignments ("a=1, @b=NULL") that turn have into
// want, both sorted by name. Setting character_set_connection resets
// collation_connection and the other way round, so the two are written together.
func appendVarsDiff(dst []byte, have, want []Variable, f Flavor) []byte {
	start := len(dst)
	set := func(name, value string) {
		if len(dst) > start {
			dst = append(dst, ", "...)
		}
		dst = append(dst, flavored(name, f)...)
		dst = append(dst, '=')
		dst = append(dst, value...)
	}
	charset := false
	i, j := 0, 0
	for i < len(have) || j < len(want) {
		var c int
		switch {
		case i == len(have):
			c = 1
		case j == len(want):
			c = -1
		default:
			c = strings.Compare(have[i].Name, want[j].Name)
		}
		var name, value string
		switch {
		case c < 0: // no longer wanted
			name, value = have[i].Name, restingValue(have[i].Name)
			i++
		case c > 0:
			name, value = want[j].Name, want[j].Value
			j++
		default:
			name, value = want[j].Name, want[j].Value
			same := have[i].Value == value
			i++
			j++
			if same {
				continue
			}
		}
		if name == "character_set_connection" || name == "collation_connection" {
			charset = true
			continue
		}
		set(name, value)
	}
	if charset {
		cs, hasCS := lookup(want, "character_set_connection")
		co, hasCO := lookup(want, "collation_connection")
		switch {
		case hasCS && hasCO:
			set("character_set_connection", cs)
			set("collation_connection", co)
		case hasCS:
			set("character_set_connection", cs)
		case hasCO:
			set("collation_connection", co)
		default:
			set("collation_connection", handshakeCollation)
		}
	}
	return dst
}

func lookup(vars []Variable, name string) (string, bool) {
	i, ok := slices.BinarySearchFunc(vars, name, func(v Variable, n string) int { return strings.Compare(v.Name, n) })
	if !ok {
		return "", false
	}
	return vars[i].Value, true
}

// preparedContext is what a prepared statement's meaning depends on besides its text.
func preparedContext(database string, vars []Variable) string {
	var b strings.Builder
	b.WriteString(database)
	for _, name := range [...]string{"character_set_client", "character_set_connection", "character_set_results", "collation_connection", "sql_mode"} {
		b.WriteByte(0)
		if v, ok := lookup(vars, name); ok {
			b.WriteString(v)
		}
	}
	return b.String()
}
