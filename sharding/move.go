package sharding

import (
	"fmt"
	"slices"
)

// Move is how rows go to other shards when an UPDATE changes their shard key. Each row is first updated where it is, so
// that its server works out the new values, with all that belongs to an UPDATE; a row whose new key belongs elsewhere is then
// read, deleted, and inserted on its shard with the same values in every column that is stored.
type Move struct {
	Fresh  []FreshColumn // the primary key as it will be
	Clash  []ClashKey    // unique keys with the shard key in them that the statement changes
	Stored []ReadColumn  // every column that an INSERT gives; At is the position in Rows' answer
	Where  []ReadColumn  // the primary key among Stored
	Place  []ReadColumn  // the shard key among Stored
	Tied   string        // why no row may really go: only rows whose shard stays can be changed
}

// ClashKey is a unique key as it was before the change.
type ClashKey struct {
	Columns []ReadColumn
	Primary bool
}

// FreshColumn is a column of the primary key after the change: a column that stays, or a value that the query works out.
type FreshColumn struct {
	ReadColumn
	Computed bool // At is of an expression, not in the column's form
}

// ForeignKey is a reference from a table's columns to another's.
type ForeignKey struct {
	Columns            []string
	Database, Table    string // that it refers to
	References         []string
	OnUpdate, OnDelete string // CASCADE, SET NULL …, upper case
}

// AppendFreshKey appends what tells a row apart after the change, of the literals of its primary key.
func (m *Move) AppendFreshKey(dst []byte, literals []string) []byte {
	for i, literal := range literals {
		if len(literals) > 1 {
			if i > 0 {
				dst = append(dst, " AND "...)
			}
			dst = append(appendName(dst, m.Fresh[i].Name), '=')
		}
		dst = append(dst, literal...)
	}
	return dst
}

// storedColumns are those that a copy of a row is made of.
func (t *Table) storedColumns() (list []ReadColumn, reason string) {
	for i := range t.Columns {
		c := &t.Columns[i]
		if c.Generated {
			continue
		}
		r, ok := readColumn(c)
		if !ok {
			return nil, fmt.Sprintf("column %s of %s has type %s, whose values are not moved", c.Name, t.Name, c.ColumnType)
		}
		r.At = len(list)
		list = append(list, r)
	}
	return list, ""
}

// AppendRows appends the query for the rows of these keys, as they are after the change.
func (m *Move) AppendRows(dst []byte, t *Table, database string, keys []string) []byte {
	dst = append(dst, "SELECT "...)
	for i := range m.Stored {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(dst, m.Stored[i].expression("")...)
	}
	dst = append(appendQualified(append(dst, " FROM "...), database, t.Name), " WHERE "...)
	return append(AppendRowCondition(dst, m.Where, keys), " FOR UPDATE"...)
}

// AppendDelete appends the statement that takes rows away from where they were.
func (m *Move) AppendDelete(dst []byte, t *Table, database string, keys []string) []byte {
	dst = append(appendQualified(append(dst, "DELETE FROM "...), database, t.Name), " WHERE "...)
	return AppendRowCondition(dst, m.Where, keys)
}

// AppendInsert appends the beginning of the statement that puts rows where they belong; their values follow.
func (m *Move) AppendInsert(dst []byte, t *Table, database string) []byte {
	dst = append(appendQualified(append(dst, "INSERT INTO "...), database, t.Name), " ("...)
	for i := range m.Stored {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = appendName(dst, m.Stored[i].Name)
	}
	return append(dst, ") VALUES "...)
}

// AppendRow appends the values of a row that AppendRows' query answered.
func AppendRow[F ~[]byte](dst []byte, m *Move, fields []F) []byte {
	for i := range m.Stored {
		sep := byte(',')
		if i == 0 {
			sep = '('
		}
		dst = m.Stored[i].AppendLiteral(append(dst, sep), fields[i])
	}
	return append(dst, ')')
}

// AppendClash appends the query that counts the rows which have a unique key now that another row of the statement had
// before. Where there is none, the order in which the rows are changed makes no difference.
func AppendClash(dst []byte, t *Table, database string, key []ReadColumn, keys []string) []byte {
	dst = append(appendQualified(append(dst, "SELECT COUNT(*) FROM "...), database, t.Name), " WHERE "...)
	return AppendRowCondition(dst, key, keys)
}

func appendQualified(dst []byte, database, name string) []byte {
	return appendName(append(appendName(dst, database), '.'), name)
}

