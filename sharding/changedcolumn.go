package sharding

import (
	"encoding/hex"
	"strings"
)

// ReadColumn is a column of a table as a Change reads it: in a form that tells its value exactly, in plain ASCII, whatever
// the session's character set, and that can be written as a literal again.
type ReadColumn struct {
	Name string
	At   int // which column of the query it is

	form    columnForm
	charset string // of hexadecimal text
	stamp   bool   // TIMESTAMP: what it shows depends on the time zone
}

type columnForm uint8

const (
	formNumber columnForm = iota + 1 // the text is the literal
	formFloat                        // + 0e0: FLOAT shows fewer digits than it has
	formIndex                        // CAST(… AS UNSIGNED): ENUM, SET and BIT are numbers inside
	formText                         // HEX(…), of characters
	formBytes                        // HEX(…), of bytes
	formQuoted                       // ASCII text: dates, addresses
)

// readColumn says how a column is read. ok is false for types that are not known.
func readColumn(c *ColumnInfo) (r ReadColumn, ok bool) {
	r.Name = c.Name
	switch c.DataType {
	case "tinyint", "smallint", "mediumint", "int", "integer", "bigint", "decimal", "numeric", "year", "double":
		r.form = formNumber
	case "float":
		r.form = formFloat
	case "bit", "enum", "set":
		r.form = formIndex
	case "char", "varchar", "tinytext", "text", "mediumtext", "longtext":
		r.form = formText
		r.charset, _, _ = strings.Cut(c.Collation, "_")
		if r.charset == "" {
			return r, false
		}
	case "json":
		r.form, r.charset = formText, "utf8mb4"
	case "binary", "varbinary", "tinyblob", "blob", "mediumblob", "longblob",
		"geometry", "point", "linestring", "polygon", "multipoint", "multilinestring", "multipolygon", "geometrycollection", "geomcollection":
		r.form = formBytes
	case "date", "datetime", "time", "uuid", "inet4", "inet6":
		r.form = formQuoted
	case "timestamp":
		r.form, r.stamp = formQuoted, true
	default:
		return r, false
	}
	return r, true
}

// expression is what the query selects for the column; qualifier ends with a dot, or is empty.
func (r *ReadColumn) expression(qualifier string) string {
	name := qualifier + string(appendName(nil, r.Name))
	switch r.form {
	case formFloat:
		return "(" + name + "+0e0)"
	case formIndex:
		return "CAST(" + name + " AS UNSIGNED)"
	case formText, formBytes:
		return "HEX(" + name + ")"
	}
	return name
}

// AppendLiteral appends what the query answered for the column, as a literal; nil is NULL.
func (r *ReadColumn) AppendLiteral(dst, text []byte) []byte {
	switch {
	case text == nil:
		return append(dst, "NULL"...)
	case r.form == formText:
		dst = append(append(append(dst, '_'), r.charset...), " X'"...)
		return append(append(dst, text...), '\'')
	case r.form == formBytes:
		return append(append(append(dst, "X'"...), text...), '\'')
	case r.form == formQuoted:
		return append(append(append(dst, '\''), text...), '\'')
	}
	return append(dst, text...)
}

// value is what the query answered for a shard key. It aliases text, or what it appends to dst.
func (r *ReadColumn) value(dst, text []byte) (v Value, _ []byte) {
	switch r.form {
	case formNumber:
		return Value{Kind: ValDecimal, B: text}, dst
	case formText, formBytes:
		at := len(dst)
		dst, _ = hex.AppendDecode(dst, text) // what HEX() answers is well formed
		return Value{Kind: ValBytes, B: dst[at:]}, dst
	}
	return Value{Kind: ValString, B: text}, dst
}

// readColumns are those of names, which a key is made of; the reason says why one cannot be read.
func (t *Table) readColumns(names []string) (list []ReadColumn, reason string) {
	for _, name := range names {
		i, ok := t.column(name)
		if !ok {
			return nil, "column " + name + " of " + t.Name + " is not known"
		}
		r, ok := readColumn(&t.Columns[i])
		switch {
		case !ok:
			return nil, "column " + name + " of " + t.Name + " has type " + t.Columns[i].ColumnType + ", by which its rows are not told apart here"
		case r.stamp:
			return nil, "a key of " + t.Name + " has the TIMESTAMP " + name + ", which does not name a row exactly in every time zone"
		}
		list = append(list, r)
	}
	return list, ""
}
