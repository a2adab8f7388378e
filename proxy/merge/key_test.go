package merge

import (
	"bytes"
	"cmp"
	"fmt"
	"math"
	"math/big"
	"strconv"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"lockstep/protocol"
	"lockstep/sharding"
)

// compareEncoded compares two values as a codec of one column of that type does.
func compareEncoded(t interface{ Fatal(...any) }, typ protocol.ColumnType, a, b protocol.Field) int {
	codec, err := newKeyCodec([]sharding.SortKey{asc(0)}, []protocol.Column{column("c", typ)})
	if err != nil {
		t.Fatal(err)
	}
	ka, err := codec.append(nil, []protocol.Field{a})
	if err != nil {
		t.Fatal(err)
	}
	kb, err := codec.append(nil, []protocol.Field{b})
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(ka, kb) && (bytes.HasPrefix(ka, kb) || bytes.HasPrefix(kb, ka)) {
		t.Fatal("a key is the head of another:", ka, kb)
	}
	return bytes.Compare(ka, kb)
}

func TestIntegerKeys(t *testing.T) {
	number := rapid.OneOf(
		rapid.Map(rapid.Int64(), func(v int64) string { return strconv.FormatInt(v, 10) }),
		rapid.Map(rapid.Uint64(), func(v uint64) string { return strconv.FormatUint(v, 10) }),
		rapid.Map(rapid.Int64Range(-300, 300), func(v int64) string { return strconv.FormatInt(v, 10) }),
		rapid.Map(rapid.IntRange(0, 300), func(v int) string { return fmt.Sprintf("%08d", v) }), // ZEROFILL
	)
	rapid.Check(t, func(t *rapid.T) {
		a, b := number.Draw(t, "a"), number.Draw(t, "b")
		va, _ := new(big.Int).SetString(a, 10)
		vb, _ := new(big.Int).SetString(b, 10)
		if got := compareEncoded(t, protocol.TypeLongLong, []byte(a), []byte(b)); got != va.Cmp(vb) {
			t.Fatalf("%s against %s: %d", a, b, got)
		}
	})
}

var decimalText = rapid.OneOf(
	rapid.StringMatching(`-?[0-9]{1,70}(\.[0-9]{1,38})?`),
	rapid.StringMatching(`-?[0-2]{1,3}(\.[0-2]{1,3})?`),
	rapid.StringMatching(`-?0(\.0{0,6}[0-9])?`),
)

func ratio(text string) *big.Rat {
	r, ok := new(big.Rat).SetString(text)
	if !ok {
		panic(text)
	}
	return r
}

func TestDecimalKeys(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := decimalText.Draw(t, "a"), decimalText.Draw(t, "b")
		if got, want := compareEncoded(t, protocol.TypeNewDecimal, []byte(a), []byte(b)), ratio(a).Cmp(ratio(b)); got != want {
			t.Fatalf("%s against %s: %d, want %d", a, b, got, want)
		}
	})
}

func TestFloatKeys(t *testing.T) {
	number := rapid.OneOf(rapid.Float64Range(-1e308, 1e308), rapid.Float64Range(-2, 2), rapid.SampledFrom([]float64{0, math.Copysign(0, -1), 1, -1, 5e-324, -5e-324}))
	rapid.Check(t, func(t *rapid.T) {
		a, b := number.Draw(t, "a"), number.Draw(t, "b")
		if got := compareEncoded(t, protocol.TypeDouble, appendDouble(nil, a, notFixedDecimals), appendDouble(nil, b, notFixedDecimals)); got != cmp.Compare(a, b) {
			t.Fatalf("%g against %g: %d", a, b, got)
		}
	})
	if compareEncoded(t, protocol.TypeDouble, []byte("-0"), []byte("0")) != 0 {
		t.Error("-0 is not 0")
	}
}

