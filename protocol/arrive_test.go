package protocol

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"testing"
)

// arriving hands out pieces, one for each read.
type arriving struct {
	pieces [][]byte
	end    error // behind them
}

var errNothing = errors.New("nothing now")

func (a *arriving) TryRead(p []byte) (int, error) {
	if len(a.pieces) == 0 {
		return 0, a.end
	}
	n := copy(p, a.pieces[0])
	if a.pieces[0] = a.pieces[0][n:]; len(a.pieces[0]) == 0 {
		a.pieces = a.pieces[1:]
	}
	return n, nil
}

func empty() *Conn { return NewConn(&scriptConn{}, Options{}) }

// arriveAll feeds b to the connection in pieces of a size.
func arriveAll(t *testing.T, c *Conn, b []byte, size int, each func()) {
	t.Helper()
	for len(b) > 0 {
		n := min(size, len(b))
		if err := c.Arrive(&arriving{pieces: [][]byte{b[:n]}}); err != nil {
			t.Fatal(err)
		}
		b = b[n:]
		each()
	}
}

type waitingCase struct {
	name    string
	answer  [][]byte
	want    Waiting // Size is filled in
	refused bool    // odd
}

func waitingCases() []waitingCase {
	failure := AppendError(nil, NewError(1054, "Unknown column"))
	late := resultSet(2, StatusAutocommit, row("a", "b"))
	late = append(late[:len(late)-1], failure)
	return []waitingCase{
		{name: "OK", answer: [][]byte{AppendOK(nil, OK{AffectedRows: 300, LastInsertID: 1 << 40, Warnings: 2, Status: StatusAutocommit})}, want: Waiting{Warnings: 2}},
		{name: "ERR", answer: [][]byte{failure}, want: Waiting{Code: 1054}},
		{name: "rows", answer: resultSet(3, StatusAutocommit, row("a", "b", "c"), row("", "x", "y")), want: Waiting{Rows: true, Warnings: 3}},
		{name: "no rows", answer: resultSet(1, StatusAutocommit), want: Waiting{Rows: true, Warnings: 3}},
		{name: "a row that begins as an EOF does", answer: resultSet(1, 0, append([]byte{0xfe, 16, 0, 0, 0, 0, 0, 0, 0}, bytes.Repeat([]byte{'x'}, 16)...)), want: Waiting{Rows: true, Warnings: 3}},
		{name: "ERR behind rows", answer: late, want: Waiting{Rows: true, Code: 1054}},
		{name: "more results behind OK", answer: [][]byte{AppendOK(nil, OK{Status: StatusMoreResultsExists})}, refused: true},
		{name: "more results behind rows", answer: resultSet(1, StatusMoreResultsExists, row("a")), refused: true},
		{name: "cursor", answer: resultSet(1, StatusCursorExists)[:3], refused: true},
		{name: "file wanted", answer: [][]byte{append([]byte{0xfb}, "/etc/passwd"...)}, refused: true},
		{name: "empty packet", answer: [][]byte{{}}, refused: true},
		{name: "larger than the window", answer: resultSet(1, 0, sizedRow(defaultReadBuffer)), refused: true},
	}
}

// An answer is whole with its last byte, and neither before nor by pieces of any size.
func TestAnswersWaiting(t *testing.T) {
	for _, tc := range waitingCases() {
		for _, size := range []int{1, 3, 1000, defaultReadBuffer} {
			t.Run(fmt.Sprintf("%s by %d", tc.name, size), func(t *testing.T) {
				c, b := empty(), frames(1, tc.answer...)
				odd, came := false, 0
				arriveAll(t, c, b, size, func() {
					came = min(came+size, len(b))
					w := c.AnswersWaiting(1)
					odd = odd || w.Odd
					if w.Whole != (came == len(b)) && !tc.refused {
						t.Fatalf("after %d of %d bytes: %+v", came, len(b), w)
					}
					if w.Whole && tc.refused {
						t.Fatalf("%+v of an answer that cannot be passed on", w)
					}
				})
				if odd != tc.refused {
					t.Fatalf("odd is %v", odd)
				}
				if tc.refused {
					return
				}
				want := tc.want
				want.Whole, want.Size = true, len(b)
				if got := c.AnswersWaiting(1); got != want {
					t.Errorf("%+v, want %+v", got, want)
				}
				if c.Buffered() != len(b) {
					t.Errorf("%d of %d bytes are left", c.Buffered(), len(b))
				}
			})
		}
	}
}

