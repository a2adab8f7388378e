package sharding

import "maps"

// WithTemporary is the schema as a session sees it that has temporary tables: they are on one shard, and hide tables of their names.
// Their ids are the server's own.
func (s *Schema) WithTemporary(tables []TableInfo, shard int) *Schema {
	own := *s
	own.version = schemaVersions.Add(1)
	own.tables = maps.Clone(s.tables)
	for i := range tables {
		t := emptyTable(&tables[i])
		t.Temporary, t.AutoIncrement = true, ""
		t.Rule = Rule{Kind: Single, Shards: []int{shard}}
		own.tables[tableName{t.Database, t.Name}] = t
	}
	return &own
}