func TestTimeKeys(t *testing.T) {
	text := rapid.Custom(func(t *rapid.T) string {
		micros := rapid.Int64Range(-839*3600e6, 839*3600e6).Draw(t, "microseconds")
		return timeText(micros, rapid.IntRange(0, 6).Draw(t, "digits"))
	})
	rapid.Check(t, func(t *rapid.T) {
		a, b := text.Draw(t, "a"), text.Draw(t, "b")
		if got, want := compareEncoded(t, protocol.TypeTime, []byte(a), []byte(b)), timeValue(a).Cmp(timeValue(b)); got != want {
			t.Fatalf("%s against %s: %d, want %d", a, b, got, want)
		}
	})
}

func timeText(micros int64, digits int) string {
	sign := ""
	if micros < 0 {
		sign, micros = "-", -micros
	}
	text := fmt.Sprintf("%s%02d:%02d:%02d", sign, micros/3600e6, micros/60e6%60, micros/1e6%60)
	if digits > 0 {
		text += fmt.Sprintf(".%06d", micros%1e6)[:1+digits]
	}
	return text
}

func timeValue(text string) *big.Rat {
	negative := strings.HasPrefix(text, "-")
	parts := strings.Split(strings.TrimPrefix(text, "-"), ":")
	v := ratio(parts[2])
	v.Add(v, new(big.Rat).Mul(ratio(parts[1]), ratio("60")))
	v.Add(v, new(big.Rat).Mul(ratio(parts[0]), ratio("3600")))
	if negative {
		v.Neg(v)
	}
	return v
}

func TestByteKeys(t *testing.T) {
	text := rapid.SliceOfN(rapid.SampledFrom([]byte{0, 1, 2, 'a', 0xff}), 0, 6)
	rapid.Check(t, func(t *rapid.T) {
		a, b := text.Draw(t, "a"), text.Draw(t, "b")
		if got := compareEncoded(t, protocol.TypeBlob, a, b); got != bytes.Compare(a, b) {
			t.Fatalf("% x against % x: %d", a, b, got)
		}
	})
}

func TestOtherKeys(t *testing.T) {
	for _, test := range []struct {
		typ        protocol.ColumnType
		less, more string
	}{
		{protocol.TypeBit, "\x00\x05", "\x01\x00"},
		{protocol.TypeBit, "\x05", "\x01\x00"},
		{protocol.TypeYear, "0000", "1901"},
		{protocol.TypeDate, "0000-00-00", "0001-01-01"},
		{protocol.TypeDateTime, "2020-01-01 00:00:00", "2020-01-01 00:00:00.001"},
		{protocol.TypeDateTime, "2020-01-01 00:00:00.01", "2020-01-01 00:00:00.011"},
		{protocol.TypeTimestamp, "1999-12-31 23:59:59", "2000-01-01 00:00:00"},
		{protocol.TypeJSON, `{"a": 1}`, `{"a": 2}`},
	} {
		if compareEncoded(t, test.typ, []byte(test.less), []byte(test.more)) >= 0 || compareEncoded(t, test.typ, nil, []byte(test.less)) >= 0 {
			t.Errorf("type %d: %q is not less than %q, or not more than NULL", test.typ, test.less, test.more)
		}
	}
	if compareEncoded(t, protocol.TypeDateTime, []byte("2020-01-01 00:00:00.10"), []byte("2020-01-01 00:00:00.1")) != 0 {
		t.Error("zeros at the end of a fraction count")
	}
	for _, bad := range []struct {
		typ  protocol.ColumnType
		text string
	}{
		{protocol.TypeLong, ""}, {protocol.TypeLong, "-"}, {protocol.TypeLong, "1.5"}, {protocol.TypeLongLong, "18446744073709551616"}, {protocol.TypeLongLong, "99999999999999999999"},
		{protocol.TypeNewDecimal, ""}, {protocol.TypeNewDecimal, "."}, {protocol.TypeNewDecimal, "1e5"}, {protocol.TypeDouble, "x"},
		{protocol.TypeTime, "12:00"}, {protocol.TypeTime, "12:00:00:00"}, {protocol.TypeTime, "1:0:x"}, {protocol.TypeTime, "1:00:00.x"}, {protocol.TypeTime, ":1:1"},
		{protocol.TypeBit, "123456789"},
	} {
		k, err := newKeyColumn(0, -1, false, []protocol.Column{column("c", bad.typ)})
		if err != nil {
			t.Fatal(err)
		}
		if key, err := k.append(nil, []byte(bad.text)); err == nil {
			t.Errorf("type %d: %q has the key % x", bad.typ, bad.text, key)
		}
	}
}

