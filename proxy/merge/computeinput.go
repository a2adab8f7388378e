package merge

import (
	"encoding/hex"
	"fmt"
	"strconv"

	"lockstep/protocol"
	"lockstep/sharding"
)

// computeInput writes the values of a column as literals of the type that they have on the shards.
type computeInput struct {
	column int
	kind   valueKind
	open   string // in front of the value's text
	close  string
	name   string
	null   bool // the column can be NULL
}

func newComputeInput(in sharding.Input, cols []protocol.Column) (computeInput, error) {
	if in.Column < 0 || in.Column >= len(cols) {
		return computeInput{}, fmt.Errorf("merge: input column %d is not among %d columns", in.Column, len(cols))
	}
	col := &cols[in.Column]
	c := computeInput{column: in.Column, kind: kindOf(col.Type), name: col.Name, null: col.Flags&protocol.FlagNotNull == 0}
	unknown := protocol.NewError(errNotSupported, "Lockstep cannot compute with column '%s' over several shards: values of its type change on their way", col.Name)
	fraction := ""
	if col.Decimals > 0 {
		fraction = "(" + strconv.Itoa(int(col.Decimals)) + ")"
	}
	switch c.kind {
	case kindInteger:
		c.open, c.close = "CAST(", " AS SIGNED)"
		if col.Flags&protocol.FlagUnsigned != 0 {
			c.close = " AS UNSIGNED)"
		}
	case kindDecimal:
		digits := int(col.Length)
		if col.Decimals > 0 {
			digits-- // the point
		}
		if col.Flags&protocol.FlagUnsigned == 0 {
			digits-- // the sign
		}
		c.open, c.close = "CAST('", fmt.Sprintf("' AS DECIMAL(%d,%d))", min(max(digits, int(col.Decimals), 1), maxDecimalDigits), col.Decimals)
	case kindFloat:
		if col.Type != protocol.TypeDouble || col.Decimals < notFixedDecimals {
			return c, unknown
		}
		c.open, c.close = "CAST('", "' AS DOUBLE)"
	case kindMoment:
		c.open, c.close = "CAST('", "' AS DATETIME"+fraction+")"
		if col.Type == protocol.TypeDate || col.Type == protocol.TypeNewDate {
			c.close = "' AS DATE)"
		}
	case kindTime:
		c.open, c.close = "CAST('", "' AS TIME"+fraction+")"
	case kindBytes:
		from, ok := resultCharset(col.Charset)
		if in.Collation == "" || !ok || !plainName(in.Collation) {
			return c, unknown
		}
		c.open, c.close = "CONVERT(_"+from+" 0x", " USING "+charsetOf(in.Collation)+") COLLATE "+in.Collation
	default:
		return c, unknown
	}
	return c, nil
}

const maxDecimalDigits = 65

// append writes a value. That all rows of a column have the same type, NULL ones too, keeps the derived table's types as they are.
func (c *computeInput) append(dst []byte, f protocol.Field) ([]byte, error) {
	if c.kind == kindBytes && f != nil {
		dst = append(dst, c.open...)
		if len(f) == 0 {
			dst = append(dst[:len(dst)-2], "''"...) // 0x without digits is a name
		} else {
			dst = hex.AppendEncode(dst, f)
		}
		return append(dst, c.close...), nil
	}
	if f == nil {
		open, end := c.open, c.close
		if n := len(open) - 1; open[n] == '\'' {
			open, end = open[:n], end[1:]
		}
		if c.kind == kindBytes {
			open = "CONVERT("
		}
		return append(append(append(dst, open...), "NULL"...), end...), nil
	}
	if err := c.plain(f); err != nil {
		return dst, err
	}
	return append(append(append(dst, c.open...), f...), c.close...), nil
}

// plain refuses what a literal does not give back: the text of a number or a moment has nothing to escape, and a date without month or
// day may be NULL to a server that is told to know none.
func (c *computeInput) plain(f protocol.Field) error {
	for _, b := range f {
		if (b < '0' || b > '9') && b != '-' && b != '.' && b != ':' && b != ' ' && b != 'e' && b != '+' {
			return badValue("value of column "+c.name, f)
		}
	}
	if c.kind == kindMoment && len(f) >= 10 && (string(f[5:7]) == "00" || string(f[8:10]) == "00") {
		return protocol.NewError(errNotSupported, "Lockstep cannot compute with the date '%s' of column '%s' over several shards", f, c.name)
	}
	return nil
}

// resultCharsets are the numbers of collations, by the character set that text in them has come in. MariaDB's NO PAD collations have
// the number of the other one and 1024.
var resultCharsets = []struct {
	from, to uint16
	name     string
}{
	{33, 33, "utf8mb3"}, {76, 76, "utf8mb3"}, {83, 83, "utf8mb3"}, {192, 215, "utf8mb3"}, {2048, 2303, "utf8mb3"},
	{45, 46, "utf8mb4"}, {224, 247, "utf8mb4"}, {255, 323, "utf8mb4"}, {2304, 2559, "utf8mb4"},
	{8, 8, "latin1"}, {5, 5, "latin1"}, {15, 15, "latin1"}, {31, 31, "latin1"}, {47, 49, "latin1"}, {94, 94, "latin1"},
	{11, 11, "ascii"}, {65, 65, "ascii"},
}

// resultCharset names the character set of a column's text as it came.
func resultCharset(collation uint16) (string, bool) {
	if collation > 1024 && collation < 2048 {
		collation -= 1024
	}
	for _, r := range resultCharsets {
		if collation >= r.from && collation <= r.to {
			return r.name, true
		}
	}
	return "", false
}

// charsetOf is the character set of a collation: its name up to the first '_'.
func charsetOf(collation string) string {
	for i := range len(collation) {
		if collation[i] == '_' {
			return collation[:i]
		}
	}
	return collation
}

func plainName(s string) bool {
	for _, b := range []byte(s) {
		if (b < 'a' || b > 'z') && (b < '0' || b > '9') && b != '_' && (b < 'A' || b > 'Z') {
			return false
		}
	}
	return s != ""
}
