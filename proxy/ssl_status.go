package proxy

import (
	"crypto/tls"
	"strings"
)

// transportStatus is by which clients find out whether their connection is encrypted: Ssl_cipher and Ssl_version. A
// shard would tell of the proxy's.
func (s *session) transportStatus() (cipher, version string) {
	state, secure := s.client.TLS()
	if !secure {
		return "", ""
	}
	// As OpenSSL writes it: TLSv1.3.
	return tls.CipherSuiteName(state.CipherSuite), strings.Replace(tls.VersionName(state.Version), "TLS ", "TLSv", 1)
}
