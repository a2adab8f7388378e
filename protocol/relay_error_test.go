package protocol

import (
	"bytes"
	"testing"
)

// Another error in the place of the shard's is told wherever in the answer the shard's was, and what
// comes behind the answer is read as if nothing had happened.
func TestRelayOtherError(t *testing.T) {
	for _, tc := range relayCases() {
		if tc.errCode == 0 {
			continue
		}
		told := NewError(ErrQueryInterrupted, "a longer message than the shard's own")
		for _, replace := range []bool{true, false} {
			answer := tc.answer(StatusAutocommit)
			want := tc.answer(StatusAutocommit)
			if replace {
				want[len(want)-1] = AppendError(nil, told)
			}
			in := append(frames(1, answer...), frames(1, AppendOK(nil, OK{Info: "next"}))...)
			src := NewConn(&scriptConn{in: in}, Options{})
			for range 2 {
				if err := src.WriteCommand(ComQuery, []byte("SELECT 1")); err != nil {
					t.Fatal(err)
				}
			}
			client := &scriptConn{}
			dst := answered(client, Options{})
			shown := 0
			sum, err := Relay(dst, src, Patch{Error: func(e *ServerError) *ServerError {
				if shown++; e.Code != tc.errCode {
					t.Errorf("%s: shown %v", tc.name, e)
				}
				if replace {
					return told
				}
				return nil
			}})
			if err != nil || dst.Flush() != nil || shown != 1 {
				t.Fatalf("%s: shown %d times, %v", tc.name, shown, err)
			}
			if got := client.out.Bytes(); !bytes.Equal(got, frames(1, want...)) {
				t.Errorf("%s: client got\n%q\nwant\n%q", tc.name, got, frames(1, want...))
			}
			if code := map[bool]uint16{true: told.Code, false: tc.errCode}[replace]; sum.Err == nil || sum.Err.Code != code {
				t.Errorf("%s: summary has %v, want %d", tc.name, sum.Err, code)
			}
			if next, err := ReadOK(src); err != nil || next.Info != "next" {
				t.Errorf("%s: the answer behind: %+v, %v", tc.name, next, err)
			}
		}
	}
}
