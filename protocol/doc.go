// Package protocol speaks the MySQL client/server protocol on both sides: packets, the server's
// part of the handshake, commands, result sets, prepared statements. It has no
// policy: what is answered to whom is its callers' business.
//
// # Framing
//
// A payload travels in frames of up to 16 MiB-1: three bytes of length, one of sequence
// number. A frame of exactly 16 MiB-1 is continued by the next. Conn reads as much
// as the network has into one window and hands out payloads in place.
//
// Result sets have EOF framing on the shards' leg, which every server speaks. A client's leg may have
// CLIENT_DEPRECATE_EOF: then the first EOF is left out on the way, and the second becomes an OK packet.
//
//	column count | column definition ... | EOF | row ... | EOF
//	                                                     | ERR   (may stand wherever a frame begins)
//
// Relay passes an answer on in spans; Rows reads it row by row, for merging.
//
// # Login
//
//	greeting ──▶ [Preface] ──▶ [SSLRequest, TLS] ──▶ login packet ──▶ [switch of plugin] ──▶ proof ──▶ caller's OK or ERR
//
// Authenticator goes through it, and through COM_CHANGE_USER's part of it. TLS replaces the network
// connection under the packets; nothing that came before it in clear is used behind it.
//
// # Invariants
//
//   - No length that a peer announces is trusted with memory: limits come first, and the window grows no
//     faster than bytes arrive.
//   - What a packet says is checked before it is used: malformed input is an error, never a panic.
//   - Payloads alias the read window until the next read, unless a parser says that it copies.
//   - Packet numbers are checked; a gap ends the connection.
package protocol
