package wireclient

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"time"
)

// Options of a connection.
type Options struct {
	User, Password, Database string

	Collation    byte          // of the handshake; 0: utf8mb4_general_ci
	Capabilities uint32        // besides those that the client needs, as far as the server offers them
	Timeout      time.Duration // of one read or write; 0: 10 s
	// Wrap, if not nil, stands between the client and the network.
	Wrap func(net.Conn) net.Conn
}

// Conn is one connection. Not safe for concurrent use, except that one goroutine may
// write while another reads.
type Conn struct {
	net      net.Conn
	r        *bufio.Reader
	timeout  time.Duration
	next     byte // number of the next packet
	greeting Greeting
	caps     uint32 // agreed on
	behind   []byte // see Behind
}

// Connect opens a connection and logs in.
func Connect(address string, o Options) (*Conn, error) {
	c, err := Dial(address, o)
	if err != nil {
		return nil, err
	}
	if err := c.login(o); err != nil {
		c.Close()
		return nil, err
	}
	return c, nil
}

// Dial opens a connection and reads nothing.
func Dial(address string, o Options) (*Conn, error) {
	nc, err := net.DialTimeout("tcp", address, 5*time.Second)
	if err != nil {
		return nil, fmt.Errorf("connect: %w", err)
	}
	if o.Wrap != nil {
		nc = o.Wrap(nc)
	}
	if o.Timeout == 0 {
		o.Timeout = 10 * time.Second
	}
	return &Conn{net: nc, r: bufio.NewReaderSize(nc, 16<<10), timeout: o.Timeout}, nil
}

// Close closes both directions.
func (c *Conn) Close() { _ = c.net.Close() }

// CloseWrite tells the server that nothing more comes (shutdown(WR)); answers can still be read.
func (c *Conn) CloseWrite() error {
	half, ok := c.net.(interface{ CloseWrite() error })
	if !ok {
		return errors.New("close one direction: not a TCP connection")
	}
	return half.CloseWrite()
}

// SetTimeout changes how long one read or write may take.
func (c *Conn) SetTimeout(d time.Duration) { c.timeout = d }

// NetConn is the connection itself, for those who speak on it on their own.
func (c *Conn) NetConn() net.Conn { return c.net }

// Capabilities are those that both ends agreed on.
func (c *Conn) Capabilities() uint32 { return c.caps }

// Greeting is what the server said first.
func (c *Conn) Greeting() Greeting { return c.greeting }

// Write sends bytes as they are, in one write.
func (c *Conn) Write(b []byte) error {
	if err := c.net.SetWriteDeadline(time.Now().Add(c.timeout)); err != nil {
		return err
	}
	if _, err := c.net.Write(b); err != nil {
		return fmt.Errorf("write: %w", err)
	}
	return nil
}

// Behind has b sent in the same write as the next answer that Authenticate gives.
func (c *Conn) Behind(b []byte) { c.behind = b }

// Do sends a command in one write and reads its answer.
func (c *Conn) Do(cmd Command) (*Answer, error) {
	if err := c.Write(cmd.Wire()); err != nil {
		return nil, err
	}
	return c.Answer(cmd)
}

// ErrClosed says that the server has closed the connection, between two packets.
var ErrClosed = errors.New("connection closed by the server")

// packet reads one payload, joined from its frames, and checks their numbers.
func (c *Conn) packet() ([]byte, error) {
	var payload []byte
	for {
		if err := c.net.SetReadDeadline(time.Now().Add(c.timeout)); err != nil {
			return nil, err
		}
		var h [4]byte
		if n, err := io.ReadFull(c.r, h[:]); err != nil {
			if n == 0 && payload == nil && closed(err) {
				return nil, ErrClosed
			}
			return nil, fmt.Errorf("read a packet's header (%d bytes of it came): %w", n, err)
		}
		if h[3] != c.next {
			return nil, fmt.Errorf("packet has number %d, want %d", h[3], c.next)
		}
		c.next++
		n := int(h[0]) | int(h[1])<<8 | int(h[2])<<16
		at := len(payload)
		if cap(payload)-at < n {
			payload = append(make([]byte, 0, at+n), payload...)
		}
		payload = payload[:at+n]
		if err := c.fill(payload[at:]); err != nil {
			return nil, fmt.Errorf("read a packet of %d bytes: %w", n, err)
		}
		if n < MaxFrame {
			return payload, nil
		}
	}
}

// fill reads with the time limit for each MiB, as a slow server or client takes its time for many.
func (c *Conn) fill(b []byte) error {
	for len(b) > 0 {
		if err := c.net.SetReadDeadline(time.Now().Add(c.timeout)); err != nil {
			return err
		}
		n := min(len(b), 1<<20)
		if _, err := io.ReadFull(c.r, b[:n]); err != nil {
			return err
		}
		b = b[n:]
	}
	return nil
}

func closed(err error) bool {
	var op *net.OpError
	return errors.Is(err, io.EOF) || errors.As(err, &op) && !op.Timeout()
}

// Silent says whether err is a read that waited in vain.
func Silent(err error) bool { return errors.Is(err, os.ErrDeadlineExceeded) }

// Quiet checks that nothing comes for as long as d.
func (c *Conn) Quiet(d time.Duration) error {
	if err := c.net.SetReadDeadline(time.Now().Add(d)); err != nil {
		return err
	}
	b, err := c.r.Peek(1)
	switch {
	case len(b) > 0:
		more, _ := c.r.Peek(c.r.Buffered())
		return fmt.Errorf("%d bytes follow the answer: % x", len(more), more[:min(len(more), 32)])
	case errors.Is(err, os.ErrDeadlineExceeded):
		return nil
	}
	return err
}

// Ended checks that the server closes the connection without another word.
func (c *Conn) Ended() error {
	if err := c.net.SetReadDeadline(time.Now().Add(c.timeout)); err != nil {
		return err
	}
	b, err := c.r.Peek(1)
	switch {
	case len(b) > 0:
		more, _ := c.r.Peek(c.r.Buffered())
		return fmt.Errorf("%d bytes come before the end: % x", len(more), more[:min(len(more), 32)])
	case closed(err):
		return nil
	}
	return fmt.Errorf("the connection stays open: %w", err)
}
