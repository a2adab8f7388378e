package catalog

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"lockstep/backend"
	"lockstep/protocol"
	"lockstep/sharding"
)

// Databases of the server itself, and ours.
const userDatabases = "table_schema NOT IN ('mysql', 'information_schema', 'performance_schema', 'sys', 'lockstep')"

// shardTables is one shard's catalog under logical names.
type shardTables struct {
	databases []string
	tables    []sharding.TableInfo
}

// anyState asks for nothing: the look-ups qualify all names and mean the same under every sql_mode.
var anyState = &backend.State{}

func readShard(ctx context.Context, s *backend.Shard, o Options) (*shardTables, error) {
	return readTables(ctx, s, o, userDatabases)
}

// readTables reads the tables that the condition on table_schema and table_name holds for.
func readTables(ctx context.Context, s *backend.Shard, o Options, condition string) (*shardTables, error) {
	c, err := s.Acquire(ctx, anyState, true)
	if err != nil {
		return nil, err
	}
	defer c.Release()
	rows := func(sql string) ([][]protocol.Field, error) {
		res, err := c.Query(ctx, sql, o.MaxRows)
		var many *backend.TooManyRowsError
		if errors.As(err, &many) {
			return nil, fmt.Errorf("the tables have more than %d columns or key columns in all: %w", o.MaxRows, err)
		}
		if err != nil {
			return nil, err
		}
		return res.Rows, nil
	}

	out := &shardTables{}
	logical := map[string]string{}
	databases, err := rows("SELECT schema_name FROM information_schema.schemata WHERE " + strings.ReplaceAll(userDatabases, "table_schema", "schema_name"))
	if err != nil {
		return nil, err
	}
	for _, r := range databases {
		if name := o.Logical(s.Name(), string(r[0])); name != "" {
			logical[string(r[0])] = name
			out.databases = append(out.databases, name)
		}
	}

	tables, err := rows("SELECT table_schema, table_name, table_type, table_comment FROM information_schema.tables WHERE " + condition +
		" AND table_type IN ('BASE TABLE', 'SYSTEM VERSIONED', 'VIEW') ORDER BY table_schema, table_name")
	if err != nil {
		return nil, err
	}
	at := map[tableName]int{}
	for _, r := range tables {
		database := logical[string(r[0])]
		if database == "" {
			continue
		}
		at[tableName{string(r[0]), string(r[1])}] = len(out.tables)
		t := sharding.TableInfo{Database: database, Name: string(r[1]), View: string(r[2]) == "VIEW"}
		if !t.View { // the comment of a view is the server's
			t.Declared = sharding.DeclaredRule(string(r[3]))
		}
		out.tables = append(out.tables, t)
	}
	find := func(r []protocol.Field) *sharding.TableInfo {
		if i, ok := at[tableName{string(r[0]), string(r[1])}]; ok {
			return &out.tables[i]
		}
		return nil // made in between, or skipped
	}

	columns, err := rows("SELECT table_schema, table_name, column_name, data_type, column_type, collation_name, character_maximum_length, extra, generation_expression, column_default" +
		" FROM information_schema.columns WHERE " + condition + " ORDER BY table_schema, table_name, ordinal_position")
	if err != nil {
		return nil, err
	}
	for _, r := range columns {
		if t := find(r); t != nil {
			c, err := columnInfo(r[2:], c.Flavor() == backend.MariaDB)
			if err != nil {
				return nil, fmt.Errorf("read the columns of %s.%s: %w", r[0], r[1], err)
			}
			t.Columns = append(t.Columns, c)
		}
	}

	keys, err := rows("SELECT table_schema, table_name, index_name, column_name FROM information_schema.statistics WHERE " + condition +
		" AND non_unique = 0 ORDER BY table_schema, table_name, index_name, seq_in_index")
	if err != nil {
		return nil, err
	}
	addKeys(keys, find)

	definitions, err := rows("SELECT table_schema, table_name, view_definition FROM information_schema.views WHERE " + condition)
	if err != nil {
		return nil, err
	}
	for _, r := range definitions {
		if t := find(r); t != nil {
			t.Definition = renameDatabases(string(r[2]), logical)
		}
	}

	references, err := rows("SELECT k.table_schema, k.table_name, k.constraint_name, k.column_name, k.referenced_table_schema, k.referenced_table_name, k.referenced_column_name, c.update_rule, c.delete_rule" +
		" FROM information_schema.key_column_usage k JOIN information_schema.referential_constraints c" +
		" ON c.constraint_schema = k.constraint_schema AND c.table_name = k.table_name AND c.constraint_name = k.constraint_name" +
		" WHERE " + strings.NewReplacer("table_schema", "k.table_schema", "table_name", "k.table_name").Replace(condition) +
		" AND k.referenced_table_name IS NOT NULL ORDER BY k.table_schema, k.table_name, k.constraint_name, k.ordinal_position")
	if err != nil {
		return nil, err
	}
	addForeignKeys(references, func(physical string) string {
		if name, ok := logical[physical]; ok {
			return name
		}
		return physical
	}, find)

	triggers, err := rows("SELECT DISTINCT event_object_schema, event_object_table FROM information_schema.triggers WHERE " +
		strings.NewReplacer("table_schema", "event_object_schema", "table_name", "event_object_table").Replace(condition))
	if err != nil {
		return nil, err
	}
	for _, r := range triggers {
		if t := find(r); t != nil {
			t.Triggers = true
		}
	}

	// A table that was dropped between the queries has no columns.
	kept := out.tables[:0]
	for _, t := range out.tables {
		if len(t.Columns) > 0 {
			kept = append(kept, t)
		}
	}
	out.tables = kept
	return out, nil
}

