package proxy

import (
	"strings"

	"lockstep/backend"
	"lockstep/sharding"
)

// shownColumn is a column of a SHOW statement: where it comes from in information_schema, and its name.
type shownColumn struct {
	from, name string
	only       backend.Flavor // 0: both families have it
}

// shownForm is how a SHOW statement is a query on information_schema.
type shownForm struct {
	table    string // of information_schema
	database string // its column for FROM database; empty: the statement has no such clause
	like     string // what LIKE compares
	where    string // that holds for all rows
	order    string
	columns  []shownColumn
}

func columnsOf(pairs ...string) []shownColumn {
	var list []shownColumn
	for i := 0; i < len(pairs); i += 2 {
		list = append(list, shownColumn{from: pairs[i], name: pairs[i+1]})
	}
	return list
}

func only(f backend.Flavor, columns []shownColumn) []shownColumn {
	for i := range columns {
		columns[i].only = f
	}
	return columns
}

var routineColumns = append(append(columnsOf("ROUTINE_SCHEMA", "Db", "ROUTINE_NAME", "Name", "ROUTINE_TYPE", "Type"), only(backend.MySQL, columnsOf("EXTERNAL_LANGUAGE", "Language"))...),
	columnsOf("DEFINER", "Definer", "LAST_ALTERED", "Modified", "CREATED", "Created",
		"SECURITY_TYPE", "Security_type", "ROUTINE_COMMENT", "Comment", "CHARACTER_SET_CLIENT", "character_set_client", "COLLATION_CONNECTION", "collation_connection",
		"DATABASE_COLLATION", "Database Collation")...)

// shownForms are the statements whose rows no single shard has.
var shownForms = map[string]shownForm{
	"databases": {table: "SCHEMATA", like: "SCHEMA_NAME", order: "SCHEMA_NAME", columns: columnsOf("SCHEMA_NAME", "Database")},
	"table status": {table: "TABLES", database: "TABLE_SCHEMA", like: "TABLE_NAME", columns: append(columnsOf("TABLE_NAME", "Name", "ENGINE", "Engine", "VERSION", "Version",
		"ROW_FORMAT", "Row_format", "TABLE_ROWS", "Rows", "AVG_ROW_LENGTH", "Avg_row_length", "DATA_LENGTH", "Data_length", "MAX_DATA_LENGTH", "Max_data_length",
		"INDEX_LENGTH", "Index_length", "DATA_FREE", "Data_free", "AUTO_INCREMENT", "Auto_increment", "CREATE_TIME", "Create_time", "UPDATE_TIME", "Update_time",
		"CHECK_TIME", "Check_time", "TABLE_COLLATION", "Collation", "CHECKSUM", "Checksum", "CREATE_OPTIONS", "Create_options", "TABLE_COMMENT", "Comment"),
		only(backend.MariaDB, columnsOf("MAX_INDEX_LENGTH", "Max_index_length", "TEMPORARY", "Temporary"))...)},
	"index": {table: "STATISTICS", database: "TABLE_SCHEMA", columns: append(append(columnsOf("TABLE_NAME", "Table", "NON_UNIQUE", "Non_unique", "INDEX_NAME", "Key_name",
		"SEQ_IN_INDEX", "Seq_in_index", "COLUMN_NAME", "Column_name", "COLLATION", "Collation", "CARDINALITY", "Cardinality", "SUB_PART", "Sub_part", "PACKED", "Packed",
		"NULLABLE", "Null", "INDEX_TYPE", "Index_type", "COMMENT", "Comment", "INDEX_COMMENT", "Index_comment"),
		only(backend.MariaDB, columnsOf("IGNORED", "Ignored"))...), only(backend.MySQL, columnsOf("IS_VISIBLE", "Visible", "EXPRESSION", "Expression"))...)},
	"triggers": {table: "TRIGGERS", database: "TRIGGER_SCHEMA", like: "EVENT_OBJECT_TABLE", columns: columnsOf("TRIGGER_NAME", "Trigger", "EVENT_MANIPULATION", "Event",
		"EVENT_OBJECT_TABLE", "Table", "ACTION_STATEMENT", "Statement", "ACTION_TIMING", "Timing", "CREATED", "Created", "SQL_MODE", "sql_mode", "DEFINER", "Definer",
		"CHARACTER_SET_CLIENT", "character_set_client", "COLLATION_CONNECTION", "collation_connection", "DATABASE_COLLATION", "Database Collation")},
	"events": {table: "EVENTS", database: "EVENT_SCHEMA", like: "EVENT_NAME", columns: columnsOf("EVENT_SCHEMA", "Db", "EVENT_NAME", "Name", "DEFINER", "Definer",
		"TIME_ZONE", "Time zone", "EVENT_TYPE", "Type", "EXECUTE_AT", "Execute at", "INTERVAL_VALUE", "Interval value", "INTERVAL_FIELD", "Interval field",
		"STARTS", "Starts", "ENDS", "Ends", "STATUS", "Status", "ORIGINATOR", "Originator", "CHARACTER_SET_CLIENT", "character_set_client",
		"COLLATION_CONNECTION", "collation_connection", "DATABASE_COLLATION", "Database Collation")},
	"tables":           {table: "TABLES", database: "TABLE_SCHEMA", like: "TABLE_NAME", order: "TABLE_NAME", columns: columnsOf("TABLE_NAME", "Tables_in_", "TABLE_TYPE", "Table_type")},
	"procedure status": {table: "ROUTINES", where: "ROUTINE_TYPE = 'PROCEDURE'", like: "ROUTINE_NAME", columns: routineColumns},
	"function status":  {table: "ROUTINES", where: "ROUTINE_TYPE = 'FUNCTION'", like: "ROUTINE_NAME", columns: routineColumns},
}

