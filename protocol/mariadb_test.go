package protocol

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// startMariaDB runs a real server for one test and returns the path of its socket.
func startMariaDB(t *testing.T) string {
	t.Helper()
	install, err1 := exec.LookPath("mariadb-install-db")
	server, err2 := exec.LookPath("mariadbd")
	if err1 != nil || err2 != nil || testing.Short() {
		t.Skip("needs an installed MariaDB server")
	}
	dir, err := os.MkdirTemp("", "lockstep-protocol") // t.TempDir's names are too long for a socket
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	var root []string
	if os.Getuid() == 0 {
		root = []string{"--user=root"}
	}
	data, socket := filepath.Join(dir, "data"), filepath.Join(dir, "s")
	out, err := exec.Command(install, append(root, "--no-defaults", "--datadir="+data, "--skip-test-db")...).CombinedOutput()
	if err != nil {
		t.Fatalf("install: %v\n%s", err, out)
	}
	cmd := exec.Command(server, append([]string{"--no-defaults", "--datadir=" + data, "--socket=" + socket, "--pid-file=" + filepath.Join(dir, "pid"),
		"--skip-networking", "--skip-grant-tables", "--innodb-flush-log-at-trx-commit=0", "--innodb-buffer-pool-size=16M",
		"--max-allowed-packet=64M", "--character-set-server=utf8mb4"}, root...)...)
	var log bytes.Buffer
	cmd.Stderr = &log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cmd.Process.Kill()
		cmd.Wait()
		if t.Failed() {
			t.Logf("server log:\n%s", log.Bytes()[max(0, log.Len()-2000):])
		}
	})
	for range 300 {
		if nc, err := net.Dial("unix", socket); err == nil {
			nc.Close()
			return socket
		}
		time.Sleep(50 * time.Millisecond)
	}
	t.Fatalf("server does not come up")
	return ""
}

// shard is a test's own client of a real server.
type shard struct {
	*Conn
	t *testing.T
}

