package proxy

import (
	"fmt"
	"strconv"
	"strings"

	"lockstep/protocol"
	"lockstep/sharding"
)

// set runs a SET statement: all of its assignments or none. Each value is
// worked out on a server where it is more than a literal, and the new state is
// tried on a server connection before it counts, so that what is wrong is refused in the server's own words.
func (s *session) set(st *sharding.Statement) error {
	if err := s.assign(st); err != nil {
		return err
	}
	s.trackSet(st.Set)
	return nil
}

// assign is set without telling the client of it.
func (s *session) assign(st *sharding.Statement) error {
	next := s.vars.clone()
	touched := false // something a server has to agree to
	var globals []string
	var autocommit *bool
	for i := range st.Set {
		a := new(sharding.Assignment)
		*a = st.Set[i] // the statement is shared: names are normalised on a copy
		value, err := s.assigned(a, &next)
		if err != nil {
			return err
		}
		if done, err := s.setNumbering(a, value); err != nil {
			return err
		} else if done {
			continue
		}
		switch {
		case strings.HasPrefix(a.Name, "lockstep_") && a.Scope != sharding.ScopeUser:
			if err := setOwn(a, value, &next); err != nil {
				return err
			}
		case a.Scope == sharding.ScopeGlobal:
			globals = append(globals, "GLOBAL "+a.Name+" = "+orDefault(value, a.Default))
		case a.Scope == sharding.ScopeUser:
			next.set("@"+a.Name, value)
			touched = true
		case a.Name == "autocommit":
			on, err := boolean(a.Name, value, a.Default)
			if err != nil {
				return err
			}
			autocommit = &on
		case a.Name == "transaction isolation" || a.Name == "transaction access":
			if err := s.setTransaction(a, value, &next); err != nil {
				return err
			}
			touched = touched || a.Scope == sharding.ScopeSession
		case s.p.ownTime(a.Name):
			if err := s.setTime(a, value, &next); err != nil {
				return err
			}
		default:
			if err := setVariable(a, value, &next); err != nil {
				return err
			}
			touched = true
		}
	}
	if touched {
		mode, err := s.tryState(&next)
		if err != nil {
			return err
		}
		s.vars = next
		s.syncMode(mode)
	} else {
		s.vars = next
	}
	s.writeLimit.Store(int64(s.vars.netWriteTimeout()))
	if len(globals) > 0 {
		if err := s.setGlobals(globals); err != nil {
			return err
		}
	}
	if autocommit != nil {
		if err := s.setAutocommit(*autocommit); err != nil {
			return err
		}
	}
	return nil
}

func orDefault(value string, isDefault bool) string {
	if isDefault {
		return "DEFAULT"
	}
	return value
}

// assigned is an assignment's right side as a literal; a server works it out if need be.
func (s *session) assigned(a *sharding.Assignment, vars *variables) (string, error) {
	if a.Default {
		return "", nil
	}
	if a.Constant {
		if value, ok := plain(a.Value); ok {
			return value, nil
		}
	}
	if a.Scope == sharding.ScopeGlobal {
		return a.Value, nil // each server works its own out
	}
	value, err := s.evaluate(a.Value, vars)
	if a.Scope != sharding.ScopeUser { // only user variables have a type
		value = untyped(value)
	}
	return value, err
}

// plain is a literal or word that means the same under every sql_mode and
// character set: what travels from connection to connection must. Others are worked out by a server first.
func plain(value string) (string, bool) {
	text := unquote(value)
	for i := range len(text) {
		if c := text[i]; c < 0x20 || c >= 0x7f || c == '\'' || c == '"' || c == '\\' || c == '`' {
			return "", false
		}
	}
	if text != value {
		return "'" + text + "'", true
	}
	return value, true
}

// setTransaction is SET [SESSION] TRANSACTION: without SESSION it is for the next transaction only.
func (s *session) setTransaction(a *sharding.Assignment, value string, next *variables) error {
	word := strings.ToUpper(unquote(value))
	if a.Name == "transaction access" {
		readOnly := word == "READ ONLY" || word == "READ-ONLY" || word == "1" || word == "ON"
		if a.Scope == sharding.ScopeNext {
			if s.tx != nil {
				return inTransaction()
			}
			next.nextReadOnly = &readOnly
			return nil
		}
		next.set("tx_read_only", strconv.Itoa(map[bool]int{false: 0, true: 1}[readOnly]))
		return nil
	}
	level := strings.ReplaceAll(word, "-", " ")
	switch level {
	case "READ UNCOMMITTED", "READ COMMITTED", "REPEATABLE READ", "SERIALIZABLE":
	default:
		return protocol.NewError(erWrongValueForVar, "Variable 'tx_isolation' can't be set to the value of '%s'", word)
	}
	if a.Scope == sharding.ScopeNext {
		if s.tx != nil {
			return inTransaction()
		}
		next.nextIsolation = level
		return nil
	}
	next.set("tx_isolation", isolationLiteral(level))
	return nil
}

