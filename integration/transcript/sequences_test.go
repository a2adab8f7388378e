package transcript

import (
	"encoding/binary"
	"testing"

	"lockstep/integration/wireclient"
	"lockstep/localdb"
)

func command(code byte, arg string) wireclient.Command { return wireclient.Cmd(code, []byte(arg)...) }
func query(sql string) wireclient.Command              { return wireclient.Query(sql) }

func queries(list ...string) []wireclient.Command {
	var cmds []wireclient.Command
	for _, sql := range list {
		cmds = append(cmds, query(sql))
	}
	return cmds
}

var (
	ping  = command(wireclient.ComPing, "")
	reset = command(wireclient.ComResetConnection, "")
	quit  = command(wireclient.ComQuit, "")
)

func prepare(sql string) wireclient.Command { return command(wireclient.ComStmtPrepare, sql) }

// onStatement is a command whose argument begins with a statement's id.
func onStatement(code byte, id uint32, rest string) wireclient.Command {
	return append(wireclient.Command(binary.LittleEndian.AppendUint32([]byte{code}, id)), rest...)
}

// execute is a COM_STMT_EXECUTE without a cursor; rest is its bitmap, types and values.
func execute(id uint32, rest string) wireclient.Command {
	return onStatement(wireclient.ComStmtExecute, id, "\x00\x01\x00\x00\x00"+rest)
}

func longData(id uint32, param uint16, piece string) wireclient.Command {
	return onStatement(wireclient.ComStmtSendLongData, id, string([]byte{byte(param), byte(param >> 8)})+piece)
}

const (
	typeLong   = "\x03\x00"
	typeString = "\xfe\x00"
	typeBlob   = "\xfc\x00"
)

// Reasons, and what the proxy says.
const (
	readsOn     = "MariaDB reads what happens to stand behind the packet"
	otherCode   = "the two servers have different codes for it"
	emptyString = "the server takes a string that is cut off for an empty one: the proxy does not let a value be lost"
)

var (
	malformed = []string{"#1 ERR 1835 HY000"}
	short     = []string{"#1 ERR 1210 HY000"}
)

