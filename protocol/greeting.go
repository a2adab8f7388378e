package protocol

import (
	"crypto/rand"
	"crypto/tls"
	"encoding/binary"
	"fmt"
	"net"
)

// Authentication plugins of the server side.
const (
	PluginNativePassword      = "mysql_native_password"
	PluginCachingSHA2Password = "caching_sha2_password"
	PluginEd25519             = "client_ed25519"       // MariaDB's
	PluginClearPassword       = "mysql_clear_password" // over TLS, for accounts that say so
)

const (
	protocolVersion = 10
	nonceSize       = 20
	nonceFirstPart  = 8
)

// Greeting configures what a client is told before it logs in.
type Greeting struct {
	ServerVersion string // e.g. "10.11.19-MariaDB-Lockstep"
	ConnectionID  uint32
	Charset       byte
	Status        Status
	Capabilities  Capability // what to offer of ServerCapabilities; 0 means all of it
	Extended      Extended   // MariaDB's own capabilities to offer; 0: none, and not a MariaDB server
	DefaultPlugin string     // mysql_native_password or caching_sha2_password

	TLS        *tls.Config // nil: TLS is not offered
	RequireTLS bool        // a client with neither TLS nor a Unix socket is refused (3159) before it has proved anything

	// Preface is called once the greeting is out: it may read from the connection what comes before the
	// client's first packet. It returns what it read too much.
	Preface func(net.Conn) (rest []byte, err error)
}

// offered is what the greeting says and login may use.
func (g *Greeting) offered() Capability {
	caps := ServerCapabilities
	if g.Capabilities != 0 {
		caps = g.Capabilities&ServerCapabilities | requiredCapabilities
	}
	if g.TLS != nil {
		caps |= ClientSSL
	}
	return caps
}

func (g *Greeting) plugin() string {
	if g.DefaultPlugin == PluginCachingSHA2Password {
		return PluginCachingSHA2Password
	}
	return PluginNativePassword
}

// append builds the payload of Protocol::HandshakeV10.
func (g *Greeting) append(dst []byte, nonce *[nonceSize]byte) []byte {
	caps := g.offered()
	if g.Extended != 0 {
		caps &^= ClientLongPassword
	}
	dst = append(dst, protocolVersion)
	dst = append(append(dst, g.ServerVersion...), 0)
	dst = binary.LittleEndian.AppendUint32(dst, g.ConnectionID)
	dst = append(append(dst, nonce[:nonceFirstPart]...), 0)
	dst = binary.LittleEndian.AppendUint16(dst, uint16(caps))
	dst = append(dst, g.Charset)
	dst = binary.LittleEndian.AppendUint16(dst, uint16(g.Status))
	dst = binary.LittleEndian.AppendUint16(dst, uint16(caps>>16))
	dst = append(dst, nonceSize+1)
	dst = append(dst, make([]byte, 6)...)
	dst = binary.LittleEndian.AppendUint32(dst, uint32(g.Extended))
	dst = append(append(dst, nonce[nonceFirstPart:]...), 0)
	return append(append(dst, g.plugin()...), 0)
}

// fillNonce draws a challenge. Clients read it as a string that ends in zero, and '$'
// separates the parts of stored hashes, so neither may occur.
func fillNonce(nonce *[nonceSize]byte) error {
	if _, err := rand.Read(nonce[:]); err != nil {
		return fmt.Errorf("draw a challenge: %w", err)
	}
	for i, b := range nonce {
		if b &= 0x7f; b == 0 || b == '$' {
			b++
		}
		nonce[i] = b
	}
	return nil
}
