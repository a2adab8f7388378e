package protocol

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"testing"
)

// notOfShards are offered to clients and never spoken with shards.
const notOfShards = ClientDeprecateEOF | ClientQueryAttributes | ClientCompress | ClientZstdCompressionAlgorithm | ClientSessionTrack

// withoutEOF is an answer in EOF framing as a client with CLIENT_DEPRECATE_EOF must get it.
func withoutEOF(packets [][]byte) [][]byte {
	var out [][]byte
	rows := false
	var flags Status // MySQL tells clients without EOF behind the row what it tells others in front of it
	for i, p := range packets {
		switch {
		case !isEOF(p):
			out = append(out, p)
			continue
		case !rows && !Status(p[3]).Has(StatusCursorExists):
			rows = true
			flags = outParams(Status(binary.LittleEndian.Uint16(p[3:])))
			continue
		}
		rows = false
		warnings, status, err := parseEOF(p)
		if err != nil {
			panic(fmt.Sprint(i, err))
		}
		status |= flags
		out = append(out, []byte{headerEOF, 0, 0, byte(status), byte(status >> 8), byte(warnings), byte(warnings >> 8)})
	}
	return out
}

func TestRelayToAClientWithoutEOF(t *testing.T) {
	for _, tc := range relayCases() {
		for _, chunk := range []int{0, 1, 7, 300} {
			for _, window := range []int{64, 4096} {
				t.Run(fmt.Sprintf("%s/%d/%d", tc.name, chunk, window), func(t *testing.T) {
					src := answered(&scriptConn{in: frames(1, tc.answer(StatusAutocommit)...), chunk: chunk}, Options{ReadBuffer: window})
					client := &scriptConn{}
					dst := answered(client, Options{WriteBuffer: window})
					dst.SetCapabilities(ClientDeprecateEOF)
					sum, err := Relay(dst, src, testPatch)
					if err != nil {
						t.Fatal(err)
					}
					if err := dst.Flush(); err != nil {
						t.Fatal(err)
					}
					if !tc.written {
						return
					}
					want := frames(1, withoutEOF(tc.answer(patched(StatusAutocommit)))...)
					if !bytes.Equal(client.out.Bytes(), want) {
						t.Errorf("client got\n% x, want\n% x", client.out.Bytes(), want)
					}
					if sum.Columns != tc.columns || sum.Rows != tc.rows {
						t.Errorf("summary %+v", sum)
					}
					if n := byte(countFrames(want) + 1); dst.seq.next != n {
						t.Errorf("next packet has number %d, want %d", dst.seq.next, n)
					}
				})
			}
		}
	}
}

func TestRelayTellsSessionState(t *testing.T) {
	src := answered(&scriptConn{in: frames(1, resultSet(1, 0, row("1"))...)}, Options{})
	client := &scriptConn{}
	dst := answered(client, Options{})
	dst.SetCapabilities(ClientDeprecateEOF | ClientSessionTrack)
	if _, err := Relay(dst, src, Patch{Track: AppendTrack(nil, TrackTransactionState, "T_R_____")}); err != nil {
		t.Fatal(err)
	}
	if err := dst.Flush(); err != nil {
		t.Fatal(err)
	}
	read := answered(&scriptConn{in: client.out.Bytes()}, Options{})
	var last []byte
	for range 4 {
		p, err := read.ReadPacket()
		if err != nil {
			t.Fatal(err)
		}
		last = p
	}
	changes, err := ParseTrack(last)
	if err != nil || len(changes) != 1 || changes[0] != (SessionChange{Kind: TrackTransactionState, Value: "T_R_____"}) {
		t.Errorf("%+v, %v in % x", changes, err, last)
	}
}

func TestTrackedOK(t *testing.T) {
	list := AppendTrack(nil, TrackSystemVariables, "autocommit", "OFF")
	list = AppendTrack(list, TrackSchema, "shop")
	list = AppendTrack(list, TrackGTIDs, "a:1")
	list = AppendTrack(list, TrackStateChange, "1")
	p := AppendTrackedOK(nil, OK{AffectedRows: 300, Info: "Rows matched: 1"}, list)
	ok, err := ParseOK(p)
	if err != nil || ok.AffectedRows != 300 || ok.Info != "Rows matched: 1" || !ok.Status.Has(StatusSessionChanged) {
		t.Errorf("%+v, %v", ok, err)
	}
	changes, err := ParseTrack(p)
	want := []SessionChange{{TrackSystemVariables, "autocommit", "OFF"}, {TrackSchema, "", "shop"}, {TrackStateChange, "", "1"}}
	if err != nil || fmt.Sprint(changes) != fmt.Sprint(want) {
		t.Errorf("%+v, %v", changes, err)
	}
	for cut := range p {
		if _, err := ParseTrack(p[:cut]); err == nil {
			t.Errorf("cut at %d: no error", cut)
		}
	}
}

func FuzzParseTrack(f *testing.F) {
	f.Add(AppendTrackedOK(nil, OK{}, AppendTrack(nil, TrackSystemVariables, "a", "b")))
	f.Add(AppendTrackedEnd(nil, 1, StatusAutocommit, AppendTrack(nil, TrackSchema, "d")))
	f.Fuzz(func(t *testing.T, p []byte) {
		changes, err := ParseTrack(p)
		if err == nil && len(changes) > len(p) {
			t.Errorf("%d changes in %d bytes", len(changes), len(p))
		}
	})
}

func BenchmarkRelayPointSelectWithoutEOF(b *testing.B) {
	benchmarkRelayTo(b, ClientDeprecateEOF, frames(1, resultSet(1, StatusAutocommit, sizedRow(120))...))
}
