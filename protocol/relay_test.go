package protocol

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"testing"
)

var testPatch = Patch{StatusMask: StatusInTrans | StatusAutocommit, StatusValue: StatusInTrans}

// patched is what testPatch makes of a status.
func patched(s Status) Status { return s&^StatusAutocommit | StatusInTrans }

func intColumns(n int) []Column {
	cols := make([]Column, n)
	for i := range cols {
		cols[i] = Column{Schema: "shop", Table: "t", OrgTable: "t", Name: fmt.Sprint("c", i), OrgName: fmt.Sprint("c", i), Type: TypeVarString, Charset: 45, Length: 80}
	}
	return cols
}

// resultSet is an answer with the given rows.
func resultSet(columns int, s Status, rows ...[]byte) [][]byte {
	packets := [][]byte{appendLenencInt(nil, uint64(columns))}
	for _, c := range intColumns(columns) {
		packets = append(packets, AppendColumn(nil, &c))
	}
	packets = append(packets, AppendEOF(nil, 0, s))
	packets = append(packets, rows...)
	return append(packets, AppendEOF(nil, 3, s))
}

func row(values ...string) []byte {
	fields := make([]Field, len(values))
	for i, v := range values {
		fields[i] = Field(v)
	}
	return AppendTextRow(nil, fields)
}

func sizedRow(size int) []byte { return row(string(bytes.Repeat([]byte{'x'}, size))) }

type relayCase struct {
	name    string
	answer  func(Status) [][]byte
	written bool
	errCode uint16
	columns int
	rows    int64 // of the last result set
}

func relayCases() []relayCase {
	failure := func() []byte { return AppendError(nil, NewError(ErrLockDeadlock, "Deadlock found")) }
	return []relayCase{
		{name: "ok", rows: -1, answer: func(s Status) [][]byte {
			return [][]byte{AppendOK(nil, OK{AffectedRows: 300, LastInsertID: 70000, Status: s, Warnings: 2, Info: "Rows matched: 1"})}
		}},
		{name: "err", rows: -1, written: true, errCode: ErrLockDeadlock, answer: func(s Status) [][]byte { return [][]byte{failure()} }},
		{name: "OUT parameters as MySQL sends them", rows: 1, written: true, answer: func(s Status) [][]byte {
			p := resultSet(1, s, row("1"))
			p[2] = AppendEOF(nil, 0, s|StatusPSOutParams|StatusMoreResultsExists)
			return append(p, AppendOK(nil, OK{Status: s}))
		}},
		{name: "no rows", written: true, columns: 1, answer: func(s Status) [][]byte { return resultSet(1, s) }},
		{name: "one row", rows: 1, written: true, columns: 1, answer: func(s Status) [][]byte { return resultSet(1, s, row("42")) }},
		{name: "empty string and NULL", rows: 3, written: true, columns: 2, answer: func(s Status) [][]byte {
			return resultSet(2, s, row("", ""), []byte{nullField, nullField}, []byte{0, nullField})
		}},
		{name: "binary rows", rows: 3, written: true, columns: 1, answer: func(s Status) [][]byte {
			return resultSet(1, s, []byte{0, 0, 0xfe}, []byte{0, 0, 0xff, 1}, []byte{0, 4})
		}},
		{name: "300 rows of 7 columns", rows: 300, written: true, columns: 7, answer: func(s Status) [][]byte {
			rows := make([][]byte, 300)
			for i := range rows {
				rows[i] = row("a", "bb", "ccc", "dddd", "", "f", fmt.Sprint(i))
			}
			return resultSet(7, s, rows...)
		}},
		{name: "rows of many sizes", rows: 7, written: true, columns: 1, answer: func(s Status) [][]byte {
			return resultSet(1, s, sizedRow(249), sizedRow(250), sizedRow(251), sizedRow(1000), sizedRow(0), sizedRow(5000), sizedRow(3))
		}},
		{name: "error among rows", rows: 2, written: true, columns: 1, errCode: ErrLockDeadlock, answer: func(s Status) [][]byte {
			p := resultSet(1, s, row("1"), row("2"))
			return append(p[:len(p)-1], failure())
		}},
		{name: "error instead of rows", written: true, columns: 1, errCode: ErrLockDeadlock, answer: func(s Status) [][]byte {
			p := resultSet(1, s)
			return append(p[:len(p)-1], failure())
		}},
		{name: "two results and an OK", rows: 1, written: true, answer: func(s Status) [][]byte {
			p := resultSet(1, s|StatusMoreResultsExists, row("1"))
			p = append(p, resultSet(2, s|StatusMoreResultsExists, row("1", "2"))...)
			return append(p, AppendOK(nil, OK{Status: s}))
		}},
		{name: "OK first, then a result", rows: 1, written: true, columns: 1, answer: func(s Status) [][]byte {
			p := [][]byte{AppendOK(nil, OK{AffectedRows: 1, Status: s | StatusMoreResultsExists})}
			return append(p, resultSet(1, s, row("1"))...)
		}},
		{name: "error in the second result", rows: 1, written: true, columns: 0, errCode: ErrLockDeadlock, answer: func(s Status) [][]byte {
			return append(resultSet(1, s|StatusMoreResultsExists, row("1")), failure())
		}},
		{name: "cursor opened", written: true, columns: 1, answer: func(s Status) [][]byte {
			p := resultSet(1, s|StatusCursorExists)
			return p[:len(p)-1]
		}},
	}
}

