package config

import (
	"fmt"
	"net"
	"net/netip"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// checkListeners checks the two ports of the proxy itself. Port 0 lets the
// system choose one.
func (s *source) checkListeners(c *Config) {
	s.fill(&c.Listen, "listen", "127.0.0.1:4000")
	s.fill(&c.Admin.Listen, "admin.listen", "127.0.0.1:4001")
	host, port, ok := s.checkHostPort(c.Listen, "listen", 0)
	adminHost, adminPort, adminOK := s.checkHostPort(c.Admin.Listen, "admin.listen", 0)
	if ok && adminOK && port == adminPort && port != 0 && (host == adminHost || wildcard(host) || wildcard(adminHost)) {
		path := "admin.listen"
		if !s.given(path) {
			path = "listen"
		}
		s.find(path, "admin.listen and listen both take port %d: give them different ports", port)
	}
	if adminOK && !loopback(adminHost) && c.Admin.Token == "" {
		s.find("admin.listen", "admin.listen %s can be reached from other machines: set admin.token, or listen on 127.0.0.1", c.Admin.Listen)
	}
	if strings.ContainsFunc(c.Admin.Token, func(r rune) bool { return r <= ' ' || r > '~' }) {
		s.find("admin.token", "admin.token has a character that cannot be sent in a header: use letters, digits and signs, without spaces")
	}
}

// hostForm takes names and addresses; whether a name exists is found out when it is used.
var hostForm = regexp.MustCompile(`^[A-Za-z0-9._-]+$`)

// checkHostPort takes host:port apart.
func (s *source) checkHostPort(address, path string, leastPort int) (host string, port int, ok bool) {
	host, text, err := net.SplitHostPort(address)
	if err != nil {
		s.find(path, "address %q: write host:port, such as 127.0.0.1:4000 or [::1]:4000", address)
		return "", 0, false
	}
	if _, err := netip.ParseAddr(host); err != nil && host != "" && !hostForm.MatchString(host) {
		s.find(path, "address %q: %q is neither a host name nor an IP address", address, host)
		return "", 0, false
	}
	port, err = strconv.Atoi(text)
	if err != nil || port < leastPort || port > 65535 {
		s.find(path, "address %q: the port must be a number from %d to 65535", address, leastPort)
		return "", 0, false
	}
	return host, port, true
}

func wildcard(host string) bool {
	ip, err := netip.ParseAddr(host)
	return host == "" || err == nil && ip.IsUnspecified()
}

func loopback(host string) bool {
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && ip.IsLoopback()
}

const maxUserName = 80 // MariaDB's limit in characters; MySQL's is 32

func (s *source) checkUsers(c *Config) {
	if len(c.Users) == 0 {
		s.find("users", "no users: nobody could log in; list at least one")
	}
	first := make(map[string]string)
	for i, u := range c.Users {
		path := fmt.Sprintf("users[%d]", i)
		if !printable(u.Name, maxUserName) {
			s.find(path+".name", "a user needs a name of 1 to %d printable characters", maxUserName)
		} else if s.unique(first, u.Name, path+".name", "user") {
			s.checkPassword(u, path)
			s.checkLoginMeans(c, u, path)
		}
		for j, name := range u.Databases {
			at := fmt.Sprintf("%s.databases[%d]", path, j)
			if slices.Contains(u.Databases[:j], name) {
				s.find(at, "database %q is listed twice", name)
			} else if c.DefaultRule == nil && len(c.Schemas) > 0 && !slices.ContainsFunc(c.Schemas, func(x Schema) bool { return x.Name == name }) {
				s.find(at, "no schema named %q, and no default_rule that would allow one that is not listed", name)
			}
		}
	}
}

var (
	// nativeHash is mysql_native_password: SHA1(SHA1(password)).
	nativeHash = regexp.MustCompile(`^\*[0-9A-Fa-f]{40}$`)
	// cachingHash is caching_sha2_password as mysql.user stores it: rounds in
	// thousands, 20 bytes of salt, 43 characters of digest.
	cachingHash = regexp.MustCompile(`^\$A\$[0-9A-Fa-f]{3}\$[^$\x00]{20}[./0-9A-Za-z]{43}$`)
	// ed25519Hash is a public key in base64, as MariaDB's ed25519 stores it.
	ed25519Hash = regexp.MustCompile(`^[+/0-9A-Za-z]{43}$`)
)

func (s *source) checkPassword(u User, path string) {
	password, hash := s.given(path+".password"), s.given(path+".hash")
	switch {
	case password && hash:
		s.find(path+".hash", "user %q has a password and a hash: keep one", u.Name)
	case !password && !hash:
		s.find(path, `user %q has neither password nor hash: add one (password: "" for none)`, u.Name)
	case hash && !nativeHash.MatchString(u.Hash) && !cachingHash.MatchString(u.Hash) && !ed25519Hash.MatchString(u.Hash):
		s.find(path+".hash", "hash of user %q: expected * and 40 hexadecimal digits (mysql_native_password), $A$005$ and 63 characters (caching_sha2_password), or 43 characters (ed25519)", u.Name)
	}
}

// unique notes a name and adds a finding where it was there before.
func (s *source) unique(first map[string]string, name, path, what string) bool {
	if before, dup := first[name]; dup {
		s.find(path, "%s %q is already defined in line %d", what, name, s.place(before).line)
		return false
	}
	first[name] = path
	return true
}
