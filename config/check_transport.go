package config

import (
	"fmt"
	"net/netip"
	"path/filepath"
	"regexp"
	"strings"
	"time"
)

// checkTransport checks how clients come in beside plain TCP, and how they prove who they are.
func (s *source) checkTransport(c *Config) {
	s.checkSocket(c)
	s.checkTLS(&c.TLS)
	s.checkProxyProtocol(&c.ProxyProtocol)
	s.fill(&c.AuthPlugin, "auth_plugin", PluginNative)
	s.oneOf(c.AuthPlugin, "auth_plugin", PluginNative, PluginSHA2)
	s.inFolder(&c.RSAKey, "rsa_key")
}

// inFolder makes a relative path start at the file's folder.
func (s *source) inFolder(path *string, at string) {
	switch {
	case !s.given(at) || s.broken[at]:
	case *path == "":
		s.find(at, "%s needs the path of a file", lastName(at))
	case !filepath.IsAbs(*path):
		*path = filepath.Join(filepath.Dir(s.file), *path)
	}
}

var modeForm = regexp.MustCompile(`^0?[0-7]{3}$`)

func (s *source) checkSocket(c *Config) {
	s.inFolder(&c.Socket, "socket")
	if len(c.Socket) > maxSocketPath {
		s.find("socket", "the socket path is longer than the %d bytes that a unix socket can have", maxSocketPath)
	}
	s.fill(&c.SocketMode, "socket_mode", "0777")
	switch {
	case !modeForm.MatchString(c.SocketMode):
		s.find("socket_mode", "socket_mode %q: write it in octal, such as 0777 or 0660", c.SocketMode)
	case s.given("socket_mode") && c.Socket == "":
		s.find("socket_mode", "socket_mode has no effect without socket")
	}
}

func (s *source) checkTLS(t *TLS) {
	preset := TLSOff
	if t.Cert != "" {
		preset = TLSOptional
	}
	s.fill(&t.Mode, "tls.mode", preset)
	s.fill(&t.MinVersion, "tls.min_version", TLS12)
	s.oneOf(t.Mode, "tls.mode", TLSOff, TLSOptional, TLSRequired)
	s.oneOf(t.MinVersion, "tls.min_version", TLS12, TLS13)
	s.inFolder(&t.Cert, "tls.cert")
	s.inFolder(&t.Key, "tls.key")
	s.inFolder(&t.CA, "tls.ca")
	s.checkPair(t.Cert, t.Key, "tls")
}

// checkPair: a certificate is of no use without its key, and the other way round.
func (s *source) checkPair(cert, key, path string) {
	if cert != "" && key == "" {
		s.find(path+".cert", "a certificate needs its key: set %s.key", lastName(path))
	}
	if key != "" && cert == "" {
		s.find(path+".key", "a key needs its certificate: set %s.cert", lastName(path))
	}
}

func (s *source) checkShardTLS(shard *Shard, path string) {
	t := &shard.TLS
	path += ".tls"
	s.fill(&t.Mode, path+".mode", TLSOff)
	s.inFolder(&t.CA, path+".ca")
	s.inFolder(&t.Cert, path+".cert")
	s.inFolder(&t.Key, path+".key")
	s.checkPair(t.Cert, t.Key, path)
	if !s.oneOf(t.Mode, path+".mode", TLSOff, TLSPreferred, TLSRequired, TLSVerifyCA, TLSVerifyIdentity) {
		return
	}
	verifies := t.Mode == TLSVerifyCA || t.Mode == TLSVerifyIdentity
	for _, f := range []struct {
		name, value string
		used        bool
	}{
		{"ca", t.CA, verifies},
		{"cert", t.Cert, t.Mode != TLSOff},
		{"server_name", t.ServerName, t.Mode == TLSVerifyIdentity},
	} {
		if f.value != "" && !f.used {
			s.find(path+"."+f.name, "%s has no effect with tls.mode %s", f.name, t.Mode)
		}
	}
	if t.Mode == TLSVerifyIdentity && t.ServerName == "" && strings.HasPrefix(shard.Address, "/") {
		s.find(path+".mode", "a unix socket has no host name to verify: set server_name")
	}
}

func (s *source) checkProxyProtocol(p *ProxyProtocol) {
	s.fill(&p.Mode, "proxy_protocol.mode", HeaderRequired)
	s.oneOf(p.Mode, "proxy_protocol.mode", HeaderRequired, HeaderOptional)
	s.duration(&p.Timeout, "proxy_protocol.timeout", 2*time.Second)
	for i, text := range p.From {
		if _, err := ParseNetwork(text); err != nil {
			s.find(fmt.Sprintf("proxy_protocol.from[%d]", i), "%q is neither an address nor a network such as 10.0.0.0/8", text)
		}
	}
	if len(p.From) == 0 && (s.given("proxy_protocol.mode") || s.given("proxy_protocol.timeout")) {
		s.find("proxy_protocol", "proxy_protocol has no effect without from: list the addresses of the proxies in front")
	}
}

// ParseNetwork reads an address or a network in CIDR form.
func ParseNetwork(text string) (netip.Prefix, error) {
	if a, err := netip.ParseAddr(text); err == nil {
		a = a.Unmap()
		return netip.PrefixFrom(a, a.BitLen()), nil
	}
	p, err := netip.ParsePrefix(text)
	if err != nil {
		return netip.Prefix{}, fmt.Errorf("parse network: %w", err)
	}
	return p.Masked(), nil
}

// checkLoginMeans checks how one user proves who it is.
func (s *source) checkLoginMeans(c *Config, u User, path string) {
	at := path + ".require"
	known := s.given(at) && s.oneOf(u.Require, at, RequireTLS, RequireX509)
	if s.given(path+".auth_plugin") && s.oneOf(u.AuthPlugin, path+".auth_plugin", PluginNative, PluginSHA2, PluginEd25519, PluginClear) {
		s.checkPlugin(c, u, path)
	}
	switch {
	case known && c.TLS.Mode == TLSOff:
		s.find(at, "user %q could never log in: it requires TLS, and tls.mode is off", u.Name)
	case u.Require == RequireX509 && c.TLS.CA == "":
		s.find(at, "user %q could never log in: it requires a certificate, and without tls.ca none is asked for", u.Name)
	}
}

// checkPlugin: the plugin must be able to check the user's password as it is known.
func (s *source) checkPlugin(c *Config, u User, path string) {
	at := path + ".auth_plugin"
	hash := map[string]*regexp.Regexp{PluginNative: nativeHash, PluginSHA2: cachingHash, PluginEd25519: ed25519Hash}[u.AuthPlugin]
	switch {
	case u.AuthPlugin == PluginClear && c.TLS.Mode == TLSOff:
		s.find(at, "user %q could never log in: mysql_clear_password is for connections with TLS, and tls.mode is off", u.Name)
	case u.AuthPlugin == PluginEd25519 && u.Hash == "" && u.Password == "":
		s.find(at, "client_ed25519 needs a password: user %q has none", u.Name)
	case hash != nil && u.Hash != "" && !hash.MatchString(u.Hash) && s.given(path+".hash"):
		s.find(at, "the hash of user %q is not one of %s", u.Name, u.AuthPlugin)
	}
}
