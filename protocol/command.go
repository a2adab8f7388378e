package protocol

import "strconv"

// Command is the first byte of a command packet (COM_*).
type Command byte

// Commands of the client/server protocol, in the order of MySQL's my_command.h.
const (
	ComSleep Command = iota // internal to servers; refused
	ComQuit
	ComInitDB
	ComQuery
	ComFieldList
	ComCreateDB
	ComDropDB
	ComRefresh
	ComShutdown
	ComStatistics
	ComProcessInfo
	ComConnect
	ComProcessKill
	ComDebug
	ComPing
	ComTime
	ComDelayedInsert
	ComChangeUser
	ComBinlogDump
	ComTableDump
	ComConnectOut
	ComRegisterSlave
	ComStmtPrepare
	ComStmtExecute
	ComStmtSendLongData
	ComStmtClose
	ComStmtReset
	ComSetOption
	ComStmtFetch
	ComDaemon
	ComBinlogDumpGTID
	ComResetConnection
	ComClone
	ComSubscribeGroupReplicationStream

	// ComStmtBulkExecute is MariaDB's array binding.
	ComStmtBulkExecute Command = 0xfa
)

var commandNames = [...]string{
	"COM_SLEEP", "COM_QUIT", "COM_INIT_DB", "COM_QUERY", "COM_FIELD_LIST", "COM_CREATE_DB", "COM_DROP_DB",
	"COM_REFRESH", "COM_SHUTDOWN", "COM_STATISTICS", "COM_PROCESS_INFO", "COM_CONNECT", "COM_PROCESS_KILL",
	"COM_DEBUG", "COM_PING", "COM_TIME", "COM_DELAYED_INSERT", "COM_CHANGE_USER", "COM_BINLOG_DUMP",
	"COM_TABLE_DUMP", "COM_CONNECT_OUT", "COM_REGISTER_SLAVE", "COM_STMT_PREPARE", "COM_STMT_EXECUTE",
	"COM_STMT_SEND_LONG_DATA", "COM_STMT_CLOSE", "COM_STMT_RESET", "COM_SET_OPTION", "COM_STMT_FETCH",
	"COM_DAEMON", "COM_BINLOG_DUMP_GTID", "COM_RESET_CONNECTION", "COM_CLONE",
	"COM_SUBSCRIBE_GROUP_REPLICATION_STREAM",
}

// String gives the command's name in the protocol's documentation.
func (c Command) String() string {
	if int(c) < len(commandNames) {
		return commandNames[c]
	}
	if c == ComStmtBulkExecute {
		return "COM_STMT_BULK_EXECUTE"
	}
	return "COM_" + strconv.Itoa(int(c))
}

// Answered says whether a server answers the command: three are one-way.
func (c Command) Answered() bool {
	return c != ComQuit && c != ComStmtClose && c != ComStmtSendLongData
}

// Served says whether servers of any kind and version answer the command with anything but error 1047.
func (c Command) Served() bool {
	switch c {
	case ComSleep, ComCreateDB, ComDropDB, ComConnect, ComTableDump, ComTime, ComDelayedInsert, ComConnectOut, ComDaemon:
		return false
	}
	return int(c) < len(commandNames) || c == ComStmtBulkExecute
}
