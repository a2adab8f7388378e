package wireclient

// Command bytes that the tests use.
const (
	ComSleep            = 0x00
	ComQuit             = 0x01
	ComInitDB           = 0x02
	ComQuery            = 0x03
	ComFieldList        = 0x04
	ComStatistics       = 0x09
	ComProcessKill      = 0x0c
	ComPing             = 0x0e
	ComChangeUser       = 0x11
	ComStmtPrepare      = 0x16
	ComStmtExecute      = 0x17
	ComStmtSendLongData = 0x18
	ComStmtClose        = 0x19
	ComStmtReset        = 0x1a
	ComSetOption        = 0x1b
	ComStmtFetch        = 0x1c
	ComResetConnection  = 0x1f
)

// MaxFrame is the largest payload of one frame, in bytes. A payload of this size goes on in a next frame, if need
// be an empty one.
const MaxFrame = 1<<24 - 1

// Command is the payload of one command: its byte and its argument.
type Command []byte

// Cmd makes a command.
func Cmd(code byte, arg ...byte) Command { return append(Command{code}, arg...) }

// Query makes a COM_QUERY.
func Query(sql string) Command { return append(Command{ComQuery}, sql...) }

// Wire is the command as it is sent, in as many frames as it needs.
func (c Command) Wire() []byte { return Frames(0, c) }

// Frames lays a payload out in frames, of which the first has the given number.
func Frames(number byte, payload []byte) []byte {
	b := make([]byte, 0, len(payload)+4*(1+len(payload)/MaxFrame))
	for {
		n := min(len(payload), MaxFrame)
		b = append(b, byte(n), byte(n>>8), byte(n>>16), number)
		b = append(b, payload[:n]...)
		payload = payload[n:]
		number++
		if n < MaxFrame {
			return b
		}
	}
}

// frames is the number of frames that the command takes: its answer begins with that number.
func (c Command) frames() byte { return byte(1 + len(c)/MaxFrame) }

func (c Command) code() byte {
	if len(c) == 0 {
		return ComSleep
	}
	return c[0]
}