// Several answers are counted together: the first error, the last warnings.
func TestSeveralAnswersWaiting(t *testing.T) {
	ok := AppendOK(nil, OK{Warnings: 7})
	failure := AppendError(nil, NewError(1213, "Deadlock"))
	other := AppendError(nil, NewError(1054, "Unknown"))
	c := empty()
	b := append(append(append(frames(1, ok), frames(1, failure)...), frames(1, other)...), frames(1, ok)...)
	if err := c.Arrive(&arriving{pieces: [][]byte{b}}); err != nil {
		t.Fatal(err)
	}
	if w := c.AnswersWaiting(4); !w.Whole || w.Code != 1213 || w.Warnings != 7 || w.Rows || w.Size != len(b) {
		t.Errorf("%+v", w)
	}
	if w := c.AnswersWaiting(5); w.Whole || w.Odd {
		t.Errorf("one more than there is: %+v", w)
	}
}

func TestPacketWaiting(t *testing.T) {
	c := NewConn(&scriptConn{}, Options{MaxPacket: 1 << 20})
	b := frames(0, []byte("\x03SELECT 1"))
	for i := range b {
		if c.PacketWaiting() {
			t.Fatalf("after %d bytes", i)
		}
		if err := c.Arrive(&arriving{pieces: [][]byte{b[i : i+1]}}); err != nil {
			t.Fatal(err)
		}
	}
	if !c.PacketWaiting() {
		t.Fatal("not after the last byte")
	}
	if p, err := c.ReadPacket(); err != nil || string(p) != "\x03SELECT 1" {
		t.Fatalf("%q, %v", p, err)
	}
	// One that is refused is told from its header.
	if err := c.Arrive(&arriving{pieces: [][]byte{{1, 0, 0x10, 0}}}); err != nil {
		t.Fatal(err)
	}
	c.ResetSequence()
	if !c.PacketWaiting() {
		t.Fatal("too large a packet is waited for")
	}
	var big *PacketTooLargeError
	if _, err := c.ReadPacket(); !errors.As(err, &big) {
		t.Fatal(err)
	}
}

// What is larger than the window fills it, and a reader that may wait takes over from there.
func TestLargePacketFillsTheWindow(t *testing.T) {
	large := bytes.Repeat([]byte{'x'}, 3*defaultReadBuffer)
	b := frames(0, []byte("\x0e"), large)
	from := &arriving{pieces: [][]byte{b}, end: errNothing}
	rest := &scriptConn{}
	c := NewConn(rest, Options{})
	if err := c.Arrive(from); err != nil || !c.PacketWaiting() {
		t.Fatal(err)
	}
	if _, err := c.ReadPacket(); err != nil {
		t.Fatal(err)
	}
	for !c.WindowFull() {
		if c.PacketWaiting() {
			t.Fatal("whole")
		}
		if err := c.Arrive(from); err != nil {
			t.Fatal(err)
		}
	}
	if err := c.Arrive(from); err != nil || c.Buffered() != defaultReadBuffer {
		t.Fatalf("a full window: %v, %d bytes", err, c.Buffered())
	}
	rest.in = from.pieces[0]
	if p, err := c.ReadPacket(); err != nil || !bytes.Equal(p, large) {
		t.Fatalf("%d bytes, %v", len(p), err)
	}
}

func TestArriveAtTheEnd(t *testing.T) {
	c := empty()
	if err := c.Arrive(&arriving{end: errNothing}); !errors.Is(err, errNothing) {
		t.Error(err)
	}
	if err := c.Arrive(&arriving{end: io.EOF}); !errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		t.Error(err)
	}
	if err := c.Arrive(&arriving{pieces: [][]byte{{5, 0}}}); err != nil {
		t.Fatal(err)
	}
	if err := c.Arrive(&arriving{end: io.EOF}); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Error(err)
	}
}

// Buffers change hands only when nothing is in them.
func TestBuffersAreTakenAndGiven(t *testing.T) {
	a, b := empty(), empty()
	if err := a.Arrive(&arriving{pieces: [][]byte{frames(0, []byte("\x0e"))}}); err != nil {
		t.Fatal(err)
	}
	if _, ok := a.TakeBuffers(); ok {
		t.Fatal("with a packet in them")
	}
	if _, err := a.ReadPacket(); err != nil {
		t.Fatal(err)
	}
	if err := a.WritePacket([]byte("x")); err != nil {
		t.Fatal(err)
	}
	if _, ok := a.TakeBuffers(); ok {
		t.Fatal("with an answer in them")
	}
	if err := a.Flush(); err != nil {
		t.Fatal(err)
	}
	mine, ok := a.TakeBuffers()
	if !ok || a.HasBuffers() {
		t.Fatal("empty ones are kept")
	}
	if _, ok := b.TakeBuffers(); !ok {
		t.Fatal("new ones are kept")
	}
	b.GiveBuffers(mine)
	if err := b.Arrive(&arriving{pieces: [][]byte{frames(0, []byte("\x03abc"))}}); err != nil {
		t.Fatal(err)
	}
	if p, err := b.ReadPacket(); err != nil || string(p) != "\x03abc" {
		t.Fatalf("%q, %v", p, err)
	}
	if _, ok := NewConn(&scriptConn{}, Options{ReadBuffer: 100}).TakeBuffers(); ok {
		t.Fatal("of another size")
	}
}
