package transcript

import (
	"fmt"
	"net"
	"time"

	"lockstep/integration/wireclient"
)

// delivery is a way in which commands reach a server and answers are taken.
type delivery struct {
	name string
	wrap func(net.Conn) net.Conn

	capabilities uint32 // further ones of the client
	play         func(c *wireclient.Conn, cmds []wireclient.Command) (answers, error)
}

// answers are those to each command, as far as there are any.
type answers []*wireclient.Answer

var oneByOne = delivery{name: "one by one", play: func(c *wireclient.Conn, cmds []wireclient.Command) (answers, error) {
	var list answers
	var ids []uint32
	for i, cmd := range cmds {
		cmd = withID(cmd, ids)
		if err := c.Write(cmd.Wire()); err != nil {
			return list, fmt.Errorf("command %d: %w", i, err)
		}
		a, err := c.Answer(cmd)
		ids = appendID(ids, a)
		if err != nil {
			return list, fmt.Errorf("command %d: %w", i, err)
		}
		if list = append(list, a); a.Closed {
			return list, nil
		}
	}
	return list, nothingElse(c, cmds)
}}

// deliveries are the others: they must give the answers of oneByOne.
var deliveries = []delivery{
	{name: "all in one write", play: func(c *wireclient.Conn, cmds []wireclient.Command) (answers, error) {
		return written(c, cmds, func(b []byte) error { return c.Write(b) }, nothingFollows)
	}},
	{name: "byte by byte", play: func(c *wireclient.Conn, cmds []wireclient.Command) (answers, error) {
		return written(c, cmds, func(b []byte) error {
			for i := range b {
				if err := c.Write(b[i : i+1]); err != nil {
					return err
				}
				if i%8 == 0 {
					time.Sleep(50 * time.Microsecond) // lets the server see it alone now and then
				}
			}
			return nil
		}, nothingFollows)
	}},
	{name: "in pieces of seven bytes", play: func(c *wireclient.Conn, cmds []wireclient.Command) (answers, error) {
		return written(c, cmds, func(b []byte) error {
			for len(b) > 0 {
				n := min(7, len(b))
				if err := c.Write(b[:n]); err != nil {
					return err
				}
				b = b[n:]
				time.Sleep(50 * time.Microsecond)
			}
			return nil
		}, nothingFollows)
	}},
	{name: "with half a header at the end", play: halfBehind(2)},
	{name: "with a header at the end", play: halfBehind(4)},
	{name: "with a command byte at the end", play: halfBehind(5)},
	{name: "with half a command at the end", play: halfBehind(0)},
	{name: "half-closed", play: func(c *wireclient.Conn, cmds []wireclient.Command) (answers, error) {
		return written(c, cmds, func(b []byte) error {
			if err := c.Write(b); err != nil {
				return err
			}
			return c.CloseWrite()
		}, (*wireclient.Conn).Ended)
	}},
	{name: "half-closed behind half a command", play: func(c *wireclient.Conn, cmds []wireclient.Command) (answers, error) {
		return written(c, cmds, func(b []byte) error {
			cut := wireclient.Query("SELECT SLEEP(10)").Wire()
			if err := c.Write(append(b, cut[:9]...)); err != nil {
				return err
			}
			return c.CloseWrite()
		}, (*wireclient.Conn).Ended)
	}},
	{name: "read slowly", wrap: slowly, play: func(c *wireclient.Conn, cmds []wireclient.Command) (answers, error) {
		return written(c, cmds, func(b []byte) error {
			if err := c.Write(b); err != nil {
				return err
			}
			time.Sleep(5 * time.Millisecond)
			return nil
		}, nothingFollows)
	}},
}

// written writes all commands in the way of write, while it reads the answers, and checks the end.
func written(c *wireclient.Conn, cmds []wireclient.Command, write func([]byte) error, end func(*wireclient.Conn) error) (answers, error) {
	var all []byte
	for _, cmd := range cmds {
		all = append(all, cmd.Wire()...)
	}
	wrote := make(chan error, 1)
	go func() { wrote <- write(all) }()
	var list answers
	for i, cmd := range cmds {
		a, err := c.Answer(cmd)
		if err != nil {
			return list, fmt.Errorf("command %d: %w", i, err)
		}
		if list = append(list, a); a.Closed {
			return list, <-wrote
		}
	}
	if err := <-wrote; err != nil {
		return list, err
	}
	if quits(cmds) {
		return list, c.Ended()
	}
	return list, end(c)
}

func quits(cmds []wireclient.Command) bool { return cmds[len(cmds)-1][0] == wireclient.ComQuit }

// nothingElse checks what is behind the last answer.
func nothingElse(c *wireclient.Conn, cmds []wireclient.Command) error {
	if quits(cmds) {
		return c.Ended()
	}
	return nothingFollows(c)
}

// halfBehind writes all commands but a part of the last one, takes the answers, and only
// then writes the rest; 0 bytes: half of it.
func halfBehind(bytes int) func(c *wireclient.Conn, cmds []wireclient.Command) (answers, error) {
	return func(c *wireclient.Conn, cmds []wireclient.Command) (answers, error) {
		last := len(cmds) - 1
		var all []byte
		for _, cmd := range cmds[:last] {
			all = append(all, cmd.Wire()...)
		}
		tail := cmds[last].Wire()
		n := bytes
		if n == 0 {
			n = len(tail) / 2
		}
		n = min(n, len(tail)-1)
		if err := c.Write(append(all, tail[:n]...)); err != nil {
			return nil, err
		}
		var list answers
		for i, cmd := range cmds {
			if i == last {
				if err := c.Quiet(3 * time.Millisecond); err != nil {
					return list, fmt.Errorf("before the last command is whole: %w", err)
				}
				if err := c.Write(tail[n:]); err != nil {
					return list, err
				}
			}
			a, err := c.Answer(cmd)
			if err != nil {
				return list, fmt.Errorf("command %d: %w", i, err)
			}
			if list = append(list, a); a.Closed {
				return list, nil
			}
		}
		return list, nothingElse(c, cmds)
	}
}

// nothingFollows asks for one thing more: anything in front of its answer would be in its place.
func nothingFollows(c *wireclient.Conn) error {
	a, err := c.Do(wireclient.Cmd(wireclient.ComPing))
	if err != nil {
		return fmt.Errorf("ping behind the last answer: %w", err)
	}
	if a.Closed || len(a.Results) != 1 || a.Results[0].OK == nil {
		return fmt.Errorf("ping behind the last answer: %v", a.Lines())
	}
	return nil
}

// slowly makes a client that has little room for answers and takes a few bytes at a time.
func slowly(nc net.Conn) net.Conn {
	if tcp, ok := nc.(*net.TCPConn); ok {
		_ = tcp.SetReadBuffer(4 << 10) // where it cannot be set the client is only less slow
	}
	return &slowConn{TCPConn: nc.(*net.TCPConn)}
}

type slowConn struct {
	*net.TCPConn
	reads int
}

func (s *slowConn) Read(b []byte) (int, error) {
	if s.reads++; s.reads%4 == 0 {
		time.Sleep(200 * time.Microsecond)
	}
	return s.TCPConn.Read(b[:min(len(b), 300)])
}
