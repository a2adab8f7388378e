package proxy

import (
	"crypto/tls"
	"regexp"
	"strings"
)

// transportStatus matches the status variables by which clients find out whether their connection is encrypted.
var transportStatus = regexp.MustCompile(`(?i)^\s*show\s+(?:(?:session|local)\s+)?status\s+(?:like|where\s+` + "`?variable_name`?" + `\s*=)\s*'(ssl_cipher|ssl_version)'[\s;]*$`)

// showTransportStatus answers them for the client's own connection: a shard would tell of the proxy's. False: it is
// another statement.
func (s *session) showTransportStatus(sql []byte) (bool, error) {
	m := transportStatus.FindSubmatch(sql)
	if m == nil {
		return false, nil
	}
	name, value := "Ssl_cipher", ""
	state, secure := s.client.TLS()
	if secure {
		value = tls.CipherSuiteName(state.CipherSuite)
	}
	if strings.EqualFold(string(m[1]), "ssl_version") {
		name = "Ssl_version"
		if secure {
			// As OpenSSL writes it: TLSv1.3.
			value = strings.Replace(tls.VersionName(state.Version), "TLS ", "TLSv", 1)
		}
	}
	return true, s.sent(s.writeResult([]string{"Variable_name", "Value"}, []row{{name, value}}))
}