// Every answer, cut into reads of every small size and with windows of several sizes, must
// reach the client byte for byte but for the patched flags.
func TestRelay(t *testing.T) {
	for _, tc := range relayCases() {
		t.Run(tc.name, func(t *testing.T) {
			shard := StatusAutocommit | StatusNoIndexUsed
			in := frames(1, tc.answer(shard)...)
			want := frames(1, tc.answer(patched(shard))...)
			chunks := []int{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 11, 13, 64, 251, 1000, 4096}
			for split := 1; split < min(len(in), 400); split++ {
				checkRelay(t, tc, in, want, &splitConn{scriptConn: scriptConn{in: in[:split]}, rest: in[split:]}, Options{})
			}
			for _, chunk := range chunks {
				for _, window := range []int{64, 100, 1024, 16 << 10} {
					checkRelay(t, tc, in, want, &splitConn{scriptConn: scriptConn{in: in, chunk: chunk}}, Options{ReadBuffer: window})
				}
			}
		})
	}
}

// splitConn gives its bytes in two reads.
type splitConn struct {
	scriptConn
	rest []byte
}

func (s *splitConn) Read(b []byte) (int, error) {
	if len(s.in) == 0 {
		s.in, s.rest = s.rest, nil
	}
	return s.scriptConn.Read(b)
}

func checkRelay(t *testing.T, tc relayCase, in, want []byte, from *splitConn, o Options) {
	t.Helper()
	// The next answer's bytes behind this one must be left alone.
	tail := frames(1, AppendOK(nil, OK{Info: "next"}))
	if from.rest == nil {
		from.in = append(bytes.Clone(from.in), tail...)
	} else {
		from.in, from.rest = bytes.Clone(from.in), append(bytes.Clone(from.rest), tail...)
	}
	src := NewConn(from, o)
	for range 2 {
		if err := src.WriteCommand(ComQuery, []byte("SELECT 1")); err != nil {
			t.Fatal(err)
		}
	}
	client := &scriptConn{}
	dst := answered(client, Options{WriteBuffer: 256})
	sum, err := Relay(dst, src, testPatch)
	if err != nil {
		t.Fatalf("chunk %d, window %d: %v", from.chunk, o.ReadBuffer, err)
	}
	if err := dst.Flush(); err != nil {
		t.Fatal(err)
	}
	if !tc.written {
		want = nil
	}
	if !bytes.Equal(client.out.Bytes(), want) {
		t.Fatalf("chunk %d, window %d: client got\n%q\nwant\n%q", from.chunk, o.ReadBuffer, client.out.Bytes(), want)
	}
	code := uint16(0)
	if sum.Err != nil {
		code = sum.Err.Code
	}
	if sum.Started != tc.written || code != tc.errCode || sum.Columns != tc.columns || sum.Rows != tc.rows || sum.MoreResults {
		t.Fatalf("summary %+v", sum)
	}
	if tc.name == "ok" && (sum.OK.AffectedRows != 300 || sum.OK.LastInsertID != 70000 || sum.OK.Warnings != 2 || sum.OK.Info != "Rows matched: 1") {
		t.Fatalf("summary of OK %+v", sum.OK)
	}
	if tc.written && dst.seq.next != byte(countFrames(want)+1) {
		t.Fatalf("the client's next packet has number %d, want %d", dst.seq.next, byte(countFrames(want)+1))
	}
	next, err := ReadOK(src)
	if err != nil || next.Info != "next" {
		t.Fatalf("the answer behind: %+v, %v", next, err)
	}
}

func countFrames(b []byte) (n int) {
	for ; len(b) > 0; n++ {
		b = b[headerSize+frameLength(b):]
	}
	return n
}

