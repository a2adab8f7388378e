package protocol

import (
	"errors"
	"testing"
)

func bulkRows() [][]BulkParam {
	number := func(n byte) BulkParam {
		return BulkParam{Param: Param{Type: TypeLong, Value: []byte{n, 0, 0, 0}}}
	}
	text := func(s string) BulkParam { return BulkParam{Param: Param{Type: TypeString, Value: []byte(s)}} }
	is := func(i Indicator) BulkParam {
		return BulkParam{Param: Param{Type: TypeString}, Indicator: i}
	}
	return [][]BulkParam{{number(1), text("a")}, {number(2), is(IndicatorNull)}, {number(3), is(IndicatorDefault)}, {number(4), is(IndicatorIgnore)}, {number(5), text("")}}
}

func TestParseBulk(t *testing.T) {
	packet := AppendBulk(nil, 7, bulkRows())
	var types []ParamType
	b, err := ParseBulk(packet, 2, &types)
	if err != nil || b.StatementID != 7 {
		t.Fatal(b, err)
	}
	var row []BulkParam
	for i, want := range bulkRows() {
		if row, err = b.Next(row); err != nil {
			t.Fatal(err)
		}
		for j := range want {
			if row[j].Indicator != want[j].Indicator || string(row[j].Value) != string(want[j].Value) || row[j].Null != (want[j].Indicator == IndicatorNull) {
				t.Errorf("row %d, parameter %d: %+v, want %+v", i, j, row[j], want[j])
			}
		}
	}
	if row, err = b.Next(row); row != nil || err != nil {
		t.Errorf("behind the last: %+v, %v", row, err)
	}
	// The types are known now.
	again := append(append([]byte{}, packet[:4]...), 0, 0)
	again = append(again, packet[10:]...)
	if b, err = ParseBulk(again, 2, &types); err != nil {
		t.Fatal(err)
	}
	if row, err = b.Next(nil); err != nil || row[0].Value[0] != 1 {
		t.Errorf("%+v, %v", row, err)
	}
}

func TestParseBulkRefuses(t *testing.T) {
	packet := AppendBulk(nil, 7, bulkRows())
	read := func(p []byte, n int) (rows int, err error) {
		var types []ParamType
		b, err := ParseBulk(p, n, &types)
		for err == nil {
			var row []BulkParam
			if row, err = b.Next(nil); row == nil {
				return rows, err
			}
			rows++
		}
		return rows, err
	}
	for cut := range packet {
		rows, err := read(packet[:cut], 2)
		var e *ServerError
		if err != nil && !errors.As(err, &e) || err == nil && rows == 5 {
			t.Errorf("cut at %d: %d rows, %v", cut, rows, err)
		}
	}
	for name, p := range map[string][]byte{
		"unit results":     {7, 0, 0, 0, 128 + 64, 0, 3, 0, 3, 0},
		"types never said": {7, 0, 0, 0, 0, 0, 1},
		"an unknown type":  {7, 0, 0, 0, 128, 0, 0x99, 0, 0x99, 0, 0, 1},
		"an indicator":     {7, 0, 0, 0, 128, 0, 3, 0, 3, 0, 9},
	} {
		if _, err := read(p, 2); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	if _, err := read(packet, 0); err == nil {
		t.Error("no parameters: no error")
	}
}

func FuzzParseBulk(f *testing.F) {
	f.Add(AppendBulk(nil, 7, bulkRows()), uint8(2))
	f.Fuzz(func(t *testing.T, p []byte, n uint8) {
		var types []ParamType
		b, err := ParseBulk(p, int(n), &types)
		var row []BulkParam
		for rows := 0; err == nil; rows++ {
			if row, err = b.Next(row); row == nil {
				return
			}
			if len(row) != int(n) || rows > len(p) {
				t.Fatalf("row %d of %d parameters", rows, len(row))
			}
		}
	})
}
