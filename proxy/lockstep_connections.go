package proxy

import (
	"crypto/tls"
	"encoding/json"
	"fmt"
	"net"
	"strconv"

	"lockstep/protocol"
)

// transport is how a client is connected, in a few words.
func (s *session) transport() string {
	if state, ok := s.client.TLS(); ok {
		return tls.VersionName(state.Version) + " " + tls.CipherSuiteName(state.CipherSuite)
	}
	if _, ok := s.nc.RemoteAddr().(*net.UnixAddr); ok {
		return "socket"
	}
	return "TCP"
}

// showConnections lists how clients came in, and what they said of themselves.
func (s *session) showConnections() error {
	names := []string{"id", "user", "host", "via", "transport", "plugin", "program", "attributes"}
	var rows []row
	for _, o := range s.p.sessions.all() {
		o.mu.Lock()
		w := o.shown
		o.mu.Unlock()
		if w.user == "" || !s.unrestricted() && w.user != s.user.Name {
			continue
		}
		attributes, err := json.Marshal(w.attributes)
		if err != nil {
			return fmt.Errorf("show connection attributes: %w", err)
		}
		rows = append(rows, row{strconv.FormatUint(uint64(o.id), 10), w.user, w.host, w.via, w.transport, w.plugin, w.attributes["program_name"], string(attributes)})
	}
	sortRows(rows)
	return s.sent(s.writeResult(names, rows))
}

// introduce publishes what a login said.
func (s *session) introduce(login *protocol.Login) {
	attributes, dropped := boundAttributes(login.Attributes, s.p.cfg.Limits.MaxAttributes)
	s.p.metrics.attributesDropped.Add(float64(dropped))
	s.mu.Lock()
	s.shown.via, s.shown.transport, s.shown.plugin, s.shown.attributes = s.via, s.transport(), login.Plugin, attributes
	s.mu.Unlock()
}
