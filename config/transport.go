package config

import (
	"io/fs"
	"strconv"
	"time"
)

// TLS is what clients are offered.
type TLS struct {
	Mode       string `yaml:"mode"`        // off | optional | required; default optional where there is a certificate, otherwise off
	Cert       string `yaml:"cert"`        // PEM file, the server's certificate first; a relative path starts at the file's folder; empty: one is made at each start
	Key        string `yaml:"key"`         // PEM file
	CA         string `yaml:"ca"`          // PEM file of authorities that sign clients' certificates; empty: none is asked for
	MinVersion string `yaml:"min_version"` // 1.2 (default) | 1.3
}

// The values of TLS.Mode.
const (
	TLSOff      = "off"
	TLSOptional = "optional"
	TLSRequired = "required"
)

// ShardTLS is how a shard is connected to.
type ShardTLS struct {
	Mode       string `yaml:"mode"`        // off (default) | preferred | required | verify-ca | verify-identity
	CA         string `yaml:"ca"`          // PEM file of authorities; default those of the system
	Cert       string `yaml:"cert"`        // PEM file of a client certificate, where the server asks for one
	Key        string `yaml:"key"`         // PEM file
	ServerName string `yaml:"server_name"` // in the server's certificate; default the address's host
}

// The values of ShardTLS.Mode, beside TLSOff and TLSRequired.
const (
	TLSPreferred      = "preferred"
	TLSVerifyCA       = "verify-ca"
	TLSVerifyIdentity = "verify-identity"
)

// The values of TLS.MinVersion.
const (
	TLS12 = "1.2"
	TLS13 = "1.3"
)

// ProxyProtocol says from where clients' real addresses are taken.
type ProxyProtocol struct {
	From    []string      `yaml:"from"`    // addresses or networks (CIDR) whose headers are believed; empty: nobody's
	Mode    string        `yaml:"mode"`    // required (default): who comes from there must send one | optional
	Timeout time.Duration `yaml:"timeout"` // for the header of one that must; default 2s
}

// The values of ProxyProtocol.Mode.
const (
	HeaderRequired = "required"
	HeaderOptional = "optional"
)

// The values of User.Require; empty means that anything is good.
const (
	RequireTLS  = "tls"  // a connection with TLS
	RequireX509 = "x509" // and a certificate that tls.ca has signed
)

// The values of Config.AuthPlugin and User.AuthPlugin; the last two are for single users only.
const (
	PluginNative  = "mysql_native_password"
	PluginSHA2    = "caching_sha2_password"
	PluginEd25519 = "client_ed25519"
	PluginClear   = "mysql_clear_password"
)

// SocketPerm is SocketMode as a number.
func (c *Config) SocketPerm() fs.FileMode {
	mode, err := strconv.ParseUint(c.SocketMode, 8, 9)
	if err != nil {
		return 0 // Load has refused it
	}
	return fs.FileMode(mode)
}
