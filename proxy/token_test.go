package proxy

import (
	"strings"
	"testing"
	"time"
)

func TestTokenOfLiteral(t *testing.T) {
	for literal, want := range map[string]string{
		"'abc'": "abc", "abc": "abc", "123": "123", "X'6974277300'": "", "X'69742773'": "it's", "_utf8mb4 X'6162'": "ab",
		"NULL": "", "''": "", "'" + strings.Repeat("x", 64) + "'": strings.Repeat("x", 64),
	} {
		got, err := tokenOf(literal, false)
		if refused := literal == "X'6974277300'"; refused != (err != nil) || err == nil && got != want {
			t.Errorf("%s is %q (%v), want %q", literal, got, err, want)
		}
	}
	for _, literal := range []string{"'" + strings.Repeat("x", 65) + "'", "'a b'", "X'c3a9'", "'a\tb'"} {
		if token, err := tokenOf(literal, false); err == nil {
			t.Errorf("%s is taken as %q", literal, token)
		}
	}
	if token, err := tokenOf("", true); token != "" || err != nil {
		t.Errorf("DEFAULT is %q (%v)", token, err)
	}
}

func TestLookupAllowance(t *testing.T) {
	var a lookupAllowance
	now := time.Unix(1000, 0)
	for i := range 60 {
		if !a.take(now, 60) {
			t.Fatalf("look-up %d is refused", i)
		}
	}
	if a.take(now, 60) {
		t.Error("the 61st within a minute is not refused")
	}
	if now = now.Add(time.Second); !a.take(now, 60) || a.take(now, 60) {
		t.Error("a second does not allow one more, and one only")
	}
	if now = now.Add(-time.Hour); a.take(now, 60) {
		t.Error("a clock that goes back allows more")
	}
	now = now.Add(10 * time.Hour)
	for i := range 60 {
		if !a.take(now, 60) {
			t.Fatalf("after a rest look-up %d is refused", i)
		}
	}
	if a.take(now, 60) {
		t.Error("a long rest allows more than a minute's")
	}
}

func TestOverlaps(t *testing.T) {
	for pattern, want := range map[string]bool{"": true, "lockstep": true, "l": true, "lockstep_token": true, "auto": false, "_ock": true, "lock\\_": true, "x": false} {
		if got := overlaps(pattern, "lockstep_"); got != want {
			t.Errorf("%q: %v", pattern, got)
		}
	}
}
