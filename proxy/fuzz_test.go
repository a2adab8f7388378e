package proxy

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"log/slog"
	"net"
	"path/filepath"
	"strconv"
	"sync"
	"testing"
	"time"

	"lockstep/config"
	"lockstep/integration/wireclient"
	"lockstep/localdb"
)

// fuzzed is a proxy in this process over two real shards, with a table d.t. It ends with the fuzz test.
type fuzzed struct {
	proxy   *Proxy
	mu      sync.Mutex
	control *wireclient.Conn // another client: it must be served whatever the fuzzed ones do
}

func startFuzzed(f *testing.F) *fuzzed {
	f.Helper()
	dir := f.TempDir()
	var options []localdb.Options
	for i := range 2 {
		name := "s" + strconv.Itoa(i+1)
		options = append(options, localdb.Options{Name: name, Dir: filepath.Join(dir, name), ServerID: i + 1})
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	servers, err := localdb.StartAll(ctx, options, nil)
	if err != nil {
		f.Fatal(err)
	}
	text := "listen: 127.0.0.1:0\nadmin: {listen: \"127.0.0.1:0\"}\nusers: [{name: app, password: app}]\ndefault_rule: {kind: sharded}\n" +
		"log: {path: decisions.db}\ntimeouts: {statement: 1s, handshake: 2s, drain: 1s}\nlimits: {max_packet: 1048576, max_merge_bytes: 4194304}\nshards:\n"
	for _, s := range servers {
		f.Cleanup(func() {
			if err := s.Kill(); err != nil {
				f.Error(err)
			}
		})
		if err := s.AddUser(ctx, "app", "app"); err != nil {
			f.Fatal(err)
		}
		text += "  - {name: " + s.Name + ", address: \"" + s.Address() + "\", user: app, password: app}\n"
	}
	cfg, err := config.Parse(filepath.Join(dir, "lockstep.yaml"), []byte(text))
	if err != nil {
		f.Fatal(err)
	}
	p, err := New(cfg, Options{Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() {
		if err := p.Close(); err != nil {
			f.Error(err)
		}
	})
	if err := p.Start(ctx); err != nil {
		f.Fatal(err)
	}
	z := &fuzzed{proxy: p}
	if z.control, err = z.connect(""); err != nil {
		f.Fatal(err)
	}
	f.Cleanup(z.control.Close)
	for _, sql := range []string{"CREATE DATABASE d", "CREATE TABLE d.t (id INT PRIMARY KEY, v INT, s VARCHAR(20))", "INSERT INTO d.t VALUES (1, 10, 'a'), (2, 20, 'b'), (3, 30, NULL)"} {
		if a, err := z.control.Do(wireclient.Query(sql)); err != nil || a.Detail() != "" {
			f.Fatal(sql, err, a.Detail())
		}
	}
	return z
}

func (z *fuzzed) connect(database string) (*wireclient.Conn, error) {
	return wireclient.Connect(z.proxy.Addr(), wireclient.Options{
		User: "app", Password: "app", Database: database, Capabilities: wireclient.CapMultiStatements, Timeout: 20 * time.Second})
}

// alive checks that another client is served.
func (z *fuzzed) alive(t *testing.T) {
	t.Helper()
	z.mu.Lock()
	defer z.mu.Unlock()
	if a, err := z.control.Do(wireclient.Query("SELECT 1")); err != nil || a.Closed || a.Detail() != "" {
		t.Fatalf("another client is not served: %v %v %s", err, a.Lines(), a.Detail())
	}
}

// stream makes bytes for the wire: data itself, or data cut into commands, each with its length in front.
func stream(data []byte, framed bool) []byte {
	if !framed {
		return data
	}
	var b []byte
	for len(data) > 0 {
		n := min(int(data[0]), len(data)-1)
		b = append(b, wireclient.Frames(0, data[1:1+n])...)
		data = data[1+n:]
	}
	return b
}

// commands is what stream cuts.
func commands(list ...[]byte) []byte {
	var b []byte
	for _, c := range list {
		b = append(append(b, byte(len(c))), c...)
	}
	return b
}

// wellFormed checks that what a server said is whole packets: each is the next of its answer, perhaps
// behind a packet of the client's, or begins another.
func wellFormed(t *testing.T, said []byte) {
	t.Helper()
	last := -1
	for at := 0; len(said) > 0; {
		if len(said) < 4 {
			t.Fatalf("the last %d bytes are no packet: % x", len(said), said)
		}
		n, number := int(said[0])|int(said[1])<<8|int(said[2])<<16, int(said[3])
		if len(said) < 4+n {
			t.Fatalf("at byte %d a packet of %d bytes is cut short at %d", at, n, len(said)-4)
		}
		if number > 2 && number != (last+1)&0xff && number != (last+2)&0xff {
			t.Fatalf("at byte %d packet number %d follows %d", at, number, last)
		}
		last = number
		at += 4 + n
		said = said[4+n:]
	}
}

// FuzzSession sends any bytes behind a login: they are answered with whole packets, the session ends when the
// client has no more to say, and another client is served.
func FuzzSession(f *testing.F) {
	z := startFuzzed(f)
	on := func(code byte, id uint32, rest string) []byte {
		return append(binary.LittleEndian.AppendUint32([]byte{code}, id), rest...)
	}
	text := func(code byte, s string) []byte { return append([]byte{code}, s...) }
	query := func(s string) []byte { return text(wireclient.ComQuery, s) }
	prepare := func(s string) []byte { return text(wireclient.ComStmtPrepare, s) }
	for _, seed := range [][]byte{
		commands(query("SELECT 1"), query("SELECT * FROM t ORDER BY id"), query("SELECT COUNT(*), SUM(v), AVG(v) FROM t GROUP BY s ORDER BY s"), query("SELEC"), query("")),
		commands(query("BEGIN"), query("UPDATE t SET v = v + 1"), query("SAVEPOINT a"), query("ROLLBACK TO a"), query("ROLLBACK"), query("SET autocommit = 0, @a = 'x'")),
		commands(query("SELECT 1; SELECT 2; SELEC; SELECT 3"), query("SHOW WARNINGS"), query("SHOW TABLES"), query("EXPLAIN LOCKSTEP SELECT * FROM t WHERE id = 1"), query("SET NAMES latin1")),
		commands(prepare("SELECT * FROM t WHERE id = ?"), on(wireclient.ComStmtExecute, 1, "\x00\x01\x00\x00\x00\x00\x01\x03\x00\x01\x00\x00\x00"), on(wireclient.ComStmtReset, 1, ""), on(wireclient.ComStmtClose, 1, "")),
		commands(prepare("SELECT id, s FROM t WHERE v > ? ORDER BY id"), on(wireclient.ComStmtSendLongData, 1, "\x00\x0012"), on(wireclient.ComStmtExecute, 1, "\x00\x01\x00\x00\x00\x00\x01\xfe\x00"), on(wireclient.ComStmtExecute, 1, "\x00\x01\x00\x00\x00\x00\x01\x05\x00\x00\x00\x00\x00\x00\x00\xf0\x3f")),
		commands(prepare("SELECT ?, ?"), on(wireclient.ComStmtExecute, 1, "\x00\x01\x00\x00\x00\x00\x01\x0c\x00\x0b\x00\x04\xe8\x07\x02\x1d\x08\x01\x01\x00\x00\x00\x01\x02\x03"), on(wireclient.ComStmtExecute, 1, "\x01\x01\x00\x00\x00\x03\x00"), on(wireclient.ComStmtFetch, 1, "\x01\x00\x00\x00")),
		commands([]byte{wireclient.ComPing}, []byte{wireclient.ComStatistics}, []byte{wireclient.ComResetConnection}, text(wireclient.ComInitDB, "d"), text(wireclient.ComFieldList, "t\x00"), text(wireclient.ComSetOption, "\x00\x00")),
		commands(wireclient.ChangeUser("app", "d", 45), []byte{0, 0}, []byte{wireclient.ComQuit}),
		commands(text(0xfa, "\x01\x00\x00\x00\x80\x00"), text(wireclient.ComProcessKill, "\xff\xff\x00\x00"), nil, []byte{0x55}, []byte{0xff}),
		commands(query("LOAD DATA LOCAL INFILE 'x' INTO TABLE t"), []byte("1\t2\t3\n"), nil, query("SELECT 1")),
	} {
		f.Add(seed, true)
		f.Add(stream(seed, true), false)
	}
	f.Fuzz(func(t *testing.T, data []byte, framed bool) {
		if bytes.Contains(bytes.ToLower(data), []byte("global")) {
			t.Skip("changes what the servers do for later inputs")
		}
		c, err := z.connect("d")
		if err != nil {
			// An input may have dropped the database.
			if a, err := z.control.Do(wireclient.Query("CREATE DATABASE IF NOT EXISTS d")); err != nil || a.Detail() != "" {
				t.Fatal(err, a.Detail())
			}
			if c, err = z.connect("d"); err != nil {
				t.Fatalf("login: %v", err)
			}
		}
		defer c.Close()
		said, err := exchange(c.NetConn(), stream(data, framed))
		if err != nil {
			t.Fatal(err)
		}
		wellFormed(t, said)
		z.alive(t)
	})
}

// FuzzBeforeLogin sends any bytes instead of a login: the answer is whole packets and an end.
func FuzzBeforeLogin(f *testing.F) {
	z := startFuzzed(f)
	c, err := wireclient.Dial(z.proxy.Addr(), wireclient.Options{})
	if err != nil {
		f.Fatal(err)
	}
	defer c.Close()
	if err := c.ReadGreeting(); err != nil {
		f.Fatal(err)
	}
	login := c.LoginRequest(wireclient.Options{User: "app", Password: "app", Database: "d"})
	f.Add(wireclient.Frames(1, login))
	f.Add(append(wireclient.Frames(1, login), wireclient.Query("SELECT 1").Wire()...))
	f.Add(wireclient.Frames(1, login[:32])) // asks for TLS, or is cut short
	f.Add([]byte("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"))
	f.Add([]byte("PROXY TCP4 1.2.3.4 5.6.7.8 9 10\r\n"))
	f.Add([]byte("\r\n\r\n\x00\r\nQUIT\n\x21\x11\x00\x0c\x01\x02\x03\x04\x05\x06\x07\x08\x00\x01\x00\x02"))
	f.Add([]byte{0xff, 0xff, 0xff, 1})
	f.Add([]byte{0, 0, 0, 1})
	f.Fuzz(func(t *testing.T, data []byte) {
		nc, err := net.Dial("tcp", z.proxy.Addr())
		if err != nil {
			t.Fatal(err)
		}
		defer nc.Close()
		said, err := exchange(nc, data)
		if err != nil {
			t.Fatal(err)
		}
		wellFormed(t, said)
		z.alive(t)
	})
}

// exchange writes all, says that nothing more comes, and reads to the end.
func exchange(nc net.Conn, data []byte) ([]byte, error) {
	if err := nc.SetDeadline(time.Now().Add(20 * time.Second)); err != nil {
		return nil, err
	}
	go func() {
		_, _ = nc.Write(data) // the proxy may have ended it
		if half, ok := nc.(interface{ CloseWrite() error }); ok {
			_ = half.CloseWrite() // as above
		}
	}()
	said, err := io.ReadAll(nc)
	var ne net.Error
	if errors.As(err, &ne) && ne.Timeout() {
		return said, errors.New("the session does not end")
	}
	if err != nil {
		return nil, nil //nolint:nilerr // reset with something unread: what was lost with it cannot be checked
	}
	return said, nil
}
