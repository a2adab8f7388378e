package transcript

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"slices"
	"testing"
	"time"

	"lockstep/integration/wireclient"
)

// boundaries are lengths of payloads around that of a full frame.
var boundaries = []int{wireclient.MaxFrame - 1, wireclient.MaxFrame, wireclient.MaxFrame + 1, wireclient.MaxFrame + 2}

// queryOf is a COM_QUERY whose payload has n bytes.
func queryOf(n int) wireclient.Command {
	const head, tail = "SELECT LENGTH('", "')"
	return query(head + string(bytes.Repeat([]byte("x"), n-1-len(head)-len(tail))) + tail)
}

// lenenc is a string with its length in front.
func lenenc(n int) string {
	b := binary.LittleEndian.AppendUint64([]byte{0xfe}, uint64(n))
	if n < 1<<24 {
		b = []byte{0xfd, byte(n), byte(n >> 8), byte(n >> 16)}
	}
	return string(b) + string(bytes.Repeat([]byte("y"), n))
}

// rowOf is the length of a REPEAT whose text row has n bytes beside a fixed part.
func rowOf(n, fixed int) int {
	if n -= fixed + 4; n < 1<<24 {
		return n
	}
	return n - 5
}

// boundaries has commands and rows of about a full frame. What is sent in one frame and
// what in two or three must be the same for both.
func (p *pair) boundaries(t *testing.T) {
	for _, n := range boundaries {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			text, binary := rowOf(n, 2), rowOf(n, 2+4)
			commands := []wireclient.Command{
				ping, queryOf(n), ping,
				prepare("SELECT LENGTH(?)"), execute(nth+1, "\x00\x01"+typeBlob+lenenc(rowOf(n, 1+4+5+1+1+2))), ping,
				longData(nth+1, 0, string(bytes.Repeat([]byte("z"), n-7))), execute(nth+1, "\x00\x01"+typeBlob), ping,
				query(fmt.Sprintf("SELECT v, REPEAT('x', %d) FROM t WHERE id = 1", text+1-2-1)), ping,
				query(fmt.Sprintf("SELECT id, REPEAT('x', %d) FROM t WHERE id < 4 ORDER BY id", text)), ping,
				prepare(fmt.Sprintf("SELECT id, REPEAT('x', %d) FROM t WHERE id = 2", binary)), execute(nth+2, ""), ping,
				prepare(fmt.Sprintf("SELECT id, REPEAT('x', %d) FROM t WHERE id IN (1, 2) ORDER BY id", binary)), execute(nth+3, ""), ping,
			}
			if n < wireclient.MaxFrame || n > wireclient.MaxFrame+1 {
				commands = commands[:6] // the way in is what differs most
			}
			p.checkOnly(t, &sequence{commands: commands}, n == wireclient.MaxFrame)
		})
	}
	t.Run("cut at the boundary", func(t *testing.T) {
		for _, at := range []int{4 + wireclient.MaxFrame, 4 + wireclient.MaxFrame + 2, 4 + wireclient.MaxFrame + 4, 4 + wireclient.MaxFrame - 1} {
			c := p.dial(t, p.proxied, wireclient.Options{Database: "d"})
			cmd := queryOf(wireclient.MaxFrame + 1)
			wire := append(cmd.Wire(), ping.Wire()...)
			for _, part := range [][]byte{wire[:at], wire[at:]} {
				if err := c.Write(part); err != nil {
					t.Fatal(err)
				}
				time.Sleep(20 * time.Millisecond)
			}
			for _, cmd := range []wireclient.Command{cmd, ping} {
				if a, err := c.Answer(cmd); err != nil || a.Detail() != "" {
					t.Errorf("cut at %d: %v %v", at, err, a.Lines())
				}
			}
			c.Close()
		}
	})
}

// checkOnly is check without other ways of delivery, or with all in one write alone.
func (p *pair) checkOnly(t *testing.T, s *sequence, all bool) {
	t.Helper()
	want, err := p.play(t, p.plain, oneByOne, s)
	if err != nil {
		t.Fatalf("on a plain server: %v", err)
	}
	got, err := p.play(t, p.proxied, oneByOne, s)
	if err != nil {
		t.Errorf("one by one: %v", err)
	}
	p.compare(t, s, got, want)
	if !all {
		return
	}
	known := *s
	known.commands = withIDs(s.commands, got)
	again, err := p.play(t, p.proxied, deliveries[0], &known)
	if err != nil {
		t.Errorf("all in one write: %v", err)
	}
	for i := range got {
		if !slices.Equal(got.lines(i), again.lines(i)) {
			t.Errorf("command %d in one write with the others\n got %s\nwant %s", i, tell(again.lines(i)), tell(got.lines(i)))
		}
	}
}
