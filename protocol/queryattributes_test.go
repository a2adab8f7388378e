package protocol

import (
	"errors"
	"testing"
)

// attributePrefix is the beginning of a COM_QUERY with two attributes: a = 7 and b = NULL.
func attributePrefix() []byte {
	p := []byte{2, 1, 0x02, 1}
	p = append(p, byte(TypeLong), 0x80)
	p = appendLenencString(p, "a")
	p = append(p, byte(TypeString), 0)
	p = appendLenencString(p, "b")
	return append(p, 7, 0, 0, 0)
}

func TestParseQuery(t *testing.T) {
	attributes, text, err := ParseQuery(nil, append(attributePrefix(), "SELECT 1"...))
	if err != nil || string(text) != "SELECT 1" || len(attributes) != 2 {
		t.Fatalf("%+v, %q, %v", attributes, text, err)
	}
	if a := attributes[0]; a.Name != "a" || !a.Unsigned || len(a.Value) != 4 || a.Value[0] != 7 || a.Null {
		t.Errorf("%+v", a)
	}
	if b := attributes[1]; b.Name != "b" || !b.Null {
		t.Errorf("%+v", b)
	}
	for _, p := range []string{"\x00\x01SELECT 1", "\xfc\x00\x00\x01SELECT 1"} {
		if attributes, text, err := ParseQuery(attributes, []byte(p)); err != nil || string(text) != "SELECT 1" || len(attributes) != 0 {
			t.Errorf("%q: %+v, %q, %v", p, attributes, text, err)
		}
	}
	whole := attributePrefix()
	for cut := range whole {
		var e *ServerError
		if _, _, err := ParseQuery(nil, whole[:cut]); !errors.As(err, &e) || e.Code != ErrMalformedPacket {
			t.Errorf("cut at %d: %v", cut, err)
		}
	}
	for _, p := range []string{"SELECT 1", "\x00\x02SELECT", "\x01\x01\x00\x00", "\xfe\xff\xff\xff\xff\xff\xff\xff\xff\x01"} {
		if _, _, err := ParseQuery(nil, []byte(p)); err == nil {
			t.Errorf("%q: no error", p)
		}
	}
}

func TestParseExecuteWithAttributes(t *testing.T) {
	var types []ParamType
	packet := []byte{1, 0, 0, 0, ParameterCount, 1, 0, 0, 0, 2, 0, 1}
	packet = append(packet, byte(TypeLong), 0, 0) // the parameter has no name
	packet = append(packet, byte(TypeString), 0)
	packet = appendLenencString(packet, "trace")
	packet = append(packet, 7, 0, 0, 0)
	packet = appendLenencString(packet, "abc")
	var e Execute
	if err := ParseExecuteWithAttributes(&e, packet, 1, &types, nil); err != nil {
		t.Fatal(err)
	}
	if len(e.Params) != 1 || e.Params[0].Value[0] != 7 || len(e.Attributes) != 1 || string(e.Attributes[0].Value) != "abc" {
		t.Errorf("%+v", e)
	}
	// No attributes, types from before.
	if err := ParseExecuteWithAttributes(&e, []byte{1, 0, 0, 0, ParameterCount, 1, 0, 0, 0, 1, 0, 0, 9, 0, 0, 0}, 1, &types, nil); err != nil || e.Params[0].Value[0] != 9 || len(e.Attributes) != 0 {
		t.Errorf("%+v, %v", e, err)
	}
	// A statement without parameters.
	for _, p := range [][]byte{{1, 0, 0, 0, 0, 1, 0, 0, 0}, {1, 0, 0, 0, ParameterCount, 1, 0, 0, 0, 0}} {
		if err := ParseExecuteWithAttributes(&e, p, 0, &types, nil); err != nil || len(e.Params) != 0 {
			t.Errorf("%+v, %v", e, err)
		}
	}
	for cut := range packet {
		if err := ParseExecuteWithAttributes(&e, packet[:cut], 1, &types, nil); err == nil {
			t.Errorf("cut at %d: no error", cut)
		}
	}
	if err := ParseExecuteWithAttributes(&e, packet, 3, &types, nil); err == nil {
		t.Error("fewer than the statement has: no error")
	}
}

func FuzzParseQuery(f *testing.F) {
	f.Add([]byte("\x00\x01SELECT 1"))
	f.Add(append(attributePrefix(), "SELECT 1"...))
	f.Fuzz(func(t *testing.T, p []byte) {
		attributes, text, err := ParseQuery(nil, p)
		if err == nil && len(text) > len(p) || len(attributes) > maxParameters {
			t.Errorf("%d attributes, %d bytes of text", len(attributes), len(text))
		}
	})
}

func FuzzParseExecuteWithAttributes(f *testing.F) {
	f.Add([]byte{1, 0, 0, 0, ParameterCount, 1, 0, 0, 0, 2, 0, 1, byte(TypeLong), 0, 0, byte(TypeString), 0, 1, 'a', 7, 0, 0, 0, 1, 'b'}, uint8(1))
	f.Fuzz(func(t *testing.T, p []byte, n uint8) {
		var e Execute
		var types []ParamType
		if err := ParseExecuteWithAttributes(&e, p, int(n), &types, nil); err == nil && len(e.Params) != int(n) {
			t.Errorf("%d parameters of %d", len(e.Params), n)
		}
	})
}
