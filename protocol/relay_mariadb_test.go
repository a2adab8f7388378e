package protocol

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"
)

// answerShape is what a client makes of an answer: every packet's payload, result by result.
func answerShape(t *testing.T, c *Conn) (shape []string) {
	t.Helper()
	for {
		rows, err := ReadRows(c)
		var refused *ServerError
		if errors.As(err, &refused) {
			return append(shape, refused.Error())
		}
		if err != nil {
			t.Fatal(err)
		}
		for _, col := range rows.Columns() {
			shape = append(shape, fmt.Sprintf("%+v", col))
		}
		for rows.Next() {
			shape = append(shape, string(rows.Payload()))
		}
		sum := rows.Summary()
		shape = append(shape, fmt.Sprintf("%d warnings, status %#x, %d affected, %v", sum.OK.Warnings, sum.OK.Status&^StatusSessionChanged, sum.OK.AffectedRows, rows.Err()))
		if rows.Err() != nil || !sum.MoreResults {
			return shape
		}
	}
}

// What a client reads behind a relay is what it reads from the server itself.
func TestRelayFromMariaDB(t *testing.T) {
	socket := startMariaDB(t)
	direct, relayed := dialShard(t, socket), dialShard(t, socket)
	direct.exec("CREATE DATABASE d")
	direct.exec("CREATE TABLE d.n (id INT PRIMARY KEY, t TEXT) ENGINE=MyISAM")
	direct.exec("INSERT INTO d.n SELECT seq, REPEAT('ä', seq %% 400) FROM d.seq_1_to_3000")
	direct.exec("CREATE PROCEDURE d.p() BEGIN SELECT * FROM d.n LIMIT 100; SELECT 1 AS one, NULL AS two; SELECT 'last' FROM d.n WHERE id < 0; END")
	direct.exec("CREATE PROCEDURE d.q() BEGIN SELECT 1; SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT='stop'; END")
	file := filepath.Join(t.TempDir(), "rows")
	if err := os.WriteFile(file, []byte("5000\tx\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	type request struct {
		name    string
		cmd     Command
		arg     []byte
		written bool
	}
	query := func(sql string) request { return request{sql, ComQuery, []byte(sql), true} }
	requests := []request{
		query("SELECT 1"),
		query("SELECT * FROM d.n ORDER BY id"),
		query("SELECT * FROM d.n WHERE id < 0"),
		query("SELECT REPEAT('x', 17000000), 2"),
		query("SELECT nosuch"),
		query("SELECT id, (SELECT 1 UNION SELECT 2 FROM d.n WHERE n.id = 0 OR m.id > 2000) FROM d.n AS m ORDER BY id"),
		query("CALL d.p()"),
		query("CALL d.q()"),
		query("SHOW VARIABLES LIKE 'char%'"),
		{"an update", ComQuery, []byte("UPDATE d.n SET t = 'x' WHERE id < 5 AND FALSE"), false},
	}
	for _, flags := range []byte{CursorNone, CursorReadOnly} {
		for _, s := range []*shard{direct, relayed} {
			if err := s.WriteCommand(ComStmtPrepare, []byte("SELECT id, t, NULL FROM d.n WHERE id > ? ORDER BY id")); err != nil {
				t.Fatal(err)
			}
			s.flush()
			for range 1 + 2 + 4 { // the answer, a parameter, three columns, and an EOF behind each kind
				if _, err := s.ReadPacket(); err != nil {
					t.Fatal(err)
				}
			}
		}
		e := AppendExecute(nil, uint32(1+flags), flags, []Param{{Type: TypeLong, Value: []byte{100, 0, 0, 0}}})
		requests = append(requests, request{fmt.Sprintf("execute, cursor flags %d", flags), ComStmtExecute, e[1:], true})
	}
	for _, r := range requests {
		t.Run(fmt.Sprintf("%.40s", r.name), func(t *testing.T) {
			for _, s := range []*shard{direct, relayed} {
				if err := errors.Join(s.WriteCommand(r.cmd, r.arg), s.Flush()); err != nil {
					t.Fatal(err)
				}
			}
			want := answerShape(t, direct.Conn)
			client := &scriptConn{}
			dst := answered(client, Options{})
			sum, err := Relay(dst, relayed.Conn, Patch{})
			if err != nil || sum.Started != r.written {
				t.Fatalf("%+v, %v", sum, err)
			}
			if !r.written {
				return
			}
			if err := dst.Flush(); err != nil {
				t.Fatal(err)
			}
			got := answerShape(t, answered(&scriptConn{in: bytes.Clone(client.out.Bytes())}, Options{}))
			if len(got) != len(want) {
				t.Fatalf("%d packets behind the relay, %d from the server", len(got), len(want))
			}
			for i := range got {
				if got[i] != want[i] {
					t.Fatalf("packet %d: %.100q behind the relay, %.100q from the server", i, got[i], want[i])
				}
			}
		})
	}
	t.Run("LOAD DATA LOCAL", func(t *testing.T) {
		sql := fmt.Sprintf("LOAD DATA LOCAL INFILE '%s' INTO TABLE d.n", file)
		if err := errors.Join(relayed.WriteCommand(ComQuery, []byte(sql)), relayed.Flush()); err != nil {
			t.Fatal(err)
		}
		sum, err := Relay(answered(&scriptConn{}, Options{}), relayed.Conn, Patch{})
		var refused *ServerError
		if !errors.As(err, &refused) || refused.Code != ErrNotSupportedYet || sum.Started {
			t.Fatalf("%+v, %v", sum, err)
		}
		if err := relayed.try("DO 1"); err != nil {
			t.Fatalf("the connection is not usable: %v", err)
		}
	})
}
