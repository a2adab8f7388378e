package proxy

import (
	"strconv"

	"lockstep/protocol"
	"lockstep/sharding"
)

// setNumbering takes variables that have to do with AUTO_INCREMENT ids, which are the proxy's to give: other steps than one
// and an id for the next row are refused; LAST_INSERT_ID() is the session's.
func (s *session) setNumbering(a *sharding.Assignment, value string) (done bool, err error) {
	if a.Scope == sharding.ScopeUser || a.Scope == sharding.ScopeGlobal {
		return false, nil
	}
	var harmless string
	switch a.Name {
	case "last_insert_id", "identity":
		if a.Default {
			return true, protocol.NewError(erNoDefault, "Variable '%s' doesn't have a default value", a.Name)
		}
		n, err := strconv.ParseUint(unquote(value), 10, 64)
		if err != nil || unquote(value) != value {
			return true, protocol.NewError(erWrongTypeForVar, "Incorrect argument type to variable '%s'", a.Name)
		}
		s.lastInsertID = n
		return true, nil
	case "insert_id":
		harmless = "0"
	case "auto_increment_increment", "auto_increment_offset":
		harmless = "1"
	default:
		return false, nil
	}
	if a.Default || value == harmless {
		return true, nil
	}
	return true, notSupported("SET %s: AUTO_INCREMENT ids come from one sequence for all shards, one after the other", a.Name)
}