// comparePadded compares as the server does for PAD SPACE: as if the shorter
// string went on with spaces.
func comparePadded(a, b, space []byte) int {
	for i := 0; i < len(a) || i < len(b); i += len(space) {
		ua, ub := space, space
		if i < len(a) {
			ua = a[i : i+len(space)]
		}
		if i < len(b) {
			ub = b[i : i+len(space)]
		}
		if c := bytes.Compare(ua, ub); c != 0 {
			return c
		}
	}
	return 0
}

func TestPaddedKeys(t *testing.T) {
	for _, space := range [][]byte{{0x20}, {0x00, 0x20}, {0x02, 0x09}, {0x00, 0x00, 0x20}} {
		t.Run(fmt.Sprintf("%x", space), func(t *testing.T) {
			less, more := bytes.Clone(space), bytes.Clone(space)
			less[len(less)-1]--
			more[0]++
			unit := rapid.SampledFrom([][]byte{space, space, space, less, more})
			text := rapid.Map(rapid.SliceOfN(unit, 0, 60), func(units [][]byte) []byte { return bytes.Join(units, nil) })
			short := rapid.Map(rapid.SliceOfN(unit, 0, 4), func(units [][]byte) []byte { return bytes.Join(units, nil) })
			rapid.Check(t, func(t *rapid.T) {
				a := text.Draw(t, "a")
				var b []byte
				if rapid.Bool().Draw(t, "near") {
					b = append(bytes.Clone(a), short.Draw(t, "tail")...)
				} else {
					b = text.Draw(t, "b")
				}
				ka, kb := appendPadded(nil, a, space), appendPadded(nil, b, space)
				if got, want := bytes.Compare(ka, kb), comparePadded(a, b, space); got != want {
					t.Fatalf("%x against %x: %d, want %d", a, b, got, want)
				}
			})
		})
	}
}

// Keys of several columns sort column by column, DESC turned round, NULL below all.
func TestCompositeKeys(t *testing.T) {
	cols := []protocol.Column{column("i", protocol.TypeLong), column("s", protocol.TypeBlob), column("d", protocol.TypeNewDecimal)}
	field := func(values ...string) *rapid.Generator[protocol.Field] {
		return rapid.Map(rapid.SampledFrom(values), func(v string) protocol.Field {
			if v == "NULL" {
				return nil
			}
			return protocol.Field(v)
		})
	}
	gens := []*rapid.Generator[protocol.Field]{
		field("NULL", "-1", "0", "12"), field("NULL", "", "\x00", "\x00\x00", "a", "a\x00", "ab", "\xff"), field("NULL", "-1.5", "0", "2.25", "10"),
	}
	rapid.Check(t, func(t *rapid.T) {
		var keys []sharding.SortKey
		for i := range cols {
			keys = append(keys, sharding.SortKey{Key: plain(i), Desc: rapid.Bool().Draw(t, "desc")})
		}
		codec, err := newKeyCodec(keys, cols)
		if err != nil {
			t.Fatal(err)
		}
		var a, b []protocol.Field
		want := 0
		for i, g := range gens {
			a, b = append(a, g.Draw(t, "a")), append(b, g.Draw(t, "b"))
			var c int
			switch {
			case a[i] == nil || b[i] == nil:
				c = cmp.Compare(btoi(a[i] != nil), btoi(b[i] != nil))
			case i == 1:
				c = bytes.Compare(a[i], b[i])
			default:
				c = ratio(string(a[i])).Cmp(ratio(string(b[i])))
			}
			if keys[i].Desc {
				c = -c
			}
			if want == 0 {
				want = c
			}
		}
		ka, err := codec.append(nil, a)
		if err != nil {
			t.Fatal(err)
		}
		kb, err := codec.append(nil, b)
		if err != nil {
			t.Fatal(err)
		}
		if got := bytes.Compare(ka, kb); got != want {
			t.Fatalf("%q against %q: %d, want %d", a, b, got, want)
		}
	})
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}