// Rows of 16 MiB and more take several frames; they pass without being held.
func TestRelayBigRows(t *testing.T) {
	if testing.Short() {
		t.Skip("moves 100 MiB")
	}
	for _, size := range []int{maxFragment - 4, 32 << 20} {
		big := sizedRow(size) // with 4 bytes of length in front: the first sizes are around one full frame
		in := frames(1, resultSet(1, StatusAutocommit, big, row("after"))...)
		want := frames(1, resultSet(1, patched(StatusAutocommit), big, row("after"))...)
		client := &scriptConn{}
		from := &scriptConn{in: in, chunk: 100_003}
		src, dst := answered(from, Options{MaxPacket: 1 << 20}), answered(client, Options{})
		if _, err := Relay(dst, src, testPatch); err != nil {
			t.Fatalf("%d: %v", size, err)
		}
		if err := dst.Flush(); err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(client.out.Bytes(), want) {
			t.Fatalf("%d: the client's bytes differ", size)
		}
		if len(src.read.buf) > 1<<20 {
			t.Fatalf("%d: the window grew to %d bytes", size, len(src.read.buf))
		}

		src = answered(&scriptConn{in: in}, Options{MaxPacket: 64 << 20})
		rows, err := ReadRows(src)
		if err != nil || !rows.Next() || !bytes.Equal(rows.Payload(), big) || !rows.Next() || rows.Next() || rows.Err() != nil {
			t.Fatalf("%d: row by row: %v, %v", size, err, rows.Err())
		}
	}
}

func TestRelayRenumbers(t *testing.T) {
	in := frames(9, resultSet(1, 0, row("1"))...)
	want := frames(2, resultSet(1, 0, row("1"))...)
	client := &scriptConn{}
	src, dst := NewConn(&scriptConn{in: in}, Options{}), answered(client, Options{})
	src.seq.next, dst.seq.next = 9, 2
	if _, err := Relay(dst, src, Patch{}); err != nil {
		t.Fatal(err)
	}
	dst.Flush()
	if !bytes.Equal(client.out.Bytes(), want) {
		t.Fatalf("client got %q, want %q", client.out.Bytes(), want)
	}
}

func TestRelayAnnouncesMoreResults(t *testing.T) {
	client := &scriptConn{}
	src := answered(&scriptConn{in: frames(1, resultSet(1, 0, row("1"))...)}, Options{})
	dst := answered(client, Options{})
	sum, err := Relay(dst, src, Patch{StatusMask: StatusMoreResultsExists, StatusValue: StatusMoreResultsExists})
	if err != nil || sum.MoreResults {
		t.Fatal(sum, err)
	}
	dst.Flush()
	if want := frames(1, resultSet(1, StatusMoreResultsExists, row("1"))...); !bytes.Equal(client.out.Bytes(), want) {
		t.Fatalf("client got %q, want %q", client.out.Bytes(), want)
	}
	// But the shard's own flag cannot be taken away.
	if s := (Patch{StatusMask: 0xffff}).apply(StatusMoreResultsExists | StatusInTrans); s != StatusMoreResultsExists {
		t.Fatalf("patched to %#x", s)
	}
}

// When a shard dies in mid-answer, the client must get to know it, by an ERR packet wherever
// the packets that it has are whole.
func TestRelayOfABrokenAnswer(t *testing.T) {
	answer := frames(1, resultSet(1, 0, sizedRow(100), sizedRow(300), sizedRow(100))...)
	for cut := range answer {
		for _, window := range []int{64, 1024} {
			client := &scriptConn{}
			dst := answered(client, Options{})
			sum, err := Relay(dst, answered(&scriptConn{in: bytes.Clone(answer[:cut]), chunk: 50}, Options{ReadBuffer: window}), Patch{})
			var e *RelayError
			if !errors.As(err, &e) || !e.Source || !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
				t.Fatalf("cut at %d: %v", cut, err)
			}
			if e.MidPacket {
				if window > 400 {
					t.Fatalf("cut at %d: the client was left in mid-packet", cut)
				}
				continue
			}
			lost := NewError(ErrServerLost, "Lost connection to shard")
			if err := errors.Join(dst.WritePacket(AppendError(nil, lost)), dst.Flush()); err != nil {
				t.Fatal(err)
			}
			read, err := DrainResponse(answered(&scriptConn{in: client.out.Bytes()}, Options{}))
			if err != nil || read.Err == nil || *read.Err != *lost || sum.Started != (client.out.Len() > len(frames(1, AppendError(nil, lost)))) {
				t.Fatalf("cut at %d, window %d: the client reads %+v, %v", cut, window, read, err)
			}
		}
	}
	gone := errors.New("client is gone")
	_, err := Relay(answered(&scriptConn{broken: gone}, Options{WriteBuffer: 64}), answered(&scriptConn{in: answer}, Options{}), Patch{})
	var e *RelayError
	if !errors.As(err, &e) || e.Source || !e.MidPacket || !errors.Is(err, gone) {
		t.Fatalf("client's leg: %v", err)
	}
}

