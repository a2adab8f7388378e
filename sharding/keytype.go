package sharding

import (
	"fmt"
	"strconv"
	"strings"
)

type keyClass uint8

const (
	keyInt keyClass = iota + 1
	keyDecimal
	keyText   // CHAR, VARCHAR, TEXT
	keyBytes  // BINARY, VARBINARY, BLOB
	keyDate   // DATE
	keyMoment // DATETIME
	keyUUID   // MariaDB's UUID
)

// keyType is how values compare with a column, and what the column can store.
type keyType struct {
	class     keyClass
	min, max  keyValue // integers
	precision int      // DECIMAL digits
	scale     int      // DECIMAL digits, DATETIME fraction digits
	length    int      // characters or bytes; 0: not known
	collation *collation
}

// sameClass says whether equal values of both types have equal canonical forms, and whether comparing columns of both
// types is the types' own equality: then `a = b` carries a key from one to the other.
func (t *keyType) sameClass(o *keyType) bool {
	return t != nil && o != nil && t.class == o.class && t.collation == o.collation
}

// ordered says whether canonical forms are ordered as the server orders the values: numbers as such, dates and moments
// digit by digit.
func (t *keyType) ordered() bool {
	return t.class == keyInt || t.class == keyDate || t.class == keyMoment
}

// bound reads the end of a range.
func (t *keyType) bound(text string) (keyValue, bool) {
	if t.class == keyInt {
		return parseIntKey([]byte(text))
	}
	whole := keyType{class: keyMoment, scale: 6}
	if t.class == keyDate {
		whole.class = keyDate
	}
	k, _, f := whole.convert(nil, &Value{Kind: ValString, B: []byte(text)}, charsetUTF8, storing)
	return k, f == fitExact
}

var intBytes = map[string]uint{"tinyint": 1, "smallint": 2, "mediumint": 3, "int": 4, "integer": 4, "bigint": 8}

// newKeyType says what a column is as a shard key; the error says why it cannot be one.
func newKeyType(c *ColumnInfo) (*keyType, error) {
	if n, ok := intBytes[c.DataType]; ok {
		t := &keyType{class: keyInt}
		if strings.Contains(strings.ToLower(c.ColumnType), "unsigned") || strings.Contains(strings.ToLower(c.ColumnType), "zerofill") {
			t.min, t.max = intKey(false, 0), intKey(false, ^uint64(0)>>(64-8*n))
		} else {
			t.min, t.max = intKey(true, 1<<(8*n-1)), intKey(false, 1<<(8*n-1)-1)
		}
		return t, nil
	}
	switch c.DataType {
	case "decimal", "numeric":
		p, s := typeArguments(c.ColumnType, 10, 0)
		return &keyType{class: keyDecimal, precision: p, scale: s}, nil
	case "char", "varchar", "tinytext", "text", "mediumtext", "longtext":
		col, ok := collations[strings.ToLower(c.Collation)]
		if !ok {
			return nil, fmt.Errorf("column %s has collation %q, whose equality is not known: use a binary or a general collation (utf8mb4_bin, utf8mb4_general_ci, …)", c.Name, c.Collation)
		}
		return &keyType{class: keyText, length: c.CharLength, collation: col}, nil
	case "binary", "varbinary", "tinyblob", "blob", "mediumblob", "longblob":
		n, _ := typeArguments(c.ColumnType, c.CharLength, 0)
		return &keyType{class: keyBytes, length: n}, nil
	case "date":
		return &keyType{class: keyDate}, nil
	case "datetime":
		fraction, _ := typeArguments(c.ColumnType, 0, 0)
		return &keyType{class: keyMoment, scale: fraction}, nil
	case "uuid":
		return &keyType{class: keyUUID}, nil
	}
	if c.DataType == "timestamp" {
		return nil, fmt.Errorf("column %s is a TIMESTAMP, which cannot be a shard key: what it shows depends on each session's time zone; use DATETIME", c.Name)
	}
	return nil, fmt.Errorf("column %s has type %s, which cannot be a shard key", c.Name, c.ColumnType)
}

// typeArguments reads the numbers of "decimal(10,2)".
func typeArguments(columnType string, first, second int) (int, int) {
	_, rest, ok := strings.Cut(columnType, "(")
	if !ok {
		return first, second
	}
	rest, _, _ = strings.Cut(rest, ")")
	a, b, _ := strings.Cut(rest, ",")
	if n, err := strconv.Atoi(strings.TrimSpace(a)); err == nil {
		first = n
	}
	if n, err := strconv.Atoi(strings.TrimSpace(b)); err == nil {
		second = n
	}
	return first, second
}
