package proxy

import (
	"slices"
	"strings"

	"lockstep/config"
	"lockstep/protocol"
	"lockstep/sharding"
)

// The proxy's own session variables. No server knows them.
const (
	varCommitMode = "lockstep_commit_mode" // how the next COMMIT over several shards goes
	varPipelining = "lockstep_pipelining"  // whether cheap reads may share a server connection with other sessions
	varScratch    = "lockstep_scratch"     // whether rows may be brought to one server for a query that needs that
	varToken      = "lockstep_token"       // by which the outcome of the open or next transaction can be looked up
	varGTRID      = "lockstep_gtrid"       // of the open transaction, otherwise of the last one; read only
)

// ownVariables in the order of SHOW VARIABLES.
var ownVariables = []string{varCommitMode, varGTRID, varPipelining, varScratch, varToken}

// setOwn sets one of the proxy's own variables.
func setOwn(a *sharding.Assignment, value string, next *variables) error {
	switch {
	case !slices.Contains(ownVariables, a.Name):
		return protocol.NewError(erUnknownSystemVar, "Unknown system variable '%s'", a.Name)
	case a.Name == varGTRID:
		return protocol.NewError(erReadOnlyVariable, "Variable '%s' is a read only variable", a.Name)
	case a.Scope == sharding.ScopeGlobal:
		return protocol.NewError(erLocalVariable, "Variable '%s' is a SESSION variable and can't be used with SET GLOBAL", a.Name)
	case a.Name == varToken:
		token, err := tokenOf(value, a.Default)
		if err != nil {
			return err
		}
		next.token = token
		return nil
	}
	if a.Name == varPipelining {
		on, err := switchOf(a, value)
		if err != nil {
			return err
		}
		next.pipelining = on && next.p.cfg.Pipeline.Connections > 0
		return nil
	}
	if a.Name == varScratch {
		on, err := switchOf(a, value)
		if err == nil {
			next.scratch = on && (!a.Default || next.p.cfg.Scratch == config.ScratchOn)
		}
		return err
	}
	mode := strings.ToLower(textOf(value))
	if a.Default {
		mode = next.p.cfg.CommitMode
	}
	switch mode {
	case config.TwoPhase, config.ThreePhase, config.OneShard:
		next.commitMode = mode
		return nil
	}
	return protocol.NewError(erWrongValueForVar, "Variable '%s' can't be set to the value of '%s'", a.Name, mode)
}

// switchOf reads the value of a variable that is ON or OFF.
func switchOf(a *sharding.Assignment, value string) (bool, error) {
	switch strings.ToLower(textOf(value)) {
	case "on", "1", "true":
		return true, nil
	case "off", "0", "false":
		return false, nil
	}
	if a.Default {
		return true, nil
	}
	return false, protocol.NewError(erWrongValueForVar, "Variable '%s' can't be set to the value of '%s'", a.Name, textOf(value))
}

// ownVariable is the value of one of the proxy's own variables.
func (s *session) ownVariable(name string) (string, bool) {
	switch name {
	case varCommitMode:
		return s.vars.commitMode, true
	case varPipelining:
		if s.vars.pipelining {
			return "ON", true
		}
		return "OFF", true
	case varScratch:
		if s.vars.scratch {
			return "ON", true
		}
		return "OFF", true
	case varToken:
		return s.vars.token, true
	case varGTRID:
		return s.shownGTRID(), true
	}
	return "", false
}

// shownGTRID is what @@lockstep_gtrid says: the open transaction's id, otherwise that of the
// session's last transaction that had one. A transaction that is open gets its id when it is asked
// for, even before its first branch, so that a client can note it before anything happens.
func (s *session) shownGTRID() string {
	t := s.tx
	if t == nil || t.dead != nil {
		return s.lastGTRID
	}
	if t.named == nil {
		t.named = s.p.coordinator.Begin()
	}
	return t.named.GTRID()
}

// overlaps says whether one text begins with the other, where _ in the first stands for any byte.
func overlaps(pattern, name string) bool {
	for i := range min(len(pattern), len(name)) {
		if pattern[i] != name[i] && pattern[i] != '_' && pattern[i] != '\\' {
			return false
		}
		if pattern[i] == '\\' {
			return true // an escape: not looked at closer
		}
	}
	return true
}
