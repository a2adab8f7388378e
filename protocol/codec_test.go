package protocol

import (
	"bytes"
	"errors"
	"reflect"
	"strings"
	"testing"

	gomysql "github.com/go-mysql-org/go-mysql/mysql"
	"pgregory.net/rapid"
)

func TestLenencInt(t *testing.T) {
	for _, n := range []uint64{0, 1, 250, 251, 252, 255, 256, 1<<16 - 1, 1 << 16, 1<<24 - 1, 1 << 24, 1 << 32, 1<<64 - 1} {
		b := appendLenencInt(nil, n)
		if want := gomysql.PutLengthEncodedInt(n); !bytes.Equal(b, want) {
			t.Errorf("%d: % x, want % x", n, b, want)
		}
		got, size := lenencInt(append(b, 0xaa))
		if got != n || size != len(b) {
			t.Errorf("%d: read %d of %d bytes", n, got, size)
		}
		for cut := range b {
			if _, size := lenencInt(b[:cut]); size != 0 {
				t.Errorf("%d cut to %d bytes was read", n, cut)
			}
		}
	}
	for _, b := range []byte{0xfb, 0xff} {
		if _, size := lenencInt([]byte{b, 1, 1, 1, 1, 1, 1, 1, 1}); size != 0 {
			t.Errorf("%#x was read as a number", b)
		}
	}
}

func TestOKRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := OK{
			AffectedRows: rapid.Uint64().Draw(t, "rows"), LastInsertID: rapid.Uint64().Draw(t, "id"),
			Status: Status(rapid.Uint16().Draw(t, "status")), Warnings: rapid.Uint16().Draw(t, "warnings"),
			Info: rapid.StringN(0, 300, 400).Draw(t, "info"),
		}
		b := AppendOK(nil, want)
		got, err := ParseOK(b)
		if err != nil || got != want {
			t.Fatalf("%+v, %v", got, err)
		}
		at := okStatusOffset(b)
		if Status(b[at])|Status(b[at+1])<<8 != want.Status {
			t.Fatalf("status is not at %d", at)
		}
	})
	if ok, err := ParseOK([]byte("\x00\x01\x02\x02\x00\x00\x00Rows matched")); err != nil || ok.Info != "Rows matched" {
		t.Fatalf("text without length: %+v, %v", ok, err)
	}
	for cut := range 7 {
		if _, err := ParseOK(AppendOK(nil, OK{})[:cut]); !IsMalformed(err) {
			t.Errorf("cut at %d: %v", cut, err)
		}
	}
}

func TestErrorRoundTrip(t *testing.T) {
	for _, e := range []*ServerError{
		NewError(ErrLockDeadlock, "Deadlock found when trying to get lock"),
		NewError(ErrParse, "near '%s' at line %d", "100%", 1),
		{Code: 65535, SQLState: "HY000", Message: "100% sure"},
		{Code: 1644, SQLState: "45000", Message: ""},
	} {
		got, err := ParseError(AppendError(nil, e))
		if err != nil || *got != *e {
			t.Errorf("%+v, %v, want %+v", got, err, e)
		}
	}
	if e, err := ParseError([]byte("\xff\x10\x04Too many connections")); err != nil || e.Code != 1040 || e.SQLState != "08004" || e.Message != "Too many connections" {
		t.Errorf("without SQLSTATE: %+v, %v", e, err)
	}
	for _, b := range []string{"", "\xff", "\xff\x10", "\x00\x10\x04"} {
		if _, err := ParseError([]byte(b)); !IsMalformed(err) {
			t.Errorf("%q: %v", b, err)
		}
	}
	if got := NewError(1064, "x").Error(); got != "ERROR 1064 (42000): x" {
		t.Error(got)
	}
}

func TestSQLState(t *testing.T) {
	for code, want := range gomysql.MySQLState {
		if got := SQLState(code); code < 2000 && got != want {
			t.Errorf("%d: %s, want %s", code, got, want)
		}
	}
	for code, want := range map[uint16]string{
		1040: "08004", 1042: "08S01", 1043: "08S01", 1044: "42000", 1045: "28000", 1046: "3D000", 1047: "08S01", 1049: "42000",
		1053: "08S01", 1054: "42S22", 1062: "23000", 1064: "42000", 1105: "HY000", 1129: "HY000", 1146: "42S02",
		1153: "08S01", 1158: "08S01", 1159: "08S01", 1160: "08S01", 1161: "08S01", 1203: "42000", 1205: "HY000",
		1213: "40001", 1226: "42000", 1235: "42000", 1251: "08004", 1290: "HY000", 1295: "HY000", 1305: "42000", 1317: "70100",
		1397: "XAE04", 1398: "XAE05", 1399: "XAE07", 1400: "XAE09", 1401: "XAE03", 1402: "XA100", 1440: "XAE08",
		1461: "42000", 1613: "XA106", 1614: "XA102", 1792: "25006", 1835: "HY000", 1836: "HY000", 1969: "70100", 2013: "HY000",
	} {
		if got := SQLState(code); got != want {
			t.Errorf("%d: %s, want %s", code, got, want)
		}
	}
}

