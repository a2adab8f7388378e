package drivers

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/go-mysql-org/go-mysql/client"
	"github.com/go-mysql-org/go-mysql/mysql"

	"lockstep/integration/cluster"
)

// command sends one command packet and returns the first packet of its answer.
func command(t *testing.T, conn *client.Conn, cmd byte, arg ...byte) []byte {
	t.Helper()
	send(t, conn, cmd, arg...)
	return receive(t, conn)
}

func send(t *testing.T, conn *client.Conn, cmd byte, arg ...byte) {
	t.Helper()
	conn.ResetSequence()
	// The driver's packets begin with room for the header.
	if err := conn.WritePacket(append([]byte{0, 0, 0, 0, cmd}, arg...)); err != nil {
		t.Fatal(err)
	}
}

func receive(t *testing.T, conn *client.Conn) []byte {
	t.Helper()
	if err := conn.SetReadDeadline(time.Now().Add(5 * time.Second)); err != nil {
		t.Fatal(err)
	}
	p, err := conn.ReadPacket()
	if err != nil {
		t.Fatalf("read an answer: %v", err)
	}
	return p
}

func wantOK(t *testing.T, p []byte) {
	t.Helper()
	if len(p) < 7 || p[0] != mysql.OK_HEADER {
		t.Errorf("answer is % x %q, want OK", p, p)
	}
}

// wantError checks the number in an error packet.
func wantError(t *testing.T, p []byte, code uint16) {
	t.Helper()
	if len(p) < 9 || p[0] != mysql.ERR_HEADER || binary.LittleEndian.Uint16(p[1:]) != code {
		t.Errorf("answer is %q, want error %d", p, code)
	}
}

func value(t *testing.T, conn *client.Conn, query string) string {
	t.Helper()
	r, err := conn.Execute(query)
	if err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	s, err := r.GetString(0, 0)
	if err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	return s
}

