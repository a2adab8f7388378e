package protocol

import (
	"bytes"
	"encoding/binary"
	"errors"
	"reflect"
	"testing"

	"pgregory.net/rapid"
)

var paramTypes = []ColumnType{TypeDecimal, TypeTiny, TypeShort, TypeLong, TypeFloat, TypeDouble, TypeNull, TypeTimestamp,
	TypeLongLong, TypeInt24, TypeDate, TypeTime, TypeDateTime, TypeYear, TypeVarchar, TypeBit, TypeJSON, TypeNewDecimal,
	TypeEnum, TypeSet, TypeTinyBlob, TypeMediumBlob, TypeLongBlob, TypeBlob, TypeVarString, TypeString, TypeGeometry}

func drawParams(t *rapid.T) []Param {
	params := make([]Param, rapid.IntRange(0, 20).Draw(t, "params"))
	for i := range params {
		p := &params[i]
		p.Type = rapid.SampledFrom(paramTypes).Draw(t, "type")
		p.Unsigned = rapid.Bool().Draw(t, "unsigned")
		if p.Null = p.Type == TypeNull || rapid.Bool().Draw(t, "null"); p.Null {
			continue
		}
		bytesOf := func(n int) []byte { return rapid.SliceOfN(rapid.Byte(), n, n).Draw(t, "value") }
		switch p.Type.form() {
		case formInt1:
			p.Value = bytesOf(1)
		case formInt2:
			p.Value = bytesOf(2)
		case formInt4, formFloat4:
			p.Value = bytesOf(4)
		case formInt8, formFloat8:
			p.Value = bytesOf(8)
		case formDateTime:
			p.Value = bytesOf(rapid.SampledFrom([]int{0, 4, 7, 11}).Draw(t, "size"))
		case formTime:
			p.Value = bytesOf(rapid.SampledFrom([]int{0, 8, 12}).Draw(t, "size"))
		default:
			p.Value = bytesOf(rapid.SampledFrom([]int{0, 1, 250, 251, 400}).Draw(t, "size"))
		}
	}
	return params
}

func sameParams(t *rapid.T, got, want []Param) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%d parameters, want %d", len(got), len(want))
	}
	for i, w := range want {
		if g := got[i]; g.Type != w.Type || g.Unsigned != w.Unsigned || g.Null != w.Null || !bytes.Equal(g.Value, w.Value) {
			t.Fatalf("parameter %d: %+v, want %+v", i, g, w)
		}
	}
}

// Whatever is bound comes back, with types and, in a second execution, without.
func TestExecuteRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := drawParams(t)
		b := AppendExecute(nil, 77, CursorReadOnly, want)
		if b[0] != byte(ComStmtExecute) {
			t.Fatal("no command byte")
		}
		var e Execute
		var types []ParamType
		if err := ParseExecute(&e, b[1:], len(want), &types, nil); err != nil {
			t.Fatal(err)
		}
		if e.StatementID != 77 || e.Flags != CursorReadOnly || e.Iterations != 1 || e.NewTypes != (len(want) > 0) {
			t.Fatalf("%+v", e)
		}
		sameParams(t, e.Params, want)
		if len(want) == 0 {
			return
		}
		if err := ParseExecute(&e, withoutTypes(b[1:], len(want)), len(want), &types, nil); err != nil {
			t.Fatal(err)
		}
		if e.NewTypes {
			t.Fatal("types were left out")
		}
		sameParams(t, e.Params, want)

		cut := rapid.IntRange(0, len(b)-2).Draw(t, "cut")
		var refused *ServerError
		if err := ParseExecute(&e, b[1:1+cut], len(want), &types, nil); !errors.As(err, &refused) {
			t.Fatalf("cut short: %v", err)
		}
		if err := ParseExecute(&e, append(b[1:], 0), len(want), &types, nil); !errors.As(err, &refused) || refused.Code != ErrMalformedPacket {
			t.Fatalf("a byte too many: %v", err)
		}
	})
}

// withoutTypes cuts the types out of an EXECUTE payload.
func withoutTypes(payload []byte, n int) []byte {
	head := 9 + (n+7)/8
	b := append(bytes.Clone(payload[:head]), 0)
	return append(b, payload[head+1+2*n:]...)
}

func TestExecuteNeedsTypesOnce(t *testing.T) {
	b := AppendExecute(nil, 1, 0, []Param{{Type: TypeTiny, Value: []byte{5}}})
	var e Execute
	var types []ParamType
	var refused *ServerError
	if err := ParseExecute(&e, withoutTypes(b[1:], 1), 1, &types, nil); !errors.As(err, &refused) || refused.Code != ErrWrongArguments {
		t.Fatal(err)
	}
}

