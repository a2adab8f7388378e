package eventloop

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

// AwaitTogether has the kernel say nothing before n bytes wait to be read, once: where several short messages are known to come,
// one wake-up serves them. It ends with the first bytes that are read, so that a rest of any size is told. The end of the
// stream and errors are told in any case. The caller makes sure that n bytes come. From the owner only.
// socket(7), SO_RCVLOWAT.
func (c *Conn) AwaitTogether(n int) {
	c.together = true
	c.setLowWater(n)
}

// arrived ends AwaitTogether.
func (c *Conn) arrived() {
	if c.together {
		c.together = false
		c.setLowWater(1)
	}
}

func (c *Conn) setLowWater(n int) {
	if !c.enter() {
		return
	}
	defer c.leave()
	v := int32(n)
	// Where it fails, there are more wake-ups.
	_, _, _ = unix.RawSyscall6(unix.SYS_SETSOCKOPT, uintptr(c.fd), unix.SOL_SOCKET, unix.SO_RCVLOWAT, uintptr(unsafe.Pointer(&v)), unsafe.Sizeof(v), 0)
}
