package sharding

// ColumnClass says how a column takes values of other types.
type ColumnClass uint8

// The classes of columns.
const (
	StringColumn ColumnClass = iota
	NumberColumn
	TemporalColumn
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
	}
	return StringColumn
}