// shownQuery is the query on information_schema that says what a SHOW statement says; empty: a shard's own answer is
// a server's.
func (s *session) shownQuery(w *sharding.Show) (string, error) {
	form, ok := shownForms[w.What]
	if !ok || !w.Plain {
		return "", nil
	}
	switch w.What {
	case "tables":
		if !s.p.mapped() {
			return "", nil // the shards' own columns have the database's name
		}
	case "index":
		t, known := s.planner().Schema().Table(w.Database, w.Table)
		if !known || t.View || t.Rule.Kind != sharding.Sharded {
			return "", nil
		}
	}
	if form.database != "" {
		if err := s.checkDatabase(w.Database); err != nil {
			return "", err
		}
	}
	var b strings.Builder
	b.WriteString("SELECT ")
	mariaDB := s.p.mariaDB()
	for i, c := range form.columns {
		if c.only != 0 && (c.only == backend.MariaDB) != mariaDB {
			continue
		}
		name := c.name
		if w.What == "tables" && i == 0 {
			name += w.Database
		}
		if (w.What == "databases" || w.What == "tables") && i == 0 && w.Like != "" {
			name += " (" + likePattern(w.Like) + ")"
		}
		if w.What == "tables" && i > 0 && !w.Full {
			continue
		}
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(c.from + " AS " + quoteName(name))
	}
	b.WriteString(" FROM information_schema." + form.table)
	var conditions []string
	if form.where != "" {
		conditions = append(conditions, form.where)
	}
	if form.database != "" {
		conditions = append(conditions, form.database+" = "+s.literal(w.Database))
	}
	if w.What == "index" {
		conditions = append(conditions, "TABLE_NAME = "+s.literal(w.Table))
	}
	if w.Like != "" && form.like != "" {
		conditions = append(conditions, form.like+" LIKE "+w.Like)
	}
	if len(conditions) > 0 {
		b.WriteString(" WHERE " + strings.Join(conditions, " AND "))
	}
	if form.order != "" {
		b.WriteString(" ORDER BY " + form.order)
	}
	if w.Where != "" {
		return "SELECT * FROM (" + b.String() + ") AS `shown` WHERE " + w.Where, nil
	}
	return b.String(), nil
}

// likePattern is what a plain pattern in quotes says; the columns' names show it.
func likePattern(quoted string) string {
	return strings.ReplaceAll(strings.Trim(quoted, "'\""), "''", "'")
}

// literal writes a name as a string in the session's sql_mode.
func (s *session) literal(name string) string {
	name = strings.ReplaceAll(name, "'", "''")
	if !s.vars.noBackslash {
		name = strings.ReplaceAll(name, `\`, `\\`)
	}
	return "'" + name + "'"
}

// showQuery answers a SHOW statement by a query on information_schema.
func (s *session) showQuery(text string) error {
	rq := &request{sql: []byte(text)}
	st, lits, err := s.planner().Parse(&s.env, rq.sql, nil)
	if err != nil {
		return err
	}
	rq.lits = lits
	return s.data(st, rq)
}
