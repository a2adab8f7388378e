package inserts

import (
	"encoding/binary"
	"strings"
	"testing"

	"lockstep/integration/wireclient"
	"lockstep/protocol"
)

// execute prepares a statement, executes it and closes it.
func execute(t *testing.T, c *wireclient.Conn, sql string, params ...protocol.Param) *wireclient.Answer {
	t.Helper()
	do := func(cmd wireclient.Command) *wireclient.Answer {
		a, err := c.Do(cmd)
		if err != nil {
			t.Fatalf("%s: %v", sql, err)
		}
		return a
	}
	a := do(wireclient.Cmd(wireclient.ComStmtPrepare, []byte(sql)...))
	if a.Results[0].Prepared == nil {
		return a
	}
	id := a.Results[0].Prepared.ID
	a = do(protocol.AppendExecute(nil, id, 0, params))
	do(wireclient.Cmd(wireclient.ComStmtClose, binary.LittleEndian.AppendUint32(nil, id)...))
	return a
}

func number(n int64) protocol.Param {
	return protocol.Param{Type: protocol.TypeLongLong, Value: binary.LittleEndian.AppendUint64(nil, uint64(n))}
}

func text(s string) protocol.Param {
	return protocol.Param{Type: protocol.TypeVarString, Value: []byte(s)}
}

var null = protocol.Param{Type: protocol.TypeNull, Null: true}

// TestPrepared runs the statements of TestStatements as prepared ones, in transactions of some statements each, some of
// which are rolled back.
func TestPrepared(t *testing.T) {
	p := start(t)
	for _, d := range tables {
		p.both(d)
	}
	for i, s := range statements {
		if strings.HasPrefix(s, "SET") {
			p.both(s)
			continue
		}
		if i%5 == 0 {
			p.same("BEGIN")
		}
		got := execute(t, p.proxy, s)
		if code(got) == refusal {
			t.Errorf("%s\n refused: %s", s, got.Detail())
			continue
		}
		p.compare(s, execute(t, p.plain, s), got)
		p.sameTables(s)
		switch i % 15 {
		case 4, 9:
			p.same("COMMIT")
		case 14:
			p.same("ROLLBACK")
			p.sameTables(s)
		}
	}
	p.same("COMMIT")
	p.sameTables(strings.Join(contents, " "))
}

func TestParameters(t *testing.T) {
	p := start(t)
	for _, d := range tables {
		p.both(d)
	}
	p.both(fillA)
	for _, s := range []struct {
		sql    string
		params []protocol.Param
	}{
		{"INSERT INTO a (id, i) VALUES (? + 1, ?), (ABS(?), ?)", []protocol.Param{number(10), number(1), number(-20), null}},
		{"INSERT INTO a (id, s) VALUES (LENGTH(?), ?)", []protocol.Param{text("it's a text of 30 characters!!"), text("it's \\ ä")}},
		{"INSERT INTO a (id, i) VALUES ((SELECT MAX(id) FROM a x WHERE id < ?) + ?, ?)", []protocol.Param{number(15), number(100), number(7)}},
		{"INSERT INTO b SELECT CONCAT(?, id), i, ? FROM a WHERE id < ? ORDER BY id", []protocol.Param{text("p'"), text("q"), number(4)}},
		{"INSERT INTO b SELECT CONCAT(?, id), i, ? FROM a WHERE id < ? ORDER BY id ON DUPLICATE KEY UPDATE w = ?", []protocol.Param{text("p'"), text("q"), number(5), text("dup")}},
		{"INSERT INTO n (v) SELECT s FROM a WHERE id <= ? ORDER BY id LIMIT ?", []protocol.Param{number(5), number(3)}},
		{"REPLACE INTO two SELECT id, ?, i FROM a WHERE id < ?", []protocol.Param{text("x"), number(4)}},
		{"INSERT INTO two VALUES (?, ?, ?), (? + 1, UPPER(?), ?)", []protocol.Param{number(50), text("k"), number(1), number(50), text("k"), number(2)}},
		{"INSERT INTO g SELECT id, ? FROM a WHERE id < ?", []protocol.Param{text("g"), number(4)}},
		{"INSERT INTO one SELECT id, ? FROM a WHERE id < ?", []protocol.Param{text("g"), number(4)}},
		{"INSERT INTO a (id, i) VALUES (?, ?), (?, ?)", []protocol.Param{number(300), number(1), number(300), number(2)}},
	} {
		got := execute(t, p.proxy, s.sql, s.params...)
		if code(got) == refusal {
			t.Errorf("%s\n refused: %s", s.sql, got.Detail())
			continue
		}
		p.compare(s.sql, execute(t, p.plain, s.sql, s.params...), got)
		p.sameTables(s.sql)
	}
}
