package protocol

import (
	"fmt"
	"math/rand/v2"
	"testing"
)

// loopConn repeats one answer for ever.
type loopConn struct {
	scriptConn
	answer []byte
	at     int
}

func (l *loopConn) Read(b []byte) (int, error) {
	n := copy(b, l.answer[l.at:])
	l.at = (l.at + n) % len(l.answer)
	return n, nil
}

type discardConn struct{ scriptConn }

func (d *discardConn) Write(b []byte) (int, error) { d.writes++; return len(b), nil }

func benchmarkRelay(b *testing.B, answer []byte) { benchmarkRelayTo(b, 0, answer) }

func benchmarkRelayTo(b *testing.B, caps Capability, answer []byte) {
	client := &discardConn{}
	src, dst := NewConn(&loopConn{answer: answer}, Options{}), NewConn(client, Options{})
	dst.SetCapabilities(caps)
	b.ReportAllocs()
	b.SetBytes(int64(len(answer)))
	for b.Loop() {
		src.seq.next, dst.seq.next = 1, 1
		if _, err := Relay(dst, src, testPatch); err != nil {
			b.Fatal(err)
		}
		if err := dst.Flush(); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(client.writes)/float64(b.N), "writes/op")
}

func BenchmarkRelayPointSelect(b *testing.B) {
	benchmarkRelay(b, frames(1, resultSet(1, StatusAutocommit, sizedRow(120))...))
}

func BenchmarkRelay10000Rows(b *testing.B) {
	rows := make([][]byte, 10000)
	for i := range rows {
		rows[i] = row(fmt.Sprint(i), "some text of a row", fmt.Sprint(rand.IntN(1e6)), "2024-01-01 00:00:00")
	}
	benchmarkRelay(b, frames(1, resultSet(4, StatusAutocommit, rows...)...))
}

// The hot path allocates nothing once it is warm.
func TestRelayAllocatesNothing(t *testing.T) {
	for _, caps := range []Capability{0, ClientDeprecateEOF} {
		testRelayAllocatesNothing(t, caps)
	}
}

func testRelayAllocatesNothing(t *testing.T, caps Capability) {
	answer := frames(1, resultSet(1, StatusAutocommit, sizedRow(120))...)
	src, dst := NewConn(&loopConn{answer: answer}, Options{}), NewConn(&discardConn{}, Options{})
	dst.SetCapabilities(caps)
	n := testing.AllocsPerRun(100, func() {
		src.seq.next, dst.seq.next = 1, 1
		if _, err := Relay(dst, src, testPatch); err != nil {
			t.Fatal(err)
		}
		dst.Flush()
	})
	if n != 0 {
		t.Fatalf("%v allocations per answer", n)
	}
}