func TestRelayRefusesMalformedAnswers(t *testing.T) {
	good := resultSet(2, 0, row("1", "2"))
	number := frames(1, good...)
	number[3] = 5
	gap := frames(1, good...)
	gap[headerSize+1+3] = 7 // the second frame
	for name, in := range map[string][]byte{
		"empty first packet":  frames(1, nil),
		"empty row":           frames(1, append(good[:4:4], nil)...),
		"a column too many":   frames(1, good[0], good[1], good[1], good[1], good[3]),
		"a column too few":    frames(1, good[0], good[1], good[3]),
		"too many columns":    frames(1, []byte{0xfd, 0xff, 0xff, 0xff}),
		"column count NULL":   frames(1, []byte{0xfc, 1}),
		"EOF of three bytes":  frames(1, good[0], good[1], good[2], []byte{0xfe, 0, 0}),
		"OK cut short":        frames(1, []byte{0, 0xfc}),
		"wrong first number":  number,
		"gap in the numbers":  gap,
		"EOF as first packet": frames(1, AppendEOF(nil, 0, 0)),
	} {
		_, err := Relay(answered(&scriptConn{}, Options{}), answered(&scriptConn{in: in}, Options{}), Patch{})
		var e *RelayError
		var order *SequenceError
		if !errors.As(err, &e) || !e.Source || !IsMalformed(err) && !errors.As(err, &order) {
			t.Errorf("%s: %v", name, err)
		}
		if _, err := DrainResponse(answered(&scriptConn{in: in}, Options{})); err == nil {
			t.Errorf("%s: DrainResponse took it", name)
		}
	}
}

func TestLocalInfileIsRefused(t *testing.T) {
	request := []byte("\xfb/etc/passwd")
	behind := append(frames(1, request), frames(3, AppendOK(nil, OK{}))...)
	for name, run := range map[string]func(src *Conn) error{
		"relay": func(src *Conn) error {
			sum, err := Relay(answered(&scriptConn{}, Options{}), src, Patch{})
			if sum.Started {
				t.Error("something went to the client")
			}
			return err
		},
		"drain": func(src *Conn) error { _, err := DrainResponse(src); return err },
		"rows":  func(src *Conn) error { _, err := ReadRows(src); return err },
	} {
		s := &scriptConn{in: append(bytes.Clone(behind), frames(1, AppendOK(nil, OK{Info: "next"}))...)}
		src := NewConn(s, Options{})
		if err := src.WriteCommand(ComQuery, []byte("x")); err != nil {
			t.Fatal(err)
		}
		var e *ServerError
		if err := run(src); !errors.As(err, &e) || e.Code != ErrNotSupportedYet {
			t.Errorf("%s: %v", name, err)
		}
		if want := append(frames(0, []byte{byte(ComQuery), 'x'}), 0, 0, 0, 2); !bytes.Equal(s.out.Bytes(), want) {
			t.Errorf("%s: the shard got %q, want %q", name, s.out.Bytes(), want)
		}
		if err := src.WriteCommand(ComPing, nil); err != nil {
			t.Fatal(err)
		}
		if ok, err := ReadOK(src); err != nil || ok.Info != "next" {
			t.Errorf("%s: the connection is not usable: %v %v", name, ok, err)
		}
	}
}

func TestDrainResponse(t *testing.T) {
	for _, tc := range relayCases() {
		sum, err := DrainResponse(answered(&scriptConn{in: frames(1, tc.answer(0)...), chunk: 7}, Options{}))
		code := uint16(0)
		if sum.Err != nil {
			code = sum.Err.Code
		}
		if err != nil || code != tc.errCode || sum.MoreResults {
			t.Errorf("%s: %+v, %v", tc.name, sum, err)
		}
	}
	in := frames(1, append(resultSet(1, StatusMoreResultsExists, row("1"), row("2")), resultSet(1, 0, row("3"))...)...)
	if sum, err := DrainResponse(answered(&scriptConn{in: in}, Options{})); err != nil || sum.Rows != 3 {
		t.Fatalf("%+v, %v", sum, err)
	}
	rows, err := ReadRows(answered(&scriptConn{in: in}, Options{}))
	if err != nil || !rows.Next() {
		t.Fatal(err)
	}
	if err := rows.Drain(); err != nil || rows.Summary().MoreResults {
		t.Fatalf("drain: %v, %+v", err, rows.Summary())
	}
}