func TestColumnRoundTrip(t *testing.T) {
	name := rapid.StringN(0, 70, 300)
	rapid.Check(t, func(t *rapid.T) {
		want := Column{
			Schema: name.Draw(t, "schema"), Table: name.Draw(t, "table"), OrgTable: name.Draw(t, "org table"),
			Name: name.Draw(t, "name"), OrgName: name.Draw(t, "org name"), Charset: rapid.Uint16().Draw(t, "charset"),
			Length: rapid.Uint32().Draw(t, "length"), Type: ColumnType(rapid.Byte().Draw(t, "type")),
			Flags: rapid.Uint16().Draw(t, "flags"), Decimals: rapid.Byte().Draw(t, "decimals"),
		}
		if rapid.Bool().Draw(t, "has default") {
			want.Default = []byte(name.Draw(t, "default"))
		}
		b := AppendColumn(nil, &want)
		got, err := ParseColumn(b)
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Fatalf("%+v, %v, want %+v", got, err, want)
		}
		if want.Default == nil {
			if _, err := ParseColumn(b[:rapid.IntRange(0, len(b)-1).Draw(t, "cut")]); !IsMalformed(err) {
				t.Fatalf("cut short: %v", err)
			}
		}
	})
}

func TestTextRowRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := make([]Field, rapid.IntRange(1, 20).Draw(t, "columns"))
		for i := range want {
			if rapid.Bool().Draw(t, "null") {
				continue
			}
			want[i] = append(Field{}, rapid.SliceOfN(rapid.Byte(), 0, 300).Draw(t, "value")...)
		}
		b := AppendTextRow(nil, want)
		got, err := ParseTextRow(make([]Field, 3), b, len(want))
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Fatalf("%q, %v, want %q", got, err, want)
		}
		if _, err := ParseTextRow(nil, b, len(want)+1); !IsMalformed(err) {
			t.Fatalf("one column more: %v", err)
		}
		if _, err := ParseTextRow(nil, b, len(want)-1); !IsMalformed(err) {
			t.Fatalf("one column less: %v", err)
		}
	})
	for _, b := range []string{"\x05ab", "\xfe\xff\xff\xff\xff\xff\xff\xff\xffx", "\xff"} {
		if _, err := ParseTextRow(nil, []byte(b), 1); !IsMalformed(err) {
			t.Errorf("%q: %v", b, err)
		}
	}
}

func TestPrepareOKRoundTrip(t *testing.T) {
	want := PrepareOK{StatementID: 0x01020304, Columns: 4096, Params: 65535, Warnings: 9}
	b := AppendPrepareOK(nil, want)
	if got, err := ParsePrepareOK(b); err != nil || got != want || len(b) != 12 {
		t.Fatalf("%+v, %v", got, err)
	}
	var e *ServerError
	if _, err := ParsePrepareOK(AppendError(nil, NewError(ErrUnsupportedPS, "no"))); !errors.As(err, &e) || e.Code != ErrUnsupportedPS {
		t.Fatal(err)
	}
	if _, err := ParsePrepareOK(b[:11]); !IsMalformed(err) {
		t.Fatal(err)
	}
}

func TestCommandArguments(t *testing.T) {
	refused := func(what string, err error) {
		t.Helper()
		var e *ServerError
		if !errors.As(err, &e) || e.Code != ErrMalformedPacket {
			t.Errorf("%s: %v", what, err)
		}
	}
	if db, err := ParseInitDB([]byte("shop")); err != nil || db != "shop" {
		t.Error(db, err)
	}
	_, err := ParseInitDB(nil)
	refused("empty schema", err)
	if f, err := ParseFieldList([]byte("orders\x00a%")); err != nil || f != (FieldList{"orders", "a%"}) {
		t.Error(f, err)
	}
	if f, err := ParseFieldList([]byte("orders\x00")); err != nil || f != (FieldList{"orders", ""}) {
		t.Error(f, err)
	}
	_, err = ParseFieldList([]byte("orders"))
	refused("field list", err)
	if id, err := ParseStatementID(ComStmtClose, []byte{1, 2, 0, 0}); err != nil || id != 513 {
		t.Error(id, err)
	}
	_, err = ParseStatementID(ComStmtReset, []byte{1, 2, 0})
	refused("statement id", err)
	if !strings.Contains(err.Error(), "COM_STMT_RESET") {
		t.Error(err)
	}
	if id, n, err := ParseFetch([]byte{1, 0, 0, 0, 2, 0, 0, 0}); err != nil || id != 1 || n != 2 {
		t.Error(id, n, err)
	}
	_, _, err = ParseFetch([]byte{1, 0, 0, 0, 2, 0, 0})
	refused("fetch", err)
	if id, p, data, err := ParseSendLongData([]byte{1, 0, 0, 0, 2, 0, 'x'}); err != nil || id != 1 || p != 2 || string(data) != "x" {
		t.Error(id, p, data, err)
	}
	_, _, _, err = ParseSendLongData([]byte{1, 0, 0, 0, 2})
	refused("long data", err)
	if on, err := ParseSetOption([]byte{0, 0}); err != nil || !on {
		t.Error(on, err)
	}
	if on, err := ParseSetOption([]byte{1, 0}); err != nil || on {
		t.Error(on, err)
	}
	_, err = ParseSetOption([]byte{2, 0})
	refused("option", err)
	if id, err := ParseProcessKill([]byte{9, 0, 0, 0}); err != nil || id != 9 {
		t.Error(id, err)
	}
}

func TestCommandNames(t *testing.T) {
	for c, want := range map[Command]string{ComSleep: "COM_SLEEP", ComQuery: "COM_QUERY", ComStmtExecute: "COM_STMT_EXECUTE",
		ComResetConnection: "COM_RESET_CONNECTION", ComStmtBulkExecute: "COM_STMT_BULK_EXECUTE", 200: "COM_200"} {
		if got := c.String(); got != want {
			t.Errorf("%d: %s, want %s", byte(c), got, want)
		}
	}
	if ComStmtExecute != 0x17 || ComResetConnection != 0x1f || ComBinlogDumpGTID != 0x1e {
		t.Error("command numbers moved")
	}
}