func dialShard(t *testing.T, socket string) *shard {
	t.Helper()
	nc, err := net.Dial("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { nc.Close() })
	nc.SetDeadline(time.Now().Add(time.Minute))
	c := NewConn(nc, Options{})
	if _, err := c.ReadPacket(); err != nil {
		t.Fatal(err)
	}
	// LOCAL_FILES makes the server ask for files, to see the requests refused.
	caps := ServerCapabilities&^(ClientConnectWithDB|ClientConnectAttrs|notOfShards) | ClientLocalFiles
	if err := c.WritePacket(loginPacket(caps, "root", nil, "", PluginNativePassword, nil)); err != nil {
		t.Fatal(err)
	}
	s := &shard{c, t}
	s.flush()
	if _, err := ReadOK(c); err != nil {
		t.Fatal(err)
	}
	c.SetCapabilities(caps)
	return s
}

func (s *shard) flush() {
	s.t.Helper()
	if err := s.Flush(); err != nil {
		s.t.Fatal(err)
	}
}

// try runs a statement that gives no rows.
func (s *shard) try(sql string) error {
	s.t.Helper()
	if err := s.WriteCommand(ComQuery, []byte(sql)); err != nil {
		s.t.Fatal(err)
	}
	s.flush()
	_, err := ReadOK(s.Conn)
	return err
}

func (s *shard) exec(format string, args ...any) {
	s.t.Helper()
	sql := fmt.Sprintf(format, args...)
	if err := s.try(sql); err != nil {
		s.t.Fatalf("%.200s: %v", sql, err)
	}
}

// rows collects an answer's rows.
func (s *shard) rows() ([]Column, [][]byte, error) {
	s.t.Helper()
	s.flush()
	r, err := ReadRows(s.Conn)
	if err != nil {
		return nil, nil, err
	}
	var all [][]byte
	for r.Next() {
		all = append(all, bytes.Clone(r.Payload()))
	}
	return r.Columns(), all, r.Err()
}

func (s *shard) query(sql string) ([]Column, [][]byte, error) {
	s.t.Helper()
	if err := s.WriteCommand(ComQuery, []byte(sql)); err != nil {
		s.t.Fatal(err)
	}
	return s.rows()
}

// execute prepares and runs a statement; its rows are binary.
func (s *shard) execute(sql string, params ...Param) ([]Column, [][]byte, error) {
	s.t.Helper()
	if err := s.WriteCommand(ComStmtPrepare, []byte(sql)); err != nil {
		s.t.Fatal(err)
	}
	s.flush()
	p, err := s.ReadPacket()
	if err != nil {
		s.t.Fatal(err)
	}
	ok, err := ParsePrepareOK(p)
	if err != nil {
		return nil, nil, err
	}
	for _, n := range []uint16{ok.Params, ok.Columns} {
		for i := uint16(0); n > 0 && i <= n; i++ { // the definitions and an EOF
			if _, err := s.ReadPacket(); err != nil {
				s.t.Fatal(err)
			}
		}
	}
	s.ResetSequence()
	if err := s.WritePacket(AppendExecute(nil, ok.StatementID, 0, params)); err != nil {
		s.t.Fatal(err)
	}
	columns, rows, err := s.rows()
	if closeErr := s.WriteCommand(ComStmtClose, binary.LittleEndian.AppendUint32(nil, ok.StatementID)); closeErr != nil {
		s.t.Fatal(closeErr)
	}
	return columns, rows, err
}

// What AppendBinaryRow makes of a text row must be what the server itself sends in the
// binary protocol, for every column type.
func TestBinaryRowsAgainstMariaDB(t *testing.T) {
	s := dialShard(t, startMariaDB(t))
	s.exec("CREATE DATABASE d")
	s.exec("USE d")
	s.exec("SET NAMES utf8mb4")
	s.exec("SET sql_mode=''")
	strs := []string{"''", "'a'", "'Grüße ☃'", "REPEAT('x',250)", "REPEAT('x',251)"}
	long := append([]string{"REPEAT('x',70000)", "CHAR(0,255,254,251)"}, strs...)
	for _, tc := range []struct {
		typ    string
		values []string
	}{
		{"TINYINT", []string{"-128", "-1", "0", "127"}},
		{"TINYINT UNSIGNED", []string{"0", "128", "255"}},
		{"TINYINT(3) ZEROFILL", []string{"0", "7", "255"}},
		{"BOOL", []string{"0", "1"}},
		{"SMALLINT", []string{"-32768", "-1", "0", "32767"}},
		{"SMALLINT UNSIGNED", []string{"0", "65535"}},
		{"MEDIUMINT", []string{"-8388608", "-1", "0", "8388607"}},
		{"MEDIUMINT UNSIGNED", []string{"0", "16777215"}},
		{"INT", []string{"-2147483648", "-1", "0", "2147483647"}},
		{"INT UNSIGNED", []string{"0", "4294967295"}},
		{"INT(10) ZEROFILL", []string{"0", "42"}},
		{"BIGINT", []string{"-9223372036854775808", "-1", "0", "9223372036854775807"}},
		{"BIGINT UNSIGNED", []string{"0", "18446744073709551615"}},
		{"BIGINT(20) ZEROFILL", []string{"42"}},
		{"FLOAT", []string{"0", "-0.0", "1.5", "-3.402823466e38", "3.402823466e38", "1.175494351e-38", "3.14159265"}},
		{"FLOAT(7,3)", []string{"0", "-1234.567"}},
		{"DOUBLE", []string{"0", "-1.7976931348623157e308", "1.7976931348623157e308", "2.2250738585072014e-308", "0.1", "3.141592653589793", "1e15", "1e-7", "123456789012345680"}},
		{"DOUBLE(20,5)", []string{"0", "-12345.678"}},
		{"DECIMAL(65,30)", []string{"0", "-12345678901234567890123456789012345.123456789012345678901234567890", "99999999999999999999999999999999999.999999999999999999999999999999"}},
		{"DECIMAL(10,2) ZEROFILL", []string{"0", "12.5"}},
		{"BIT(1)", []string{"b'0'", "b'1'"}},
		{"BIT(64)", []string{"0", "1", "18446744073709551615"}},
		{"YEAR", []string{"0", "1901", "2024", "2155"}},
		{"DATE", []string{"'0000-00-00'", "'2024-00-00'", "'0001-01-01'", "'2024-02-29'", "'9999-12-31'"}},
		{"DATETIME", []string{"'0000-00-00 00:00:00'", "'2024-02-29 00:00:00'", "'2024-02-29 23:59:59'", "'9999-12-31 00:00:01'"}},
		{"DATETIME(3)", []string{"'0000-00-00 00:00:00'", "'2024-02-29 00:00:00.001'", "'2024-02-29 23:59:59'", "'2024-02-29 23:59:59.999'"}},
		{"DATETIME(6)", []string{"'2024-02-29 00:00:00.000001'", "'9999-12-31 23:59:59.999999'", "'2024-02-29 01:00:00'"}},
		{"TIMESTAMP NULL", []string{"'0000-00-00 00:00:00'", "'2024-02-29 12:00:00'"}},
		{"TIMESTAMP(6) NULL", []string{"'2024-02-29 12:00:00.000010'", "'2038-01-19 03:14:07.999999'"}},
		{"TIME", []string{"'00:00:00'", "'-838:59:59'", "'838:59:59'", "'-00:00:01'", "'23:59:59'", "'24:00:00'"}},
		{"TIME(1)", []string{"'00:00:00'", "'00:00:00.1'"}},
		{"TIME(6)", []string{"'-838:59:59.999999'", "'838:59:59.999999'", "'-00:00:00.000001'", "'12:00:00'"}},
		{"CHAR(255)", strs},
		{"VARCHAR(300)", strs},
		{"VARCHAR(300) CHARACTER SET latin1", []string{"'Grüße'", "''"}},
		{"BINARY(5)", []string{"''", "'ab'"}},
		{"VARBINARY(300)", strs},
		{"TINYTEXT", []string{"''", "'a'"}}, {"TEXT", strs}, {"MEDIUMTEXT", long}, {"LONGTEXT", long},
		{"TINYBLOB", []string{"''", "CHAR(0,255)"}}, {"BLOB", strs}, {"MEDIUMBLOB", long}, {"LONGBLOB", append([]string{"REPEAT('x',17000000)"}, long...)},
		{"ENUM('a','bb','ü')", []string{"'a'", "'ü'", "''"}},
		{"SET('a','bb','c')", []string{"''", "'a,c'", "'a,bb,c'"}},
		{"JSON", []string{`'{"a": [1, null, "ü"]}'`, "'null'"}},
		{"GEOMETRY", []string{"ST_GeomFromText('POINT(1 2)')", "ST_GeomFromText('POLYGON((0 0,1 0,1 1,0 0))')"}},
		{"POINT", []string{"ST_GeomFromText('POINT(-1 1e300)')"}},
		{"UUID", []string{"'123e4567-e89b-12d3-a456-426655440000'"}},
		{"INET6", []string{"'::1'", "'2001:db8::ff00:42:8329'"}},
	} {
		t.Run(tc.typ, func(t *testing.T) {
			s.t = t
			s.exec("CREATE OR REPLACE TABLE v (id INT PRIMARY KEY AUTO_INCREMENT, x %s, y INT)", tc.typ)
			s.exec("INSERT INTO v (x) VALUES (NULL)")
			for _, v := range tc.values {
				s.exec("INSERT INTO v (x, y) VALUES (%s, 5)", v)
			}
			_, texts, err := s.query("SELECT x, y FROM v ORDER BY id")
			if err != nil {
				t.Fatal(err)
			}
			columns, binaries, err := s.execute("SELECT x, y FROM v ORDER BY id")
			if err != nil {
				t.Fatal(err)
			}
			if len(texts) != len(tc.values)+1 || len(binaries) != len(texts) {
				t.Fatalf("%d text and %d binary rows", len(texts), len(binaries))
			}
			for i := range texts {
				fields, err := ParseTextRow(nil, texts[i], 2)
				if err != nil {
					t.Fatal(err)
				}
				got, err := AppendBinaryRow(nil, fields, columns)
				if err != nil {
					t.Fatal(err)
				}
				if columns[0].Type == TypeFloat && closeFloats(got, binaries[i]) {
					continue
				}
				if !bytes.Equal(got, binaries[i]) {
					t.Errorf("%.60q became % x, the server sends % x", fields[0], clip(got), clip(binaries[i]))
				}
			}
		})
	}
}

// closeFloats compares the rows of a FLOAT (behind header and bitmap) and an INT: the text
// that the server gives has six digits.
func closeFloats(a, b []byte) bool {
	if len(a) != len(b) || len(a) != 10 || !bytes.Equal(a[6:], b[6:]) {
		return bytes.Equal(a, b)
	}
	x := float64(math.Float32frombits(binary.LittleEndian.Uint32(a[2:])))
	y := float64(math.Float32frombits(binary.LittleEndian.Uint32(b[2:])))
	return x == y || math.Abs(x-y) <= 1e-5*math.Abs(y)
}

func refusedAlike(a, b error) bool {
	var x, y *ServerError
	return errors.As(a, &x) && errors.As(b, &y) && x.Code == y.Code && (x.Code == 1267 || x.Code == 1300)
}

// A literal must be to the server what the bound parameter is, under every sql_mode.
func TestParamLiteralsAgainstMariaDB(t *testing.T) {
	s := dialShard(t, startMariaDB(t))
	s.exec("CREATE DATABASE d")
	s.exec("USE d")
	s.exec(`CREATE TABLE words (w VARCHAR(40) COLLATE utf8mb4_unicode_ci, b VARCHAR(40) COLLATE utf8mb4_bin, l VARCHAR(40) CHARACTER SET latin1, KEY (w), KEY (b))`)
	s.exec(`INSERT INTO words VALUES ('Grüße','Grüße','Grüße'), ('grÜSSE','x','x'), ('a\\b','a\\b','a\\b'), ('A\\B','A\\B','A\\B'), ('it''s','it''s','it''s')`)
	u16 := func(n int) []byte { return binary.LittleEndian.AppendUint16(nil, uint16(n)) }
	u32 := func(n int) []byte { return binary.LittleEndian.AppendUint32(nil, uint32(n)) }
	u64 := func(n uint64) []byte { return binary.LittleEndian.AppendUint64(nil, n) }
	f32 := func(x float32) []byte { return binary.LittleEndian.AppendUint32(nil, math.Float32bits(x)) }
	f64 := func(x float64) []byte { return u64(math.Float64bits(x)) }
	params := []Param{
		{Type: TypeTiny, Value: []byte{0x80}}, {Type: TypeTiny, Unsigned: true, Value: []byte{0xff}},
		{Type: TypeShort, Value: u16(-32768)}, {Type: TypeShort, Unsigned: true, Value: u16(65535)},
		{Type: TypeLong, Value: u32(-5)}, {Type: TypeLong, Unsigned: true, Value: u32(-5)},
		{Type: TypeLongLong, Value: u64(1 << 63)}, {Type: TypeLongLong, Unsigned: true, Value: u64(1<<64 - 1)},
		{Type: TypeLongLong, Value: u64(42)},
		{Type: TypeFloat, Value: f32(0.1)}, {Type: TypeFloat, Value: f32(-3e38)},
		{Type: TypeDouble, Value: f64(0.1)}, {Type: TypeDouble, Value: f64(-1.7976931348623157e308)}, {Type: TypeDouble, Value: f64(5e-324)}, {Type: TypeDouble, Value: f64(3)},
		{Type: TypeNewDecimal, Value: []byte("-12345678901234567890.000100")}, {Type: TypeDecimal, Value: []byte("0.5")},
		{Type: TypeString, Value: []byte("")}, {Type: TypeString, Value: []byte("plain")}, {Type: TypeVarString, Value: []byte("it's")},
		{Type: TypeString, Value: []byte(`a\b`)}, {Type: TypeString, Value: []byte(`\' OR 1=1 -- `)}, {Type: TypeString, Value: []byte(`" ; -- `)},
		{Type: TypeString, Value: []byte("Grüße")}, {Type: TypeString, Value: []byte("☃\\😀'")}, {Type: TypeString, Value: []byte("\x00\n\r\x1a")},
		{Type: TypeString, Value: []byte("12abc")},
		{Type: TypeBlob, Value: []byte("31")}, {Type: TypeBlob, Value: []byte{0, 0xff, '\'', '\\'}}, {Type: TypeLongBlob, Value: []byte{}},
		{Type: TypeDate, Value: []byte{0xe8, 7, 2, 29}}, {Type: TypeDateTime, Value: []byte{0xe8, 7, 2, 29, 23, 59, 58}},
		{Type: TypeDateTime, Value: []byte{0xe8, 7, 2, 29, 23, 59, 58, 1, 0, 0, 0}}, {Type: TypeTimestamp, Value: []byte{0xe8, 7, 2, 29}},
		{Type: TypeTime, Value: []byte{1, 34, 0, 0, 0, 22, 59, 59}}, {Type: TypeTime, Value: []byte{0, 0, 0, 0, 0, 1, 2, 3, 0x40, 0xe2, 1, 0}}, {Type: TypeTime, Value: []byte{}},
		{Type: TypeLong, Null: true}, {Type: TypeNull, Null: true},
	}
	// Temporal values are bound as such but written as strings, so they are compared in use.
	plain := "SELECT HEX(CONCAT(%[1]s)), LENGTH(%[1]s), %[1]s IS NULL, %[1]s + 0, 1e0-%[1]s, (SELECT GROUP_CONCAT(w ORDER BY w, b) FROM words WHERE w = %[1]s), (SELECT COUNT(*) FROM words WHERE b = %[1]s), (SELECT COUNT(*) FROM words WHERE l = %[1]s)"
	temporal := "SELECT CAST(%[1]s AS DATETIME(6)), CAST(%[1]s AS TIME(6)), %[1]s IS NULL, TIMESTAMP'2024-02-29 23:59:58' >= %[1]s, DATE_ADD(%[1]s, INTERVAL 1 DAY)"
	refused := map[string]bool{}
	for _, mode := range []string{"", "NO_BACKSLASH_ESCAPES,ANSI_QUOTES", "ANSI,TRADITIONAL", "PIPES_AS_CONCAT,IGNORE_SPACE,HIGH_NOT_PRECEDENCE"} {
		for _, names := range []string{"utf8mb4", "utf8mb4 COLLATE utf8mb4_bin", "utf8mb3"} {
			s.exec("SET sql_mode='%s'", mode)
			s.exec("SET NAMES %s", names)
			for _, p := range params {
				literal, err := AppendParamLiteral(nil, &p, "")
				if err != nil {
					t.Fatalf("%+v: %v", p, err)
				}
				sql := plain
				if form := p.Type.form(); form == formDateTime || form == formTime {
					sql = temporal
					if p.Type == TypeTime {
						sql = "SELECT CAST(%[1]s AS TIME(6)), TIME_TO_SEC(%[1]s), %[1]s IS NULL, CAST('-10:00:00' AS TIME) > %[1]s"
					}
				}
				if p.Type == TypeDate {
					// Read as a TIME, '2024-02-29' is 00:20:24: the one place where a string shows.
					sql = strings.Replace(sql, "CAST(%[1]s AS TIME(6))", "YEAR(%[1]s)", 1)
				}
				if p.Unsigned {
					// No literal is unsigned by itself below 2^63; it shows in subtraction only.
					sql = strings.Replace(sql, "1e0-%[1]s", "1e0+%[1]s/2", 1)
				}
				n := strings.Count(sql, "%[1]s")
				all := make([]Param, n)
				for i := range all {
					all[i] = p
				}
				columns, bound, err := s.execute(fmt.Sprintf(sql, "?"), all...)
				_, written, err2 := s.query(fmt.Sprintf(sql, literal))
				if refusedAlike(err, err2) {
					// A latin1 column against characters that it does not have, a blob that is no text.
					refused[string(literal)] = true
					continue
				}
				if err != nil || err2 != nil {
					t.Fatalf("%+v as %s under %q: bound %v, written %v", p, literal, mode, err, err2)
				}
				fields, err := ParseTextRow(nil, written[0], len(columns))
				if err != nil {
					t.Fatal(err)
				}
				// Compared as binary rows under the bound statement's columns.
				got, err := AppendBinaryRow(nil, fields, columns)
				if err != nil {
					t.Fatalf("%+v as %s: %v", p, literal, err)
				}
				if !bytes.Equal(got, bound[0]) {
					t.Errorf("%+v as %s under %q, %s:\nwritten %q\nbound   %q", p, literal, mode, names, got, bound[0])
				}
			}
		}
	}
	if len(refused) > 2 {
		t.Errorf("the statement says nothing about these: %v", refused)
	}
	// A literal with an introducer still lets an index serve the column's own collation.
	p := Param{Type: TypeString, Value: []byte(`a\b`)}
	literal, err := AppendParamLiteral(nil, &p, "")
	if err != nil {
		t.Fatal(err)
	}
	_, plan, err := s.query("EXPLAIN SELECT * FROM words WHERE w = " + string(literal))
	if err != nil || !bytes.Contains(plan[0], []byte("ref")) {
		t.Errorf("the index is not used: %q, %v", plan, err)
	}
}