var sequences = []sequence{
	{name: "pings", commands: []wireclient.Command{ping, command(wireclient.ComPing, "with an argument"), command(wireclient.ComStatistics, ""), ping, command(wireclient.ComStatistics, "x"), ping}},
	{name: "queries", commands: queries("SELECT 1", "SELECT id, v, s FROM t WHERE id = 1", "SELECT id, v, s FROM t ORDER BY id", "SELECT COUNT(*) FROM t WHERE id = 2",
		"SELECT nope FROM t", "SELEC", "", "   ", "/* nothing */", "SELECT id FROM t WHERE id = 99", "SELECT id FROM t WHERE id > 99 ORDER BY id", "SELECT NULL, '', 'x', 1.5, 2e0")},
	{name: "changes", commands: queries("BEGIN", "UPDATE t SET v = 1 WHERE id = 1", "UPDATE t SET v = 1 WHERE id = 1", "UPDATE t SET v = v + 1", "INSERT INTO t VALUES (1, 1, 'x')", "INSERT INTO t VALUES (7, 1, 'x')",
		"INSERT INTO t VALUES (8, 1, 'x'), (9, 1, 'y'), (10, 2, 'z')", "DELETE FROM t WHERE id > 6", "ROLLBACK", "SELECT v FROM t WHERE id = 1")},
	{name: "flags", commands: []wireclient.Command{ping, query("BEGIN"), ping, query("SELECT v FROM t WHERE id = 1"), query("COMMIT"), ping, query("SET autocommit = 0"), ping, query("SELECT v FROM t WHERE id = 1"), ping,
		query("ROLLBACK"), ping, query("START TRANSACTION READ ONLY"), ping, query("SELECT v FROM t WHERE id = 1"), query("COMMIT"), query("SET autocommit = 1"), query("SET sql_mode = 'NO_BACKSLASH_ESCAPES'"), ping, query("SELECT 'a\\b'")}},
	{name: "several statements", commands: queries("SELECT 1; SELECT 2", "SELECT 1; SELEC; SELECT 3", "SELECT 1; SELECT nope FROM t; SELECT 3", "SELECT nope FROM t; SELECT 1", "SELECT 1;", "SELECT 1; SELECT v FROM t WHERE id = 1; DO 1; SELECT id FROM t ORDER BY id",
		"BEGIN; UPDATE t SET v = 5; SELECT v FROM t WHERE id = 3; ROLLBACK", "SET @a = 1; SELECT @a; SELECT 'a;b'", "DO 1; DO 2; DO 3", "SELECT 1")},
	{name: "set option", commands: []wireclient.Command{query("SELECT 1; SELECT 2"), command(wireclient.ComSetOption, "\x01\x00"), query("SELECT 1; SELECT 2"), command(wireclient.ComSetOption, "\x00\x00"), query("SELECT 1; SELECT 2"),
		command(wireclient.ComSetOption, "\x07\x00"), command(wireclient.ComSetOption, "\x00\x01"), command(wireclient.ComSetOption, "\x01\x00more"), query("SELECT 1; SELECT 2"), ping}},
	{name: "set option cut short", commands: []wireclient.Command{command(wireclient.ComSetOption, ""), ping, command(wireclient.ComSetOption, "\x01"), ping}, differs: []difference{
		{command: 0, on: localdb.MariaDB, lines: malformed, why: readsOn}, {command: 2, on: localdb.MariaDB, lines: malformed, why: readsOn}}},
	{name: "init db", commands: []wireclient.Command{command(wireclient.ComInitDB, "e"), query("SELECT v FROM d.t WHERE id = IF(DATABASE() = 'e', 1, 2)"), query("SELECT v FROM t"), command(wireclient.ComInitDB, "nope"), query("SELECT v FROM d.t WHERE id = IF(DATABASE() = 'e', 1, 2)"), command(wireclient.ComInitDB, ""), command(wireclient.ComInitDB, "d"), query("SELECT v FROM t WHERE id = 2")}},
	{name: "field list", commands: []wireclient.Command{command(wireclient.ComFieldList, "t\x00"), command(wireclient.ComFieldList, "t\x00s%"), command(wireclient.ComFieldList, "t\x00nothing"), command(wireclient.ComFieldList, "nope\x00"), ping}},
	{name: "field list cut short", commands: []wireclient.Command{command(wireclient.ComFieldList, "t"), ping, command(wireclient.ComFieldList, ""), ping}, differs: []difference{
		{command: 0, on: localdb.MariaDB, lines: malformed, why: readsOn}, {command: 2, on: localdb.MariaDB, lines: malformed, why: readsOn}}},
	{name: "reset in a transaction", commands: []wireclient.Command{query("SET @a = 1, autocommit = 0"), query("UPDATE t SET v = 99"), ping, reset, ping, query("SELECT v FROM t WHERE id = IF(@a IS NULL AND @@autocommit AND DATABASE() = 'd', 1, 2)"), query("SELECT v FROM t ORDER BY id"),
		query("BEGIN"), query("UPDATE t SET v = 98 WHERE id = 1"), reset, query("SELECT v FROM t WHERE id = 1"), command(wireclient.ComResetConnection, "argument"), ping}},
	{name: "reset forgets statements", commands: []wireclient.Command{prepare("SELECT 1"), execute(nth+1, ""), reset, execute(nth+1, ""), ping}},
	{name: "statements", commands: []wireclient.Command{prepare("SELECT id, v FROM t WHERE id = ?"), execute(nth+1, "\x00\x01"+typeLong+"\x02\x00\x00\x00"), execute(nth+1, "\x00\x00\x03\x00\x00\x00"), execute(nth+1, "\x01\x00"),
		onStatement(wireclient.ComStmtReset, nth+1, ""), execute(nth+1, "\x00\x00\x04\x00\x00\x00"), onStatement(wireclient.ComStmtClose, nth+1, ""), execute(nth+1, "\x00\x00\x03\x00\x00\x00"), onStatement(wireclient.ComStmtReset, nth+1, ""),
		onStatement(wireclient.ComStmtClose, nth+1, ""), ping}},
	{name: "statements over shards", commands: []wireclient.Command{prepare("SELECT id, v, s FROM t WHERE id > ? ORDER BY id"), execute(nth+1, "\x00\x01"+typeLong+"\x02\x00\x00\x00"), execute(nth+1, "\x00\x00\x05\x00\x00\x00"), execute(nth+1, "\x00\x00\x63\x00\x00\x00"), execute(nth+1, "\x01\x00")}},
	{name: "statements that fail", commands: []wireclient.Command{prepare("SELEC"), ping, prepare("SELECT nope FROM t"), prepare(""), prepare("SELECT 1; SELECT 2"), prepare("SELECT 1"), ping}},
	{name: "long data", commands: []wireclient.Command{prepare("SELECT ?, LENGTH(?)"), longData(nth+1, 0, "ab"), longData(nth+1, 0, "cd"), longData(nth+1, 1, "12345"), execute(nth+1, "\x00\x01"+typeBlob+typeBlob),
		longData(nth+1, 0, "only this"), execute(nth+1, "\x00\x00\x03xyz"), execute(nth+1, "\x00\x00\x01a\x01b")}},
	{name: "long data, then reset", commands: []wireclient.Command{prepare("SELECT ?"), longData(nth+1, 0, "forgotten"), onStatement(wireclient.ComStmtReset, nth+1, ""), execute(nth+1, "\x00\x01"+typeString+"\x04kept"), longData(nth+1, 0, ""), execute(nth+1, "\x00\x00")}},
	{name: "long data, then a reset of the connection", commands: []wireclient.Command{prepare("SELECT ?"), longData(nth+1, 0, "forgotten"), reset, execute(nth+1, "\x00\x01"+typeString+"\x04kept"), ping}},
	{name: "long data for nobody", commands: []wireclient.Command{longData(77, 0, "x"), ping, prepare("SELECT ?"), longData(nth+1, 9, "x"), ping, execute(nth+1, "\x00\x01"+typeString+"\x04kept"), execute(nth+1, "\x00\x01"+typeString+"\x04kept"),
		onStatement(wireclient.ComStmtReset, nth+1, ""), execute(nth+1, "\x00\x01"+typeString+"\x04kept")}},
	{name: "long data cut short", commands: []wireclient.Command{prepare("SELECT ?"), command(wireclient.ComStmtSendLongData, "\x01\x00\x00"), ping, command(wireclient.ComStmtSendLongData, ""), ping, command(wireclient.ComStmtSendLongData, "\x01\x00\x00\x00\x00"), ping, execute(nth+1, "\x00\x01"+typeString+"\x04kept")}, only: localdb.MariaDB}, // as below
	{name: "execute of nobody", commands: []wireclient.Command{execute(99, ""), ping, execute(0, ""), prepare("SELECT 1"), execute(nth+2, ""), execute(nth+1, ""), onStatement(wireclient.ComStmtReset, 99, ""), onStatement(wireclient.ComStmtClose, 99, ""), ping}},
	{name: "execute cut short", commands: []wireclient.Command{prepare("SELECT ?, ?"), command(wireclient.ComStmtExecute, ""), ping, command(wireclient.ComStmtExecute, "\x01\x00"), ping, onStatement(wireclient.ComStmtExecute, nth+1, ""), ping,
		onStatement(wireclient.ComStmtExecute, nth+1, "\x00\x01\x00"), ping, execute(nth+1, ""), ping, execute(nth+1, "\x00"), ping, execute(nth+1, "\x00\x01"+typeLong), ping, execute(nth+1, "\x00\x01"+typeLong+typeLong+"\x01\x00\x00"), ping,
		execute(nth+1, "\x00\x01"+typeString+typeString+"\x05abc"), ping, execute(nth+1, "\x00\x01"+typeString+typeString+"\x01a\xfe\xff\xff\xff\xff\xff\xff\xff\xff"), ping, execute(nth+1, "\x00\x01"+typeLong+typeLong+"\x01\x00\x00\x00\x02\x00\x00\x00")}, differs: []difference{
		{command: 9, on: localdb.MariaDB, lines: malformed, why: otherCode}, {command: 11, on: localdb.MariaDB, lines: malformed, why: otherCode}, {command: 15, on: localdb.MySQL, lines: short, why: otherCode},
		{command: 17, lines: short, why: emptyString}, {command: 19, lines: short, why: emptyString}}},
	{name: "execute without types", commands: []wireclient.Command{prepare("SELECT ?"), execute(nth+1, "\x00\x00\x04kept"), ping, execute(nth+1, "\x01\x00"), ping}},
	{name: "execute the last one", commands: []wireclient.Command{prepare("SELECT v FROM t WHERE id = 4"), execute(0xffffffff, ""), ping}, differs: []difference{
		{command: 1, on: localdb.MySQL, lines: []string{"#1 COLUMNS 1", "COLUMN def|d|t|t|v|v charset=63 length=11 type=0x3 flags=0x0 decimals=0", "EOF status=0x2 warnings=0", `ROW "(\x00\x00\x00"`, "EOF status=0x2 warnings=0"},
			why: "MySQL does not know MariaDB's name for the last statement; the proxy may have both behind it"}}},
	{name: "execute the last one, which failed", commands: []wireclient.Command{execute(0xffffffff, ""), prepare("SELECT 1"), prepare("SELEC"), execute(0xffffffff, ""), ping}},
	{name: "statement commands cut short", commands: []wireclient.Command{command(wireclient.ComStmtReset, ""), ping, command(wireclient.ComStmtReset, "\x01"), ping, command(wireclient.ComStmtClose, ""), ping, command(wireclient.ComStmtClose, "\x01"), ping}, differs: []difference{
		{command: 0, lines: malformed, why: readsOn}, {command: 2, lines: malformed, why: readsOn}}, only: localdb.MariaDB}, // MySQL answers to commands that have no answer
	{name: "commands that nobody has", commands: []wireclient.Command{command(0x05, "x"), command(0x06, "x"), command(0x0b, ""), command(0x0f, ""), command(0x10, ""), command(0x14, ""), command(0x40, "x"), command(0x7f, ""), command(0xf0, ""), command(0xff, "x"), ping}},
	{name: "kill of nobody", commands: []wireclient.Command{command(wireclient.ComProcessKill, "\xff\xff\xff\x7e"), ping}, differs: []difference{
		{command: 0, on: localdb.MySQL, lines: []string{"#1 ERR 1094 HY000"}, why: "MySQL has given up the command, MariaDB has it"}}},
	{name: "quit", commands: []wireclient.Command{ping, query("BEGIN"), query("UPDATE t SET v = 1"), quit}},
}

func (p *pair) sequences(t *testing.T) {
	for i := range sequences {
		s := &sequences[i]
		if s.only != "" && s.only != p.engine {
			continue
		}
		t.Run(s.name, func(t *testing.T) { p.check(t, s) })
	}
}