// moveOf says how rows of the table move when the columns of set (lower case) change; the reason says why they must not.
func (s *Schema) moveOf(t *Table, set map[string]bool) (m *Move, reason string) {
	m = &Move{Tied: s.tied(t)}
	if m.Stored, reason = t.storedColumns(); reason != "" {
		return nil, reason
	}
	stored := func(name string) (ReadColumn, bool) {
		i := slices.IndexFunc(m.Stored, func(r ReadColumn) bool { return foldName(r.Name) == foldName(name) })
		if i < 0 {
			return ReadColumn{}, false
		}
		return m.Stored[i], true
	}
	for _, name := range t.PrimaryKey {
		r, ok := stored(name)
		if !ok {
			return nil, "the primary key of " + t.Name + " has a generated column, so a moved row cannot be named"
		}
		m.Where = append(m.Where, r)
	}
	for _, name := range t.Rule.Keys {
		place, ok := stored(name)
		if !ok {
			return nil, "the shard key of " + t.Name + " is not stored"
		}
		m.Place = append(m.Place, place)
	}
	for i, key := range append([][]string{t.PrimaryKey}, t.UniqueKeys...) {
		changes := slices.ContainsFunc(key, func(name string) bool { return set[foldName(name)] })
		if !changes || !slices.ContainsFunc(key, t.isKey) {
			continue
		}
		columns, reason := t.readColumns(key)
		if reason != "" {
			return nil, reason
		}
		m.Clash = append(m.Clash, ClashKey{Columns: columns, Primary: i == 0})
	}
	return m, ""
}

// tied says why a row of the table cannot leave its shard: other triggers are meant for a row that is inserted and deleted
// than for one that is updated, and foreign keys are kept by each shard alone. A parent that has copies everywhere is no
// tie. A change that leaves the row where it is can be made all the same: programs write every column of a row back, its
// shard key too.
func (s *Schema) tied(t *Table) string {
	if t.Triggers {
		return "the table has triggers, which would take a row that moves for one that is inserted and one that is deleted"
	}
	for _, f := range t.ForeignKeys {
		parent, ok := s.Table(f.Database, f.Table)
		if !ok || parent.Rule.Kind != Global {
			return "its foreign key refers to " + f.Table + ", whose rows are checked on one shard at a time"
		}
	}
	return s.referred(t)
}

// referred says which other table's rows would have to go with a row of this one.
func (s *Schema) referred(t *Table) string {
	for _, child := range s.tables {
		for _, f := range child.ForeignKeys {
			if f.Database == t.Database && f.Table == t.Name {
				return "rows of " + child.Name + " refer to it by a foreign key, and would have to move too"
			}
		}
	}
	return ""
}

// keepsTogether says whether the reference joins the shard keys of two tables that are placed alike.
func (f *ForeignKey) keepsTogether(child, parent *Table) bool {
	if parent.Rule.Kind != Sharded || len(f.Columns) != len(child.keys) || len(child.keys) != len(parent.keys) || !child.place.same(parent.place) {
		return false
	}
	for i := range f.Columns {
		if child.keyPart(f.Columns[i]) != i || parent.keyPart(f.References[i]) != i || !child.keys[i].sameClass(parent.keys[i]) {
			return false
		}
	}
	return true
}

// cascades says why a change of a table would let a foreign key change the shard key of rows of another table, which would
// then be on the wrong shard. set are the columns that an UPDATE changes (lower case); nil: the rows are deleted.
func (s *Schema) cascades(t *Table, set map[string]bool) string {
	for _, child := range s.tables {
		for _, f := range child.ForeignKeys {
			if f.Database != t.Database || f.Table != t.Name || !slices.ContainsFunc(f.Columns, child.isKey) {
				continue
			}
			action, changes := f.OnDelete, set == nil
			if set != nil {
				action = f.OnUpdate
				changes = slices.ContainsFunc(f.References, func(name string) bool { return set[foldName(name)] })
			}
			switch {
			case !changes || action == "RESTRICT" || action == "NO ACTION":
			case set != nil && action == "CASCADE" && f.keepsTogether(child, t): // it goes where its parent goes
			case set == nil && action == "CASCADE":
			default:
				return fmt.Sprintf("a foreign key (%s) would change the shard key %s of rows of %s, which belong to other shards then", action, child.Rule.Key, child.Name)
			}
		}
	}
	return ""
}
