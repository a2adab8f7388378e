package proxy

import (
	"strconv"
	"strings"
	"time"

	"lockstep/protocol"
	"lockstep/sharding"
)

// showStatus answers SHOW STATUS. What clients and monitors watch of a server's load is the proxy's own: its sessions, its
// statements, its time. Everything else is one shard's, and of that server as a whole, since a session has no server
// connection of its own whose counters would be meant.
func (s *session) showStatus(w *sharding.Show) error {
	text := "SHOW GLOBAL STATUS"
	onValues := containsFold([]byte(w.Where), "value")
	if !onValues {
		text += w.Tail()
	}
	res, err := s.askAny(text)
	if err != nil {
		return err
	}
	if len(res.Columns) != 2 {
		return notSupported("SHOW STATUS of a server that has %d columns for it", len(res.Columns))
	}
	own := s.statusValues(w.Global)
	for _, r := range res.Rows {
		if value, ok := own[strings.ToLower(string(r[0]))]; ok {
			r[1] = protocol.Field(value)
		}
	}
	if onValues {
		return s.showNamed(w, res)
	}
	s.foundRows = uint64(len(res.Rows))
	return s.sent(s.writeRows(res))
}

// statusValues are the status variables that are the proxy's, by their names in lower case.
func (s *session) statusValues(global bool) map[string]string {
	number := func(n uint64) string { return strconv.FormatUint(n, 10) }
	up := number(uint64(time.Since(s.p.started).Seconds()))
	threads, running, statements := uint64(0), uint64(0), s.p.sessions.statements()
	own := s.number
	for _, o := range s.p.sessions.all() {
		o.mu.Lock()
		if o.shown.user != "" {
			threads++
			if !o.waiting {
				running++
			}
		}
		statements += o.number
		o.mu.Unlock()
	}
	cipher, version := s.transportStatus()
	values := map[string]string{
		"uptime": up, "uptime_since_flush_status": up, "threads_connected": number(threads), "threads_running": number(running),
		"connections": number(s.p.sessions.connections()), "questions": number(statements), "queries": number(statements),
		"ssl_cipher": cipher, "ssl_version": version,
	}
	if !global {
		values["questions"] = number(own)
	}
	return values
}
