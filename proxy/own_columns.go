package proxy

import "lockstep/protocol"

// serverCharset is the collation that servers give for texts of their own: utf8mb3_general_ci.
const serverCharset = 33

// ownText is the column of a text of at most chars characters, as a server's own SHOW has it.
func ownText(name string, chars uint32) protocol.Column {
	return protocol.Column{Name: name, Type: protocol.TypeVarString, Charset: serverCharset, Length: 3 * chars, Flags: protocol.FlagNotNull, Decimals: 31}
}

// ownNumber is the column of an integer.
func ownNumber(name string, typ protocol.ColumnType, digits uint32, flags uint16) protocol.Column {
	return protocol.Column{Name: name, Type: typ, Charset: protocol.CharsetBinary, Length: digits, Flags: protocol.FlagBinary | flags}
}

// Drivers turn values into their language's types by these: a code must be a number.
func warningColumns() []protocol.Column {
	return []protocol.Column{
		ownText("Level", 7),
		ownNumber("Code", protocol.TypeLong, 4, protocol.FlagNotNull|protocol.FlagUnsigned),
		ownText("Message", 512),
	}
}

func conditionCountColumns(name string) []protocol.Column {
	return []protocol.Column{ownNumber(name, protocol.TypeLongLong, 21, protocol.FlagUnsigned)}
}

func processColumns() []protocol.Column {
	return []protocol.Column{
		ownNumber("Id", protocol.TypeLongLong, 11, protocol.FlagNotNull), ownText("User", 128), ownText("Host", 64), ownText("db", 64),
		ownText("Command", 16), ownNumber("Time", protocol.TypeLong, 7, protocol.FlagNotNull), ownText("State", 30), ownText("Info", 100),
	}
}