// TestCommands sends those that drivers seldom do.
func TestCommands(t *testing.T) {
	c := start(t, cluster.Options{})
	exec(t, c.DB("d"), "CREATE TABLE p (id INT PRIMARY KEY, v INT)")
	exec(t, c.DB("d"), "INSERT INTO p VALUES (1, 0), (2, 0), (3, 0), (4, 0)")

	t.Run("ping and statistics", func(t *testing.T) {
		conn := goMySQL(t, c, "")
		wantOK(t, command(t, conn, mysql.COM_PING))
		if s := string(command(t, conn, mysql.COM_STATISTICS)); !strings.HasPrefix(s, "Uptime: ") {
			t.Errorf("statistics: %q", s)
		}
	})
	t.Run("reset connection", func(t *testing.T) {
		conn := goMySQL(t, c, "d")
		st, err := conn.Prepare("SELECT ?")
		if err != nil {
			t.Fatal(err)
		}
		for _, q := range []string{"SET @a = 1, autocommit = 0, sql_mode = '', time_zone = '+07:00'", "BEGIN", "UPDATE p SET v = v + 1"} {
			if _, err := conn.Execute(q); err != nil {
				t.Fatal(err)
			}
		}
		wantOK(t, command(t, conn, mysql.COM_RESET_CONNECTION))
		if got := value(t, conn, "SELECT CONCAT_WS(' ', @a IS NULL, @@autocommit, @@time_zone, @@sql_mode <> '', DATABASE())"); got != "1 1 SYSTEM 1 d" {
			t.Errorf("after the reset: %s", got)
		}
		if got := value(t, conn, "SELECT SUM(v) FROM p"); got != "0" {
			t.Errorf("what was open is not rolled back: %s", got)
		}
		_, err = st.Execute(1)
		if err == nil || mysql.ErrorCode(err.Error()) != 1243 {
			t.Errorf("statement prepared before: %v", err)
		}
	})
	t.Run("change user", func(t *testing.T) {
		conn := goMySQL(t, c, "d")
		id := conn.GetConnectionID()
		for _, q := range []string{"SET @a = 1", "BEGIN", "UPDATE p SET v = v + 1"} {
			if _, err := conn.Execute(q); err != nil {
				t.Fatal(err)
			}
		}
		wantOK(t, changeUser(t, conn, cluster.User, cluster.Password, "information_schema"))
		if got := value(t, conn, "SELECT CONCAT_WS(' ', DATABASE(), @a IS NULL, USER() LIKE 'app@%')"); got != "information_schema 1 1" {
			t.Errorf("after the change: %s", got)
		}
		if got := value(t, conn, "SELECT SUM(v) FROM d.p"); got != "0" {
			t.Errorf("what was open is not rolled back: %s", got)
		}
		if got := value(t, conn, "SELECT CONNECTION_ID()"); got != itoa(id) {
			t.Errorf("id was %d, is %s", id, got)
		}
		wantError(t, changeUser(t, conn, cluster.User, "wrong", ""), 1045)
		wantClosed(t, conn)
		conn = goMySQL(t, c, "d")
		wantError(t, changeUser(t, conn, cluster.User, cluster.Password, "nowhere"), 1049)
		wantClosed(t, conn)
	})
	t.Run("set option", func(t *testing.T) {
		conn := goMySQL(t, c, "d")
		two := []byte("SET @x = 1; SET @y = 2")
		wantError(t, command(t, conn, mysql.COM_QUERY, two...), 1064)
		if p := command(t, conn, mysql.COM_SET_OPTION, 0, 0); p[0] != mysql.EOF_HEADER {
			t.Errorf("answer is % x", p)
		}
		p := command(t, conn, mysql.COM_QUERY, two...)
		wantOK(t, p)
		if binary.LittleEndian.Uint16(p[3:])&mysql.SERVER_MORE_RESULTS_EXISTS == 0 {
			t.Errorf("no more results: % x", p)
		}
		wantOK(t, receive(t, conn))
		if p := command(t, conn, mysql.COM_SET_OPTION, 1, 0); p[0] != mysql.EOF_HEADER {
			t.Errorf("answer is % x", p)
		}
		wantError(t, command(t, conn, mysql.COM_QUERY, two...), 1064)
		wantError(t, command(t, conn, mysql.COM_SET_OPTION, 7, 0), 1047)
		wantOK(t, command(t, conn, mysql.COM_PING))
	})
	t.Run("init db and field list", func(t *testing.T) {
		conn := goMySQL(t, c, "")
		wantError(t, command(t, conn, mysql.COM_FIELD_LIST, []byte("p\x00")...), 1046)
		wantError(t, command(t, conn, mysql.COM_INIT_DB, []byte("nowhere")...), 1049)
		wantOK(t, command(t, conn, mysql.COM_INIT_DB, []byte("d")...))
		if p := command(t, conn, mysql.COM_FIELD_LIST, []byte("p\x00")...); !bytes.Contains(p, []byte("\x02id\x02id")) {
			t.Errorf("first column: %q", p)
		}
		receive(t, conn) // the second
		if p := receive(t, conn); p[0] != mysql.EOF_HEADER {
			t.Errorf("end of columns: % x", p)
		}
	})
	t.Run("statements by hand", func(t *testing.T) {
		conn := goMySQL(t, c, "d")
		wantError(t, command(t, conn, mysql.COM_STMT_EXECUTE, 99, 0, 0, 0, 0, 1, 0, 0, 0), 1243)
		wantError(t, command(t, conn, mysql.COM_STMT_RESET, 99, 0, 0, 0), 1243)
		wantError(t, command(t, conn, mysql.COM_STMT_EXECUTE, 1), 1835)
		send(t, conn, mysql.COM_STMT_CLOSE, 99, 0, 0, 0) // has no answer
		send(t, conn, mysql.COM_STMT_SEND_LONG_DATA, 99, 0, 0, 0, 0, 0, 'x')
		wantOK(t, command(t, conn, mysql.COM_PING))
		p := command(t, conn, mysql.COM_STMT_PREPARE, []byte("SELECT LENGTH(?)")...)
		if p[0] != 0 {
			t.Fatalf("prepare: %q", p)
		}
		id := p[1:5]
		for range 4 { // the parameter, the column, and what closes each
			receive(t, conn)
		}
		for range 3 {
			send(t, conn, mysql.COM_STMT_SEND_LONG_DATA, append(append([]byte{}, id...), 0, 0, 'a', 'b')...)
		}
		execute := append(append([]byte{}, id...), 0, 1, 0, 0, 0, 0, 1, mysql.MYSQL_TYPE_BLOB, 0)
		if got := binaryInteger(t, conn, execute); got != 6 {
			t.Errorf("three pieces of long data are %d bytes", got)
		}
		// RESET forgets pieces; and the types are known from before.
		send(t, conn, mysql.COM_STMT_SEND_LONG_DATA, append(append([]byte{}, id...), 0, 0, 'a', 'b')...)
		wantOK(t, command(t, conn, mysql.COM_STMT_RESET, id...))
		if got := binaryInteger(t, conn, append(append([]byte{}, id...), 0, 1, 0, 0, 0, 0, 0, 3, 'x', 'y', 'z')); got != 3 {
			t.Errorf("after RESET: %d bytes", got)
		}
	})
	t.Run("commands that nobody has", func(t *testing.T) {
		conn := goMySQL(t, c, "d")
		for _, cmd := range []byte{mysql.COM_SLEEP, mysql.COM_SHUTDOWN, mysql.COM_PROCESS_INFO, mysql.COM_DEBUG, mysql.COM_BINLOG_DUMP, mysql.COM_REGISTER_SLAVE, 0x55, 0xff} {
			if p := command(t, conn, cmd, 1, 2, 3, 4); p[0] != mysql.ERR_HEADER {
				t.Errorf("command %#x is answered % x", cmd, p)
			}
		}
		wantOK(t, command(t, conn, mysql.COM_PING))
	})
	t.Run("an empty packet is no command, and a gap in the numbers ends the connection", func(t *testing.T) {
		conn := goMySQL(t, c, "d")
		conn.ResetSequence()
		if err := conn.WritePacket([]byte{0, 0, 0, 0}); err != nil {
			t.Fatal(err)
		}
		wantError(t, receive(t, conn), 1047)
		wantOK(t, command(t, conn, mysql.COM_PING))
		conn = goMySQL(t, c, "d")
		conn.Sequence = 9
		if err := conn.WritePacket([]byte{0, 0, 0, 0, mysql.COM_PING}); err != nil {
			t.Fatal(err)
		}
		if p, err := conn.ReadPacket(); err == nil {
			wantError(t, p, 1156)
		}
		wantClosed(t, conn)
	})
	t.Run("quit", func(t *testing.T) {
		conn := goMySQL(t, c, "d")
		send(t, conn, mysql.COM_QUIT)
		wantClosed(t, conn)
	})
}

