package proxy

import (
	"regexp"
	"slices"
	"strings"

	"lockstep/protocol"
	"lockstep/sharding"
)

// scratchTable is a temporary table that stands for a table of the shards: with the same columns and keys, so that the
// query means the same and clients are told the same of its columns.
type scratchTable struct {
	name    string // quoted, with its database
	create  string
	unique  []uniqueKey
	columns []string // that SHOW CREATE TABLE lists, in order
}

// uniqueKey is a key that rows of different shards may not keep together: then it becomes a plain one.
type uniqueKey struct {
	name  string // quoted; empty: the primary key
	parts string // in parentheses
}

var (
	quotedName   = regexp.MustCompile("`((?:[^`]|``)+)`")
	tableCharset = regexp.MustCompile(`^\).*? DEFAULT CHARSET=\w+(?: COLLATE=\w+)?`)
	charsetWords = regexp.MustCompile(`DEFAULT CHARSET=.*$`)
	keyLine      = regexp.MustCompile("^(PRIMARY|UNIQUE) KEY (?:(`(?:[^`]|``)+`) )?(\\(.*\\))")
	autoNumber   = regexp.MustCompile(` AUTO_INCREMENT\b`)
)

// newScratchTable makes a temporary table of what SHOW CREATE TABLE says. Nothing of it concerns other tables or where
// rows are kept: foreign keys, partitions, full-text indexes and options of storage are left out.
func newScratchTable(load *sharding.ScratchLoad, definition string) (*scratchTable, error) {
	lines := strings.Split(definition, "\n")
	if len(lines) < 3 || !strings.HasPrefix(lines[0], "CREATE TABLE ") && !strings.HasPrefix(lines[0], "CREATE TEMPORARY TABLE ") {
		return nil, notSupported("bringing the rows of %s to the scratch server: it is no plain table", load.Table.Name)
	}
	t := &scratchTable{name: quoteName(load.Database) + "." + quoteName(load.Table.Name)}
	loaded := func(name string) bool {
		return slices.ContainsFunc(load.Columns, func(c sharding.ScratchColumn) bool { return strings.EqualFold(c.Name, name) })
	}
	var parts []string
	charset := ""
	for _, line := range lines[1:] {
		if strings.HasPrefix(line, ")") {
			charset = charsetWords.FindString(tableCharset.FindString(line))
			break
		}
		line = strings.TrimSuffix(strings.TrimSpace(line), ",")
		if strings.HasPrefix(line, "`") {
			name := nameIn(quotedName.FindStringSubmatch(line))
			t.columns = append(t.columns, name)
			if strings.Contains(strings.ToLower(line), "nextval(") {
				return nil, notSupported("bringing the rows of %s to the scratch server: its column %s takes its default from a sequence", load.Table.Name, name)
			}
			if !loaded(name) {
				line = autoNumber.ReplaceAllString(line, "")
			}
			parts = append(parts, line)
			continue
		}
		if key := t.key(line, loaded); key != "" {
			parts = append(parts, key)
		}
	}
	t.create = "CREATE TEMPORARY TABLE " + t.name + " (\n" + strings.Join(parts, ",\n") + "\n) ENGINE=InnoDB " + charset
	return t, nil
}

func nameIn(match []string) string {
	if match == nil {
		return ""
	}
	return strings.ReplaceAll(match[1], "``", "`")
}

// key is the line of a key or a constraint in the temporary table; empty: it has no such thing.
func (t *scratchTable) key(line string, loaded func(string) bool) string {
	if strings.HasPrefix(line, "KEY ") {
		return line
	}
	m := keyLine.FindStringSubmatch(line)
	if m == nil {
		return ""
	}
	for _, column := range quotedName.FindAllStringSubmatch(m[3], -1) {
		if !loaded(nameIn(column)) && m[1] == "UNIQUE" {
			return strings.TrimPrefix(line, "UNIQUE ") // its values are not all there
		}
	}
	t.unique = append(t.unique, uniqueKey{name: m[2], parts: m[3]})
	return line
}

// asPlainKeys is the statement that makes plain keys of the unique ones; empty: there are none.
func (t *scratchTable) asPlainKeys() string {
	var changes []string
	for _, k := range t.unique {
		if k.name == "" {
			changes = append(changes, "DROP PRIMARY KEY, ADD KEY `lockstep_primary` "+k.parts)
		} else {
			changes = append(changes, "DROP KEY "+k.name+", ADD KEY "+k.name+" "+k.parts)
		}
	}
	t.unique = nil
	if len(changes) == 0 {
		return ""
	}
	return "ALTER TABLE " + t.name + " " + strings.Join(changes, ", ")
}

// fits says whether the columns are those that the planner knows.
func (t *scratchTable) fits(table *sharding.Table) bool {
	if len(t.columns) != len(table.Columns) {
		return false
	}
	for i := range t.columns {
		if !strings.EqualFold(t.columns[i], table.Columns[i].Name) {
			return false
		}
	}
	return true
}

var errScratchDefinition = protocol.NewError(1412, "Table definition has changed, please retry transaction")