// Some drivers bind no types where all parameters are NULL, as a server allows.
func TestExecuteOfNullsNeedsNoTypes(t *testing.T) {
	payload := []byte{1, 0, 0, 0, 0, 1, 0, 0, 0, 0b11, 0}
	var e Execute
	var types []ParamType
	want := []Param{{Type: TypeNull, Null: true}, {Type: TypeNull, Null: true}}
	if err := ParseExecute(&e, payload, 2, &types, nil); err != nil || !reflect.DeepEqual(e.Params, want) || len(types) != 0 {
		t.Errorf("%+v, types %v: %v", e.Params, types, err)
	}
}

func TestExecuteWithLongData(t *testing.T) {
	// The client sends no value for a parameter that went ahead as long data, but counts its type.
	payload := binary.LittleEndian.AppendUint32(nil, 3)
	payload = append(payload, 0, 1, 0, 0, 0, 0b100, 1)
	payload = append(payload, byte(TypeBlob), 0, byte(TypeTiny), paramUnsigned, byte(TypeLong), 0, byte(TypeVarString), 0)
	payload = append(payload, 200, 2, 'h', 'i')
	var e Execute
	var types []ParamType
	long := [][]byte{[]byte("long"), nil, nil, nil}
	if err := ParseExecute(&e, payload, 4, &types, long); err != nil {
		t.Fatal(err)
	}
	want := []Param{{Type: TypeBlob, Value: []byte("long")}, {Type: TypeTiny, Unsigned: true, Value: []byte{200}},
		{Type: TypeLong, Null: true}, {Type: TypeVarString, Value: []byte("hi")}}
	if !reflect.DeepEqual(e.Params, want) {
		t.Fatalf("%+v", e.Params)
	}
	// Passed on, the long value travels inside the packet.
	again := AppendExecute(nil, 9, 0, e.Params)
	if err := ParseExecute(&e, again[1:], 4, &types, nil); err != nil || !reflect.DeepEqual(e.Params, want) {
		t.Fatalf("%+v, %v", e.Params, err)
	}
	// Empty long data is a value.
	long[0] = []byte{}
	if err := ParseExecute(&e, payload, 4, &types, long); err != nil || e.Params[0].Null || len(e.Params[0].Value) != 0 {
		t.Fatalf("%+v, %v", e.Params[0], err)
	}
}

func TestExecuteReusesMemory(t *testing.T) {
	b := AppendExecute(nil, 1, 0, []Param{{Type: TypeLongLong, Value: make([]byte, 8)}, {Type: TypeString, Value: []byte("abc")}})
	var e Execute
	var types []ParamType
	n := testing.AllocsPerRun(100, func() {
		if err := ParseExecute(&e, b[1:], 2, &types, nil); err != nil {
			t.Fatal(err)
		}
	})
	if n != 0 {
		t.Fatalf("%v allocations", n)
	}
}

// FuzzParseExecute: any packet gives parameters or a *ServerError, and parameters survive being passed on.
func FuzzParseExecute(f *testing.F) {
	for _, params := range [][]Param{
		nil,
		{{Type: TypeTiny, Value: []byte{1}}, {Type: TypeString, Value: []byte("x")}, {Type: TypeNull, Null: true}},
		{{Type: TypeDateTime, Value: make([]byte, 11)}, {Type: TypeTime, Value: make([]byte, 12)}, {Type: TypeDouble, Value: make([]byte, 8)}},
	} {
		f.Add(AppendExecute(nil, 1, 0, params)[1:], uint8(len(params)))
	}
	f.Fuzz(func(t *testing.T, payload []byte, n uint8) {
		var e, again Execute
		types := []ParamType{{Type: TypeLong}}
		err := ParseExecute(&e, payload, int(n), &types, nil)
		var refused *ServerError
		if err != nil {
			if !errors.As(err, &refused) {
				t.Fatalf("%v is no *ServerError", err)
			}
			return
		}
		for i := range e.Params {
			if _, err := AppendParamLiteral(nil, &e.Params[i], ""); err != nil && !errors.As(err, &refused) {
				t.Fatalf("literal: %v", err)
			}
		}
		var kept []ParamType
		if err := ParseExecute(&again, AppendExecute(nil, e.StatementID, e.Flags, e.Params)[1:], int(n), &kept, nil); err != nil {
			t.Fatal(err)
		}
		for i := range e.Params {
			if e.Params[i].Null != again.Params[i].Null || !bytes.Equal(e.Params[i].Value, again.Params[i].Value) {
				t.Fatalf("parameter %d changed", i)
			}
		}
	})
}
