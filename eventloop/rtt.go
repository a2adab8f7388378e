package eventloop

import (
	"time"

	"golang.org/x/sys/unix"
)

// RTT is the shortest round trip that the kernel has measured on the connection; 0 where it has none (Unix sockets). tcp(7), TCP_INFO.
func (c *Conn) RTT() time.Duration {
	if !c.enter() {
		return 0
	}
	defer c.leave()
	info, err := unix.GetsockoptTCPInfo(c.fd, unix.IPPROTO_TCP, unix.TCP_INFO)
	if err != nil || info.Min_rtt == ^uint32(0) {
		return 0
	}
	return time.Duration(info.Min_rtt) * time.Microsecond
}