func isolationLiteral(level string) string { return "'" + strings.ReplaceAll(level, " ", "-") + "'" }

func inTransaction() error {
	return protocol.NewError(erCantChangeInTx, "Transaction characteristics can't be changed while a transaction is in progress")
}

// setVariable records an ordinary session variable.
func setVariable(a *sharding.Assignment, value string, next *variables) error {
	switch a.Name {
	case "names":
		if a.Default {
			for _, n := range []string{"character_set_client", "character_set_results", "character_set_connection", "collation_connection"} {
				next.unset(n)
			}
			return nil
		}
		next.setNames(quote(unquote(value)), quoteIfAny(a.Collation))
		return nil
	case "character set":
		next.unset("character_set_connection")
		next.unset("collation_connection")
		if a.Default {
			next.unset("character_set_client")
			next.unset("character_set_results")
			return nil
		}
		next.set("character_set_client", quote(unquote(value)))
		next.set("character_set_results", quote(unquote(value)))
		return nil
	case "character_set_connection", "collation_connection":
		switch {
		case a.Default:
			next.unset("character_set_connection")
			next.unset("collation_connection")
		case a.Name == "collation_connection":
			next.setConnectionCharset("", value)
		default:
			next.setConnectionCharset(value, "")
		}
		return nil
	case "transaction_isolation":
		a.Name = "tx_isolation"
	case "transaction_read_only":
		a.Name = "tx_read_only"
	case "pseudo_thread_id", "pseudo_slave_mode", "gtid_domain_id", "gtid_seq_no", "server_id", "sql_log_bin":
		return notSupported("setting %s through the proxy", a.Name)
	}
	if a.Default {
		next.unset(a.Name)
		return nil
	}
	next.set(a.Name, value)
	return nil
}

func quoteIfAny(s string) string {
	if s == "" {
		return ""
	}
	return quote(unquote(s))
}

func boolean(name, value string, isDefault bool) (bool, error) {
	if isDefault {
		return true, nil
	}
	switch strings.ToUpper(unquote(value)) {
	case "1", "ON", "TRUE":
		return true, nil
	case "0", "OFF", "FALSE":
		return false, nil
	}
	return false, protocol.NewError(erWrongValueForVar, "Variable '%s' can't be set to the value of '%s'", name, unquote(value))
}

// setAutocommit: switching it on commits what is open, as a server does.
func (s *session) setAutocommit(on bool) error {
	if on && !s.vars.autocommit && s.tx != nil {
		if err := s.commitNow(); err != nil {
			return err // and it stays off
		}
	}
	s.vars.autocommit = on
	return nil
}

// setGlobals runs SET GLOBAL on every shard.
func (s *session) setGlobals(list []string) error {
	if err := s.mustAdministrate("SET GLOBAL"); err != nil {
		return err
	}
	return s.onEveryShard(fmt.Sprintf("SET %s", strings.Join(list, ", ")))
}

// syncEnv brings what the planner must know of the session in line with its variables.
func (s *session) syncEnv() {
	s.env.Database = s.vars.database
	s.env.Charset = s.vars.charset()
}

// syncMode takes the sql_mode that the server made of what was set.
func (s *session) syncMode(mode string) {
	s.syncEnv()
	s.env.SQLMode = mode
	has := func(word string) bool {
		for _, m := range strings.Split(mode, ",") {
			if m == word {
				return true
			}
		}
		return false
	}
	s.env.AnsiQuotes = has("ANSI_QUOTES")
	s.env.NoBackslash = has("NO_BACKSLASH_ESCAPES")
	s.env.PipesAsConcat = has("PIPES_AS_CONCAT")
	s.env.IgnoreSpace = has("IGNORE_SPACE")
	s.vars.noBackslash = s.env.NoBackslash
}
