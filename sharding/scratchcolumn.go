package sharding

// Values of a temporary table have to be those of the table, to the last bit, whatever the session's character set, time
// zone and sql_mode: what the text protocol would round or convert is read in another form.

// scratchForm says how the column's values travel.
func (c *ColumnInfo) scratchForm() ScratchForm {
	switch c.DataType {
	case "tinyint", "smallint", "mediumint", "int", "integer", "bigint", "decimal", "numeric", "year", "enum", "set":
		return ScratchNumber
	case "timestamp":
		return ScratchMoment
	case "json":
		return ScratchJSON
	case "float", "double", "real", "date", "datetime", "time", "uuid", "inet4", "inet6":
		return ScratchText
	}
	return ScratchBytes
}

// scratchExpression is what is read for the column.
func (c *ColumnInfo) scratchExpression() string {
	name := string(appendName(nil, c.Name))
	switch c.DataType {
	case "float": // shown with six digits
		return name + "+0e0"
	case "timestamp": // an hour in autumn comes twice
		return "UNIX_TIMESTAMP(" + name + ")"
	case "enum", "set": // 0 is no value of the list
		return "CAST(" + name + " AS UNSIGNED)"
	case "char", "varchar", "tinytext", "text", "mediumtext", "longtext": // in the column's character set
		return "CAST(" + name + " AS BINARY)"
	case "json": // MySQL's: MariaDB's is text
		return "CAST(CAST(" + name + " AS CHAR CHARACTER SET utf8mb4) AS BINARY)"
	}
	return name
}
