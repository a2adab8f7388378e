package proxy

import "lockstep/protocol"

// Collations of what the proxy answers itself, by character_set_results: a number and the bytes of its longest
// character. It is utf8mb4 where another one is asked for.
var ownCollations = map[string]struct {
	id     uint16
	length uint32
}{"utf8mb4": {utf8mb4GeneralCI, 4}, "utf8mb3": {33, 3}, "utf8": {33, 3}, "latin1": {protocol.CharsetLatin1SwedishCI, 1}}

// ownText is the column of a text of at most chars characters, as a server's own SHOW has it.
func (s *session) ownText(name string, chars uint32) protocol.Column {
	c, ok := ownCollations[unquote(s.vars.vars["character_set_results"])]
	if !ok {
		c = ownCollations["utf8mb4"]
	}
	return protocol.Column{Name: name, Type: protocol.TypeVarString, Charset: c.id, Length: c.length * chars, Flags: protocol.FlagNotNull, Decimals: 31}
}

// ownNumber is the column of an integer.
func ownNumber(name string, typ protocol.ColumnType, digits uint32, flags uint16) protocol.Column {
	return protocol.Column{Name: name, Type: typ, Charset: protocol.CharsetBinary, Length: digits, Flags: protocol.FlagBinary | flags}
}

// Drivers turn values into their language's types by these: a code must be a number.
func (s *session) warningColumns() []protocol.Column {
	return []protocol.Column{
		s.ownText("Level", 7),
		ownNumber("Code", protocol.TypeLong, 4, protocol.FlagNotNull|protocol.FlagUnsigned),
		s.ownText("Message", 512),
	}
}

func conditionCountColumns(name string) []protocol.Column {
	return []protocol.Column{ownNumber(name, protocol.TypeLongLong, 21, protocol.FlagUnsigned)}
}

func (s *session) processColumns() []protocol.Column {
	return []protocol.Column{
		ownNumber("Id", protocol.TypeLongLong, 11, protocol.FlagNotNull), s.ownText("User", 128), s.ownText("Host", 64), s.ownText("db", 64),
		s.ownText("Command", 16), ownNumber("Time", protocol.TypeLong, 7, protocol.FlagNotNull), s.ownText("State", 30), s.ownText("Info", 100),
	}
}
