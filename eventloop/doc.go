// Package eventloop lets few goroutines serve many connections. A Loop waits for all its
// sockets at once and tells their handlers; a Conn is a net.Conn that either a loop or
// one goroutine owns, and that changes hands without a system call.
//
//	           Give ──────────────▶
//	goroutine                        loop
//	Read, Write block                Handler.Readable ─▶ TryRead
//	(deadlines, Close)               Write never blocks; Handler.Drained
//	           ◀────────────── Take
//
// Why not the runtime's own poller: it costs a goroutine that is parked and woken for each
// message, a read that says EAGAIN before each wait, and a stack for each idle client; and it
// cannot hand over all that is ready at the same moment, which is what makes batches.
//
// Sockets are registered once, edge-triggered, in both directions. A flag says that something may be
// read; it is set by the event and cleared before a read that does not fill its buffer. So a
// socket that was read to its end is not asked again before the kernel says so.
//
// Invariants:
//
//   - A handler runs on its loop's goroutine only, and never blocks.
//   - Between Give and Take only the loop touches the connection, Close and SetDeadline apart.
//   - Readable may be called without anything to read; it is never missing.
//   - A file descriptor is closed when nobody is in a system call on it, so its number is never
//     reused under anybody.
package eventloop
