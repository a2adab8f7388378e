package sharding

import (
	"strconv"
	"strings"
)

var typeSynonyms = map[string]string{
	"integer": "int", "int4": "int", "int1": "tinyint", "int2": "smallint", "int3": "mediumint", "int8": "bigint", "bool": "tinyint",
	"boolean": "tinyint", "serial": "bigint", "dec": "decimal", "numeric": "decimal", "fixed": "decimal", "character": "char", "nchar": "char",
	"nvarchar": "varchar", "real": "double",
}

// readColumn reads a column's definition: what information_schema.columns will say about it.
func (c *compiler) readColumn(i, end int, info *TableInfo, tableCollation string) {
	col := ColumnInfo{Name: c.nameOf(i)}
	i++
	if i >= end {
		return
	}
	written := strings.ToLower(c.nameOf(i))
	col.DataType = written
	if s, ok := typeSynonyms[written]; ok {
		col.DataType = s
	}
	typeEnd := i + 1
	if c.punct(typeEnd, '(') {
		closing := min(c.closing(typeEnd), end-1)
		col.ColumnType = col.DataType + c.src[c.startOf(typeEnd):c.endOf(closing)]
		if n, err := strconv.Atoi(c.textOf(typeEnd + 1)); err == nil {
			col.CharLength = n
		}
		typeEnd = closing + 1
	} else {
		col.ColumnType = col.DataType
	}
	text := strings.HasSuffix(col.DataType, "char") || strings.HasSuffix(col.DataType, "text")
	if text {
		col.Collation = tableCollation
		if col.CharLength == 0 && col.DataType == "char" {
			col.CharLength = 1
		}
	}
	if written == "serial" {
		col.ColumnType += " unsigned"
		col.AutoIncrement = true
	}
	for ; typeEnd < end; typeEnd++ {
		switch c.word(typeEnd) {
		case "UNSIGNED", "ZEROFILL":
			col.ColumnType += " unsigned"
		case "AUTO_INCREMENT":
			col.AutoIncrement = true
		case "PRIMARY":
			info.PrimaryKey = []string{col.Name}
		case "KEY":
			if c.word(typeEnd-1) != "UNIQUE" && c.word(typeEnd-1) != "PRIMARY" {
				info.PrimaryKey = []string{col.Name}
			}
		case "COLLATE":
			if text && typeEnd+1 < end {
				col.Collation = strings.ToLower(strings.Trim(c.textOf(typeEnd+1), "'`\""))
			}
		case "CHARSET", "SET":
			if text && typeEnd+1 < end && (c.word(typeEnd) == "CHARSET" || c.word(typeEnd-1) == "CHARACTER") {
				col.Collation = defaultCollation(strings.Trim(c.textOf(typeEnd+1), "'`\""))
			}
		case "INVISIBLE":
			col.Invisible = true
		case "GENERATED", "AS":
			col.Generated = true
		case "COMMENT", "DEFAULT", "REFERENCES":
			typeEnd++
		}
	}
	info.Columns = append(info.Columns, col)
}

// tableCollation reads COLLATE or CHARACTER SET of the table options. Where nothing is said, the server's default applies,
// which is not known here: the common one stands for it, and the catalog says the truth once the table exists.
func (c *compiler) tableCollation(i int) string {
	collation := "utf8mb4_general_ci"
	for ; i < len(c.toks); i++ {
		switch c.word(i) {
		case "COLLATE", "CHARSET", "SET":
			j := i + 1
			if c.punct(j, '=') {
				j++
			}
			if j >= len(c.toks) {
				continue
			}
			name := strings.ToLower(strings.Trim(c.textOf(j), "'`\""))
			if c.word(i) == "COLLATE" {
				return name
			}
			collation = defaultCollation(name)
		}
	}
	return collation
}

func defaultCollation(charset string) string {
	switch charset = strings.ToLower(charset); charset {
	case "latin1":
		return "latin1_swedish_ci"
	case "binary":
		return "binary"
	}
	return charset + "_general_ci"
}
