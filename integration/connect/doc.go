// Package connect tests how clients come in and how shards are reached, with real servers and clients: TLS on both
// sides, plugins, PROXY protocol, the Unix socket, connection attributes, and what is refused before a login.
package connect
