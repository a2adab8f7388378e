package proxy

import (
	"strconv"
	"time"
)

// netReadTimeout is how long the client may take between two packets of what it sends.
func (v *variables) netReadTimeout() time.Duration {
	return v.seconds("net_read_timeout", v.p.cfg.Timeouts.NetRead)
}

// seconds is a variable of the session in whole seconds; preset where the session has not set it, or to nothing that is a number.
func (v *variables) seconds(name string, preset time.Duration) time.Duration {
	n, err := strconv.ParseInt(unquote(v.vars[name]), 10, 32)
	if err != nil || n <= 0 {
		return preset
	}
	return time.Duration(n) * time.Second
}