// Several answers read behind several commands, as a branch's opening is.
func TestPipelinedAnswers(t *testing.T) {
	in := frames(1, AppendOK(nil, OK{Info: "a"}))
	in = append(in, frames(1, resultSet(1, 0, row("1"))...)...)
	in = append(in, frames(1, AppendError(nil, NewError(ErrXAERNota, "no")))...)
	in = append(in, frames(1, AppendOK(nil, OK{Info: "raw"}))...)
	in = append(in, frames(1, AppendOK(nil, OK{Info: "raw 2"}))...)
	c := NewConn(&scriptConn{in: in}, Options{})
	for range 5 {
		if err := c.WriteCommand(ComQuery, []byte("x")); err != nil {
			t.Fatal(err)
		}
	}
	if err := c.WriteCommand(ComStmtClose, []byte{1, 0, 0, 0}); err != nil { // has no answer
		t.Fatal(err)
	}
	if ok, err := ReadOK(c); err != nil || ok.Info != "a" {
		t.Fatal(ok, err)
	}
	rows, err := ReadRows(c)
	if err != nil || !rows.Next() || rows.Next() || rows.Err() != nil {
		t.Fatal(err)
	}
	var e *ServerError
	if _, err := ReadOK(c); !errors.As(err, &e) || e.Code != ErrXAERNota {
		t.Fatal(err)
	}
	for _, want := range []string{"raw", "raw 2"} {
		p, err := c.ReadPacket()
		if err != nil {
			t.Fatal(err)
		}
		if ok, _ := ParseOK(p); ok.Info != want {
			t.Fatalf("got %+v", ok)
		}
	}
	if len(c.seq.answers) != 0 {
		t.Fatalf("%d answers are still awaited", len(c.seq.answers))
	}
}

// untold is an answer whose OK and EOF packets do not say that the session's state has changed: a client that has not asked for
// that is not told.
func untold(answer []byte) []byte {
	answer = bytes.Clone(answer)
	for at := 0; at+headerSize <= len(answer); {
		n := frameLength(answer[at:])
		status := -1
		p := answer[min(at+headerSize, len(answer)):min(at+headerSize+n, len(answer))]
		switch {
		case len(p) == 5 && p[0] == headerEOF:
			status = 3
		case len(p) > 0 && p[0] == headerOK:
			status = okStatusOffset(p)
		}
		if status >= 0 && status+1 < len(p) {
			p[status+1] &^= byte(StatusSessionChanged >> 8)
		}
		at += headerSize + n
	}
	return answer
}

// FuzzRelay holds Relay against the packet-by-packet reader: what one accepts the other
// must, and the client gets exactly the bytes that belong to the answer.
func FuzzRelay(f *testing.F) {
	for _, tc := range relayCases() {
		f.Add(frames(1, tc.answer(StatusAutocommit)...), uint8(0))
		f.Add(frames(1, tc.answer(StatusAutocommit)...), uint8(3))
	}
	f.Add([]byte{1, 0, 0, 1, 0xfb}, uint8(1))
	f.Fuzz(func(t *testing.T, in []byte, chunk uint8) {
		o := Options{MaxPacket: 1 << 16, ReadBuffer: 64}
		reader := answered(&scriptConn{in: in, chunk: int(chunk)}, o)
		drained, drainErr := DrainResponse(reader)

		client := &scriptConn{}
		src := answered(&scriptConn{in: bytes.Clone(in), chunk: int(chunk)}, o)
		dst := answered(client, Options{})
		sum, err := Relay(dst, src, Patch{})
		dst.Flush()
		if drainErr != nil {
			return
		}
		if err != nil {
			t.Fatalf("relay refuses what the row reader takes: %v", err)
		}
		if (sum.Err == nil) != (drained.Err == nil) || drained.Err == nil && sum.Columns != drained.Columns { // an error may come among the columns
			t.Fatalf("summaries %+v and %+v", sum, drained)
		}
		used := len(in) - len(reader.nc.(*scriptConn).in) - reader.Buffered()
		if sum.Started && sum.Err == nil && drained.Columns > 0 && !bytes.Equal(untold(client.out.Bytes()), untold(in[:used])) {
			t.Fatalf("client got %q of %q", client.out.Bytes(), in[:used])
		}
	})
}
