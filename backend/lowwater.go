package backend

// The shortest answers, in bytes on the wire: an OK packet with no number above 250 and no text, EOF, ERR without a text.
const (
	okSize  = 4 + 7
	eofSize = 4 + 5
	errSize = 4 + 9
)

// awaitTogether has answers that come one by one, soon after each other, told once: not before size bytes have come, which
// they are in any case.
func (c *Conn) awaitTogether(size int) {
	if c.event != nil {
		c.event.AwaitTogether(size)
	}
}

// AwaitTogether is for the answers to WriteOpen and the one behind them.
func (b *Branch) AwaitTogether() { b.c.awaitTogether(b.pending*okSize + 1) }