// binaryInteger executes a prepared statement whose answer is one integer.
func binaryInteger(t *testing.T, conn *client.Conn, execute []byte) int {
	t.Helper()
	if p := command(t, conn, mysql.COM_STMT_EXECUTE, execute...); p[0] != 1 {
		t.Fatalf("execute: %q", p)
	}
	receive(t, conn) // the column
	receive(t, conn) // its end
	row := receive(t, conn)
	receive(t, conn) // the end of rows
	if len(row) < 6 {
		t.Fatalf("row is % x", row)
	}
	return int(binary.LittleEndian.Uint32(row[2:]))
}

// changeUser sends COM_CHANGE_USER, answers what the server asks and returns the last word.
func changeUser(t *testing.T, conn *client.Conn, user, password, database string) []byte {
	t.Helper()
	arg := append([]byte(user), 0, 0)
	arg = append(append(arg, database...), 0, mysql.DEFAULT_COLLATION_ID, 0)
	arg = append(arg, "dialog\x00"...) // a plugin of others: the server has to ask for its own
	p := command(t, conn, mysql.COM_CHANGE_USER, arg...)
	if p[0] != mysql.EOF_HEADER {
		return p
	}
	plugin, salt, _ := bytes.Cut(p[1:], []byte{0})
	if string(plugin) != mysql.AUTH_NATIVE_PASSWORD {
		t.Fatalf("asked for %q", p)
	}
	response := mysql.CalcNativePassword(bytes.TrimRight(salt, "\x00"), []byte(password))
	if err := conn.WritePacket(append([]byte{0, 0, 0, 0}, response...)); err != nil {
		t.Fatal(err)
	}
	return receive(t, conn)
}

// wantClosed checks that the other side ends the connection, whatever it says before.
func wantClosed(t *testing.T, conn *client.Conn) {
	t.Helper()
	_ = conn.SetReadDeadline(time.Now().Add(3 * time.Second)) // a closed one reads as closed
	var b [256]byte
	for {
		_, err := conn.Conn.Conn.Read(b[:])
		var ne net.Error
		switch {
		case errors.Is(err, io.EOF):
			return
		case errors.As(err, &ne) && ne.Timeout():
			t.Error("the connection stays open")
			return
		case err != nil:
			return
		}
	}
}
