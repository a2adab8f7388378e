package proxy

import (
	"lockstep/config"
	"lockstep/protocol"
)

// unknownVersion is told to clients until a shard has said its own version.
const unknownVersion = "10.11.0-MariaDB-Lockstep"

// greeting is what a client is told before it logs in.
func (p *Proxy) greeting(id uint32) protocol.Greeting {
	version := unknownVersion
	if v := p.version.Load(); v != nil {
		version = *v + "-Lockstep"
	}
	if p.cfg.ServerVersion != "" {
		version = p.cfg.ServerVersion
	}
	capabilities := protocol.ServerCapabilities
	if p.cfg.LocalInfile == config.LocalInfileOff {
		capabilities &^= protocol.ClientLocalFiles
	}
	if p.cfg.ClientCompression == config.Off {
		capabilities &^= protocol.ClientCompress | protocol.ClientZstdCompressionAlgorithm
	}
	return protocol.Greeting{
		ServerVersion: version, ConnectionID: id, Charset: utf8mb4GeneralCI,
		Status: protocol.StatusAutocommit, Capabilities: capabilities, Extended: p.extended(),
		DefaultPlugin: p.cfg.AuthPlugin, TLS: p.tls.Config(), RequireTLS: p.cfg.TLS.Mode == config.TLSRequired,
	}
}
