package protocol

import (
	"bytes"
	"errors"
	"io"
	"reflect"
	"testing"
)

// FuzzCommandArguments: whatever follows a command byte is taken, or refused with a *ServerError.
func FuzzCommandArguments(f *testing.F) {
	for _, seed := range []string{"", "d", "d\x00", "t\x00s%", "\x01\x00\x00\x00", "\x01\x00\x00\x00\x05\x00\x00\x00", "\x01\x00\x00\x00\x00\x00data", "\x01\x00", "app\x00\x00d\x00\x2d\x00mysql_native_password\x00"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, payload []byte) {
		_, err1 := ParseInitDB(payload)
		_, err2 := ParseFieldList(payload)
		_, err3 := ParseStatementID(ComStmtReset, payload)
		_, _, err4 := ParseFetch(payload)
		_, _, _, err5 := ParseSendLongData(payload)
		_, err6 := ParseSetOption(payload)
		_, err7 := ParseProcessKill(payload)
		for i, err := range []error{err1, err2, err3, err4, err5, err6, err7} {
			var refused *ServerError
			if err != nil && (!errors.As(err, &refused) || refused.Code != ErrMalformedPacket) {
				t.Errorf("parser %d: %v", i, err)
			}
		}
	})
}

// FuzzAnswerPackets: what is taken as a packet of an answer can be written again, and says the same.
func FuzzAnswerPackets(f *testing.F) {
	f.Add(AppendOK(nil, OK{AffectedRows: 300, LastInsertID: 1 << 40, Status: StatusAutocommit, Warnings: 2, Info: "Rows matched: 1"}))
	f.Add(AppendEOF(nil, 1, StatusInTrans))
	f.Add(AppendError(nil, NewError(ErrDupEntry, "Duplicate entry")))
	f.Add(AppendColumn(nil, &Column{Schema: "d", Table: "t", OrgTable: "t", Name: "v", OrgName: "v", Charset: 45, Length: 80, Type: TypeVarString, Decimals: 31}))
	f.Add(AppendPrepareOK(nil, PrepareOK{StatementID: 7, Columns: 2, Params: 1}))
	f.Fuzz(func(t *testing.T, payload []byte) {
		if ok, err := ParseOK(payload); err == nil {
			if again, err := ParseOK(AppendOK(nil, ok)); err != nil || !reflect.DeepEqual(ok, again) {
				t.Errorf("OK %+v becomes %+v (%v)", ok, again, err)
			}
			if at := okStatusOffset(payload); at < 0 {
				t.Errorf("no status in an OK packet that is taken: % x", payload)
			}
		}
		if e, err := ParseError(payload); err == nil {
			if again, err := ParseError(AppendError(nil, e)); err != nil || *e != *again {
				t.Errorf("ERR %+v becomes %+v (%v)", e, again, err)
			}
		}
		if col, err := ParseColumn(payload); err == nil {
			if again, err := ParseColumn(AppendColumn(nil, &col)); err != nil || !reflect.DeepEqual(col, again) {
				t.Errorf("column %+v becomes %+v (%v)", col, again, err)
			}
		}
		if p, err := ParsePrepareOK(payload); err == nil {
			if again, err := ParsePrepareOK(AppendPrepareOK(nil, p)); err != nil || p != again {
				t.Errorf("%+v becomes %+v (%v)", p, again, err)
			}
		}
	})
}

// FuzzRow: a text row of any bytes is taken or refused, and what is taken can be written as text again; in binary
// form it is written or refused.
func FuzzRow(f *testing.F) {
	f.Add([]byte("\x011\x04text\xfb"), []byte{byte(TypeLong), byte(TypeVarString), byte(TypeTime)})
	f.Add([]byte("\x0a2024-02-29\x1a2024-02-29 12:34:56.000001\x11-838:59:59.000001"), []byte{byte(TypeDate), byte(TypeDateTime), byte(TypeTime)})
	f.Add([]byte("\x0a3.4e38\x031.5\x0318\x03255"), []byte{byte(TypeFloat), byte(TypeDouble), byte(TypeYear), byte(TypeTiny)})
	f.Fuzz(func(t *testing.T, payload, types []byte) {
		if len(types) > 64 {
			return
		}
		row, err := ParseTextRow(nil, payload, len(types))
		if err != nil {
			if !IsMalformed(err) {
				t.Error(err)
			}
			return
		}
		again, err := ParseTextRow(nil, AppendTextRow(nil, row), len(types))
		if err != nil || !reflect.DeepEqual(row, again) {
			t.Errorf("row %q becomes %q (%v)", row, again, err)
		}
		columns := make([]Column, len(types))
		for i := range columns {
			columns[i].Type = ColumnType(types[i])
		}
		if _, err := AppendBinaryRow(nil, row, columns); err != nil && !IsMalformed(err) {
			t.Error(err)
		}
	})
}

// FuzzChangeUser: any COM_CHANGE_USER and any answer to what it is asked give a login, or a *ServerError,
// or the end of the conversation; and nobody comes in without the password.
func FuzzChangeUser(f *testing.F) {
	accounts := testAccounts()
	for name := range accounts {
		f.Add([]byte(name+"\x00\x00d\x00\x2d\x00mysql_native_password\x00"), make([]byte, 20), []byte{2})
		f.Add([]byte(name+"\x00\x00d\x00\x2d\x00caching_sha2_password\x00"), make([]byte, 32), []byte{2})
		f.Add([]byte(name+"\x00\x14aaaaaaaaaaaaaaaaaaaad\x00\x2d\x00"), []byte{0}, []byte{})
	}
	a := NewAuthenticator(func(user string) (Account, bool) { account, ok := accounts[user]; return account, ok })
	f.Fuzz(func(t *testing.T, payload, second, third []byte) {
		if len(second) > 1<<16 || len(third) > 1<<16 {
			return
		}
		in := append(frames(2, second), frames(4, third)...)
		c := NewConn(&scriptConn{in: in}, Options{MaxPacket: 1 << 16})
		c.SetCapabilities(ServerCapabilities)
		c.seq.next, c.seq.fresh = 1, false
		login, err := a.ChangeUser(c, bytes.Clone(payload), Greeting{})
		var refused *ServerError
		var big *PacketTooLargeError
		var order *SequenceError
		switch {
		case err == nil:
			if accounts[login.User].Hash != "" || accounts[login.User].Password != "" {
				t.Fatalf("%q was let in without its password", login.User)
			}
		case !errors.As(err, &refused) && !errors.As(err, &big) && !errors.As(err, &order) && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF):
			t.Fatal(err)
		}
	})
}
