// Package wireclient is a client of the MySQL protocol for tests: small, strict, and with full
// control over what goes onto the wire and when.
//
//	c := Dial(...)                     greeting, login
//	c.Write(bytes)                     any bytes: half a command, several commands, nonsense
//	c.Answer(command)                  reads that command's whole answer and checks its form
//	answer.Lines()                     all that was in it, to be compared with another server's
//
// It is written apart from package protocol, which it tests.
//
// # What is checked
//
//   - Packet numbers run on from the command's own frames, without a gap.
//   - Every packet is of the form that its place asks for, to its last byte: lengths in their shortest
//     form, no bytes behind the last field, fillers zero, terminators of the agreed kind.
//   - An answer ends where its status flags say that it ends; Quiet checks that nothing follows.
package wireclient