// columnInfo reads name, data type, column type, collation, length, extra, generation expression and default.
func columnInfo(r []protocol.Field, mariaDB bool) (sharding.ColumnInfo, error) {
	c := sharding.ColumnInfo{
		Name: string(r[0]), DataType: strings.ToLower(string(r[1])), ColumnType: string(r[2]), Collation: string(r[3]),
		AutoIncrement: strings.Contains(strings.ToLower(string(r[5])), "auto_increment"),
		Generated:     len(r[6]) > 0,
		Invisible:     strings.Contains(strings.ToLower(string(r[5])), "invisible"),
		OnUpdate:      strings.Contains(strings.ToLower(string(r[5])), "on update"),
	}
	c.Default = columnDefault(&c, r[7], string(r[5]), mariaDB)
	if r[3] != nil && r[4] != nil {
		n, err := strconv.ParseUint(string(r[4]), 10, 64)
		if err != nil {
			return c, fmt.Errorf("length of column %s: %w", r[0], err)
		}
		c.CharLength = int(min(n, 1<<32-1))
	}
	return c, nil
}

// columnDefault is the default as an SQL expression. MariaDB tells it as one; MySQL tells the value where it is a constant.
func columnDefault(c *sharding.ColumnInfo, told protocol.Field, extra string, mariaDB bool) string {
	text := string(told)
	switch {
	case told == nil || mariaDB && strings.EqualFold(text, "NULL"):
		return ""
	case mariaDB, strings.Contains(extra, "DEFAULT_GENERATED"), c.DataType == "bit":
		return text
	}
	return literal(text)
}

// addKeys gives the tables their unique keys: rows of schema, table, key and
// column, sorted by key and position. A key over an expression (MySQL) has parts without a column and is left out.
func addKeys(rows [][]protocol.Field, find func([]protocol.Field) *sharding.TableInfo) {
	for i := 0; i < len(rows); {
		j := i
		var columns []string
		whole := true
		for ; j < len(rows) && string(rows[j][0]) == string(rows[i][0]) && string(rows[j][1]) == string(rows[i][1]) && string(rows[j][2]) == string(rows[i][2]); j++ {
			columns = append(columns, string(rows[j][3]))
			whole = whole && rows[j][3] != nil
		}
		if t := find(rows[i]); t != nil && whole {
			if string(rows[i][2]) == "PRIMARY" {
				t.PrimaryKey = columns
			} else {
				t.UniqueKeys = append(t.UniqueKeys, columns)
			}
		}
		i = j
	}
}

// renameDatabases gives the databases in a view's definition, where servers always quote them, their logical names.
func renameDatabases(definition string, logical map[string]string) string {
	var pairs []string
	for physical, name := range logical {
		if physical != name {
			pairs = append(pairs, identifier(physical)+".", identifier(name)+".")
		}
	}
	return strings.NewReplacer(pairs...).Replace(definition)
}

// addForeignKeys gives the tables their references to others: rows of schema, table, constraint, column, the schema, table and
// column that it refers to, and what happens on UPDATE and DELETE, sorted by constraint and position.
func addForeignKeys(rows [][]protocol.Field, logical func(physical string) string, find func([]protocol.Field) *sharding.TableInfo) {
	for i := 0; i < len(rows); {
		k := sharding.ForeignKey{
			Database: logical(string(rows[i][4])), Table: string(rows[i][5]),
			OnUpdate: strings.ToUpper(string(rows[i][7])), OnDelete: strings.ToUpper(string(rows[i][8])),
		}
		j := i
		for ; j < len(rows) && string(rows[j][0]) == string(rows[i][0]) && string(rows[j][1]) == string(rows[i][1]) && string(rows[j][2]) == string(rows[i][2]); j++ {
			k.Columns = append(k.Columns, string(rows[j][3]))
			k.References = append(k.References, string(rows[j][6]))
		}
		if t := find(rows[i]); t != nil {
			t.ForeignKeys = append(t.ForeignKeys, k)
		}
		i = j
	}
}
