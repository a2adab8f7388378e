package sharding

import "slices"

// Expected is the names of the shards that a table or view should be on; ok is false where that is not known.
func (s *Schema) Expected(database, name string) (shards []string, ok bool) {
	t, known := s.Table(database, name)
	if !known {
		return nil, false
	}
	at := t.shards()
	if t.View {
		at = t.belongs
	}
	for i := at.first(); i >= 0; i = at.next(i + 1) {
		shards = append(shards, s.shards[i])
	}
	return shards, len(shards) > 0
}

// ShardOf is where a row belongs that has these values in the columns of the shard key, as a server writes them in utf8mb4;
// nil is NULL. ok is false where no shard takes such a row, or where the value cannot be read.
func (t *Table) ShardOf(values [][]byte) (shard int, ok bool) {
	if t.Rule.Kind != Sharded || len(values) != len(t.keys) {
		return 0, false
	}
	keys := make([]keyValue, len(values))
	for i, text := range values {
		if text == nil {
			return 0, false
		}
		v := Value{Kind: ValString, B: text}
		k, _, fits := t.keys[i].convert(nil, &v, charsetUTF8, storing)
		if fits != fitExact {
			return 0, false
		}
		keys[i] = k
	}
	shard = t.place.shardOf(keys)
	return shard, shard >= 0
}

// UniquePerShard lists unique keys, the primary key among them, that do not hold the whole shard key: two shards can have
// equal values in them.
func (t *Table) UniquePerShard() [][]string {
	if t.Rule.Kind != Sharded || t.View {
		return nil
	}
	var out [][]string
	for _, key := range append([][]string{t.PrimaryKey}, t.UniqueKeys...) {
		if len(key) == 0 {
			continue
		}
		for _, part := range t.Rule.Keys {
			if !slices.ContainsFunc(key, func(c string) bool { return foldName(c) == foldName(part) }) {
				out = append(out, key)
				break
			}
		}
	}
	return out
}
