package protocol

import "net"

const (
	headerSize = 4
	// maxFragment is the largest payload of one frame. A payload of this size or more goes
	// on in the next frame, with an empty frame last if its length is a multiple of this.
	maxFragment = 1<<24 - 1

	defaultMaxPacket   = 64 << 20
	defaultReadBuffer  = 16 << 10
	defaultWriteBuffer = 16 << 10
	minBuffer          = 64
)

// Options sets the limits of one connection.
type Options struct {
	MaxPacket   int // largest logical packet (joined over 16 MiB fragments) in bytes; 0 means 64 MiB
	ReadBuffer  int // initial read window in bytes; 0 means 16 KiB; grows up to MaxPacket+4 only while a big packet passes
	WriteBuffer int // bytes collected before an implicit flush; 0 means 16 KiB
}

// Conn is one end of a MySQL connection, client's or server's side: packets in
// and out with sequence numbers, one read window and one write buffer. Not
// safe for concurrent use.
//
// A transport error is final: what was cut off in mid-packet cannot be taken up again.
type Conn struct {
	nc        net.Conn
	caps      Capability
	extended  Extended // MariaDB's own
	maxPacket int
	peer      string          // host that the client is on, where nc does not know it
	nonce     [nonceSize]byte // of our greeting; COM_CHANGE_USER scrambles with it again
	zstdLevel byte            // that the peer asked for when it logged in

	read  window
	write writeBuffer
	seq   sequence
}

// NewConn wraps a network connection. It does no I/O.
func NewConn(nc net.Conn, o Options) *Conn {
	if o.ReadBuffer <= 0 {
		o.ReadBuffer = defaultReadBuffer
	}
	if o.WriteBuffer <= 0 {
		o.WriteBuffer = defaultWriteBuffer
	}
	c := &Conn{nc: nc}
	c.SetMaxPacket(o.MaxPacket)
	c.read.small = make([]byte, max(o.ReadBuffer, minBuffer))
	c.read.buf = c.read.small
	c.write.buf = make([]byte, 0, max(o.WriteBuffer, minBuffer))
	c.seq.reset()
	return c
}

// NetConn returns the network connection, for deadlines and addresses.
func (c *Conn) NetConn() net.Conn { return c.nc }

// Close closes the network connection; what is buffered is lost.
func (c *Conn) Close() error { return c.nc.Close() }

// Capabilities returns what both ends agreed on.
func (c *Conn) Capabilities() Capability { return c.caps }

// Extended returns MariaDB's own capabilities that both ends agreed on.
func (c *Conn) Extended() Extended { return c.extended }

// SetCapabilities records what both ends agreed on, where another library made the handshake.
func (c *Conn) SetCapabilities(caps Capability) { c.caps = caps }

// SetMaxPacket changes the limit for packets read from now on; 0 or less means 64 MiB.
func (c *Conn) SetMaxPacket(n int) {
	if n <= 0 {
		n = defaultMaxPacket
	}
	c.maxPacket = n
}

// MaxPacket returns the limit for packets read, in bytes.
func (c *Conn) MaxPacket() int { return c.maxPacket }

// ResetSequence begins a new command: the next packet, in whichever direction, has number 0.
func (c *Conn) ResetSequence() { c.seq.reset() }

// Buffered returns how many bytes have been read from the network but not consumed.
func (c *Conn) Buffered() int { return c.read.end - c.read.start }

// Unflushed returns how many bytes wait for Flush.
func (c *Conn) Unflushed() int { return len(c.write.buf) }
