package sharding

import "strings"

// ColumnClass says how a column takes values of other types.
type ColumnClass uint8

// The classes of columns.
const (
	StringColumn ColumnClass = iota // CHAR, VARCHAR, BINARY, VARBINARY
	LongColumn                      // TEXT, BLOB, JSON: numbers come to them as they are shown
	NumberColumn
	TemporalColumn
	GeometryColumn
	ChoiceColumn // ENUM, SET: a number chooses by position
)

// Class is the column's.
func (c *ColumnInfo) Class() ColumnClass {
	switch c.DataType {
	case "tinyint", "smallint", "mediumint", "int", "integer", "bigint", "decimal", "float", "double", "bit", "year":
		return NumberColumn
	case "date", "datetime", "timestamp", "time":
		return TemporalColumn
	case "enum", "set":
		return ChoiceColumn
	case "json":
		return LongColumn
	case "geometry", "point", "linestring", "polygon", "multipoint", "multilinestring", "multipolygon", "geometrycollection", "geomcollection":
		return GeometryColumn
	}
	if strings.HasSuffix(c.DataType, "text") || strings.HasSuffix(c.DataType, "blob") {
		return LongColumn
	}
	return StringColumn
}

// takesBytes says whether text comes into the column as the bytes of its own character set.
func (c *ColumnInfo) takesBytes() bool {
	return c.DataType == "bit" || strings.HasSuffix(c.DataType, "binary") || strings.HasSuffix(c.DataType, "blob")
}

// inUTF8 says whether the column's text, if it has any, is in UTF-8 or ASCII.
func (c *ColumnInfo) inUTF8() bool {
	return c.Collation == "" || strings.HasPrefix(c.Collation, "utf8") || strings.HasPrefix(c.Collation, "ascii")
}
