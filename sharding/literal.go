package sharding

// Literal is a span of the text that was lifted out.
type Literal struct {
	Start, End int
	Kind       LiteralKind
}

// LiteralKind is the kind of a literal; it is part of a statement's shape.
type LiteralKind uint8

const (
	LitInt LiteralKind = iota + 1 // unsigned digits
	LitDecimal
	LitFloat
	LitString // quoted
	LitHex
	LitBit
	LitStrings // several quoted strings, one behind the other: one value
)

// ValueKind is the type of a bound value.
type ValueKind uint8

const (
	ValNull ValueKind = iota
	ValInt
	ValUint
	ValFloat   // text in B
	ValDecimal // text in B
	ValString
	ValBytes    // binary strings
	ValTemporal // text in B
)

// Value is a constant or a bound parameter for routing.
type Value struct {
	Kind ValueKind
	I    int64
	U    uint64
	B    []byte // strings, decimals as text, dates as text
}
