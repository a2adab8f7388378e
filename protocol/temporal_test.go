package protocol

import (
	"testing"

	"pgregory.net/rapid"
)

func TestTemporalRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := func(name string, limit int) int { return rapid.IntRange(0, limit).Draw(t, name) }
		d := dateTime{n("year", 9999), n("month", 12), n("day", 31), n("hour", 23), n("minute", 59), n("second", 59), n("micro", 999999)}
		got, err := parseDateTime(d.appendText(nil, true))
		if err != nil || got != d {
			t.Fatalf("%+v as text: %+v, %v", d, got, err)
		}
		b := d.appendBinary(nil)
		if got, err = binaryDateTime(b[1:]); err != nil || got != d || int(b[0]) != len(b)-1 {
			t.Fatalf("%+v in binary: %+v, %v", d, got, err)
		}
		c := timeOfDay{rapid.Bool().Draw(t, "negative"), n("hours", 838), d.minute, d.second, d.micro}
		if c.hour|c.minute|c.second|c.micro == 0 {
			c.negative = false // there is one zero
		}
		time, err := parseTime(c.appendText(nil))
		if err != nil || time != c {
			t.Fatalf("%+v as text: %+v, %v", c, time, err)
		}
		b = c.appendBinary(nil)
		if time, err = binaryTime(b[1:]); err != nil || time != c || int(b[0]) != len(b)-1 {
			t.Fatalf("%+v in binary: %+v, %v", c, time, err)
		}
	})
}

func TestTemporalText(t *testing.T) {
	for _, tc := range []struct {
		p    Param
		want string
	}{
		{Param{Type: TypeDate, Value: []byte{0xe8, 7, 2, 29}}, "2024-02-29"},
		{Param{Type: TypeDateTime, Value: []byte{0xe8, 7, 2, 29}}, "2024-02-29 00:00:00"},
		{Param{Type: TypeTimestamp, Value: []byte{0xe8, 7, 12, 9, 3, 4, 5, 7, 0, 0, 0}}, "2024-12-09 03:04:05.000007"},
		{Param{Type: TypeDate}, "0000-00-00"},
		{Param{Type: TypeTime, Value: []byte{1, 34, 0, 0, 0, 22, 59, 59}}, "-838:59:59"},
		{Param{Type: TypeTime, Value: []byte{0, 0, 0, 0, 0, 1, 2, 3, 0x40, 0xe2, 1, 0}}, "01:02:03.123456"},
		{Param{Type: TypeTime}, "00:00:00"},
		{Param{Type: TypeTime, Value: []byte{1, 2}}, "\x01\x02"},
		{Param{Type: TypeString, Value: []byte{1, 0, 1, 1}}, "\x01\x00\x01\x01"},
	} {
		if got := string(AppendTemporalText(nil, &tc.p)); got != tc.want {
			t.Errorf("%+v: %q, want %q", tc.p, got, tc.want)
		}
	}
}

func TestAppendBinaryRowRefuses(t *testing.T) {
	for _, tc := range []struct {
		typ   ColumnType
		flags uint16
		text  string
	}{
		{TypeTiny, 0, "128"}, {TypeTiny, FlagUnsigned, "-1"}, {TypeTiny, FlagUnsigned, "256"}, {TypeLong, 0, "1.5"}, {TypeLongLong, 0, ""},
		{TypeLongLong, 0, "9223372036854775808"}, {TypeFloat, 0, "x"}, {TypeDouble, 0, "1e999"}, {TypeDate, 0, "2024-1"},
		{TypeDate, 0, "2024-02-30 25:00:00"}, {TypeDateTime, 0, "2024-01-01 00:00:00.1234567"}, {TypeDateTime, 0, "2024-01-01 00:00:00." + "x"},
		{TypeTime, 0, "839:00:00"}, {TypeTime, 0, "1:2"}, {TypeTime, 0, "--1:00:00"}, {TypeNull, 0, "x"}, {0x77, 0, "x"},
	} {
		col := Column{Name: "c", Type: tc.typ, Flags: tc.flags}
		if b, err := AppendBinaryRow(nil, []Field{Field(tc.text)}, []Column{col}); !IsMalformed(err) {
			t.Errorf("%#x of %q: % x, %v", byte(tc.typ), tc.text, b, err)
		}
	}
	if _, err := AppendBinaryRow(nil, []Field{nil}, nil); !IsMalformed(err) {
		t.Error(err)
	}
}

func TestParamLiterals(t *testing.T) {
	for _, tc := range []struct {
		p       Param
		charset string
		want    string // "": refused
	}{
		{Param{Type: TypeString, Value: []byte("é")}, "", "'é'"},
		{Param{Type: TypeString, Value: []byte("é")}, "utf8mb3", "'é'"},
		{Param{Type: TypeString, Value: []byte("\xe9")}, "latin1", "_latin1 X'E9'"},
		{Param{Type: TypeString, Value: []byte("\x95\x5c")}, "sjis", "_sjis X'955C'"},
		{Param{Type: TypeString, Value: []byte("plain")}, "gbk", "'plain'"},
		{Param{Type: TypeString, Value: []byte("\xff")}, "utf8mb4", "_binary X'FF'"},
		{Param{Type: TypeString, Value: []byte(`a\'`)}, "utf8mb4", "_utf8mb4 X'615C27'"},
		{Param{Type: TypeString, Value: []byte(`'`)}, "utf8mb4", "''''"},
		{Param{Type: TypeString, Value: []byte("\xe9")}, "latin1' OR 1 -- ", ""},
		{Param{Type: TypeBlob, Value: []byte("a")}, "", "_binary X'61'"},
		{Param{Type: TypeNewDecimal, Value: []byte("1; DROP")}, "", ""},
		{Param{Type: TypeNewDecimal, Value: []byte("")}, "", ""},
		{Param{Type: TypeNewDecimal, Value: []byte("-.5e+3")}, "", "-.5e+3"},
		{Param{Type: TypeDouble, Value: []byte{0, 0, 0, 0, 0, 0, 0xf8, 0x7f}}, "", ""},
		{Param{Type: TypeDouble, Value: []byte{0, 0, 0, 0, 0, 0, 0xf0, 0x3f}}, "", "1e+00"},
		{Param{Type: TypeTiny, Value: []byte{1, 2}}, "", ""},
		{Param{Type: TypeFloat, Value: []byte{1, 2}}, "", ""},
		{Param{Type: TypeDate, Value: []byte{1, 0, 13, 1}}, "", ""},
		{Param{Type: TypeTime, Value: []byte{1, 0, 13, 1}}, "", ""},
		{Param{Type: 0x77, Value: []byte{1}}, "", ""},
		{Param{Type: TypeLong, Null: true}, "", "NULL"},
	} {
		got, err := AppendParamLiteral(nil, &tc.p, tc.charset)
		if tc.want == "" {
			if err == nil {
				t.Errorf("%+v in %s: %s was accepted", tc.p, tc.charset, got)
			}
		} else if err != nil || string(got) != tc.want {
			t.Errorf("%+v in %s: %s, %v, want %s", tc.p, tc.charset, got, err, tc.want)
		}
	}
}
