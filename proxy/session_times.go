package proxy

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"lockstep/protocol"
	"lockstep/sharding"
)

// longestTime is the most that servers take for a time-out of a session.
const longestTime = 31536000 * time.Second

// timeVariables are the session's variables that the proxy itself acts upon: server connections are shared, so they must not
// end with a client's idle time, and a limit on statements must not reach the proxy's own words of a commit.
type timeVariables struct {
	wait        time.Duration // wait_timeout; 0: the configured one
	interactive time.Duration // interactive_timeout: shown only, as it is for new sessions; 0: the configured one

	// Limits on one statement; nil: not set. max_execution_time is for SELECT alone, and a MySQL server's own business.
	maxExecution *time.Duration
	maxStatement *time.Duration
}

// ownTime says whether a variable is one of those.
func (p *Proxy) ownTime(name string) bool {
	switch name {
	case "wait_timeout", "interactive_timeout", "max_statement_time":
		return true
	case "max_execution_time":
		return p.mariaDB()
	}
	return false
}

// setTime is SET of a variable that ownTime names.
func (s *session) setTime(a *sharding.Assignment, value string, next *variables) error {
	var least, unit time.Duration
	switch a.Name {
	case "wait_timeout", "interactive_timeout":
		least, unit = time.Second, time.Second
	case "max_statement_time":
		unit = time.Second
	default:
		unit = time.Millisecond
	}
	var d time.Duration
	if !a.Default {
		n, err := strconv.ParseFloat(value, 64)
		if err != nil || a.Name != "max_statement_time" && strings.ContainsAny(value, ".eE") {
			return protocol.NewError(1232, "Incorrect argument type to variable '%s'", a.Name)
		}
		switch {
		case n < float64(least/unit):
			d = least
		case n > float64(longestTime/unit):
			d = longestTime
		default:
			d = time.Duration(n * float64(unit)).Round(time.Microsecond)
		}
		if n < float64(least/unit) || n > float64(longestTime/unit) {
			s.diag.warn(1292, fmt.Sprintf("Truncated incorrect %s value: '%s'", a.Name, value))
		}
	}
	limit := &d
	if a.Default {
		limit = nil
	}
	switch a.Name {
	case "wait_timeout":
		next.wait = d
	case "interactive_timeout":
		next.interactive = d
	case "max_statement_time":
		next.maxStatement = limit
		if s.p.mariaDB() { // the servers' own limit would end what a commit does, too
			if a.Default {
				next.unset(a.Name)
			} else {
				next.set(a.Name, "0")
			}
		}
	default:
		next.maxExecution = limit
	}
	return nil
}

// timeVariable is the value of such a variable, as an SQL literal; false: the shards' is the session's.
func (s *session) timeVariable(name string) (string, bool) {
	v := &s.vars
	switch name {
	case "wait_timeout":
		return fmt.Sprint(int(v.idleTimeout().Seconds())), true
	case "interactive_timeout":
		if v.interactive > 0 {
			return fmt.Sprint(int(v.interactive.Seconds())), true
		}
		return fmt.Sprint(int(s.p.cfg.Timeouts.Idle.Seconds())), true
	case "max_statement_time":
		if v.maxStatement != nil { // a DOUBLE with six digits, as on a server
			return "ROUND(" + strconv.FormatFloat(v.maxStatement.Seconds(), 'f', 6, 64) + "e0, 6)", true
		}
		return "ROUND(0e0, 6)", !s.p.mariaDB()
	case "max_execution_time":
		if v.maxExecution != nil {
			return fmt.Sprint(v.maxExecution.Milliseconds()), true
		}
		return "0", s.p.mariaDB()
	}
	return "", false
}

// netReadTimeout is how long the client may take between two packets of what it sends.
func (v *variables) netReadTimeout() time.Duration {
	return v.seconds("net_read_timeout", v.p.cfg.Timeouts.NetRead)
}

// netWriteTimeout is how long the client may take nothing of what it is sent.
func (v *variables) netWriteTimeout() time.Duration {
	return v.seconds("net_write_timeout", v.p.cfg.Timeouts.NetWrite)
}

// seconds is a variable of the session in whole seconds; preset where the session has not set it, or to nothing that is a number.
func (v *variables) seconds(name string, preset time.Duration) time.Duration {
	n, err := strconv.ParseInt(unquote(v.vars[name]), 10, 32)
	if err != nil || n <= 0 {
		return preset
	}
	return time.Duration(n) * time.Second
}

// idleEnd is the end of a session whose client has said nothing for too long. A MySQL server says so, a MariaDB server only closes.
func (s *session) idleEnd(cause error) error {
	if s.p.mariaDB() {
		return cause
	}
	s.client.ResetSequence()
	return s.fail(&protocol.ServerError{Code: 4031, SQLState: "HY000",
		Message: "The client was disconnected by the server because of inactivity. See wait_timeout and interactive_timeout for configuring this behavior."})
}
