package sharding

// Change is the plan of an UPDATE or DELETE that no shard can carry out by the statement's own text: a query names the rows
// and, where other shards' rows are needed for them, their new values; then each shard changes its rows by their primary keys.
type Change struct {
	Read      []byte         // a SELECT … FOR UPDATE with logical names
	Tables    []ChangedTable // in the order in which they are changed
	Check     Target         // a shard that can say what is wrong with the statement itself; Shard -1: none has all its tables
	Returning bool           // DELETE … RETURNING
	OneByOne  bool           // each row by a statement of its own, in the order in which they were read
	Ordered   bool           // by its ORDER BY: warnings count the rows in the order of Read
	Refused   string         // why it is not run after all, unless the server has something to say against it
	None      bool           // LIMIT 0
	Ignore    bool           // UPDATE IGNORE, DELETE IGNORE
	Strict    bool           // what is only a warning to the query could be an error to the statement
}

// ChangedTable is what becomes of one table's rows.
type ChangedTable struct {
	Table  *Table
	Delete bool
	Key    []ReadColumn // the primary key
	Place  []ReadColumn // the shard key; empty where no shard key says where a row is
	Values []ReadValue  // what the statement takes over from the query
	OneRow bool         // the statement changes the primary key by values of the query: each row needs its own
	Move   *Move        // rows may change their shard; nil: they stay

	text []changePiece // the statement up to its WHERE
	tail []changePiece // and what follows that
}

// ReadValue is a new value that the query works out, for a column of a table.
type ReadValue struct {
	At     int
	Column *ColumnInfo
}

type changePiece struct {
	kind pieceKind // text, database or value
	text string
	n    int // position in ChangedTable.Values
}

// AppendRowKey appends what tells a row of the table apart: its key's literal, or a comparison of each column. ok is
// false for the NULLs of an outer join that found no row.
func AppendRowKey[F ~[]byte](dst []byte, key []ReadColumn, fields []F) (_ []byte, ok bool) {
	for i := range key {
		k := &key[i]
		if fields[k.At] == nil {
			return dst, false
		}
		if len(key) > 1 {
			if i > 0 {
				dst = append(dst, " AND "...)
			}
			dst = append(appendName(dst, k.Name), '=')
		}
		dst = k.AppendLiteral(dst, fields[k.At])
	}
	return dst, true
}

// AppendRowCondition appends the condition that holds for the rows of these keys.
func AppendRowCondition(dst []byte, key []ReadColumn, keys []string) []byte {
	for i, k := range keys {
		switch {
		case len(key) > 1 && i > 0:
			dst = append(dst, " OR ("...)
		case len(key) > 1:
			dst = append(dst, '(')
		case i > 0:
			dst = append(dst, ',')
		default:
			dst = append(appendName(dst, key[0].Name), " IN ("...)
		}
		dst = append(dst, k...)
		if len(key) > 1 {
			dst = append(dst, ')')
		}
	}
	if len(key) == 1 {
		dst = append(dst, ')')
	}
	return dst
}

// AppendStatement appends the statement that changes the rows of these keys on a shard. values are the literals of each
// row, in the order of t.Values. physical is the name of a database there (nil: the same).
func (t *ChangedTable) AppendStatement(dst []byte, physical func(string) string, keys []string, values [][]string) []byte {
	dst = t.appendPieces(dst, t.text, physical, keys, values)
	dst = AppendRowCondition(append(dst, " WHERE "...), t.Key, keys)
	return t.appendPieces(dst, t.tail, physical, keys, values)
}

func (t *ChangedTable) appendPieces(dst []byte, pieces []changePiece, physical func(string) string, keys []string, values [][]string) []byte {
	for _, p := range pieces {
		switch p.kind {
		case pieceDatabase:
			name := p.text
			if physical != nil {
				name = physical(name)
			}
			dst = appendName(dst, name)
		case pieceValue:
			dst = t.appendValue(dst, p.n, keys, values)
		default:
			dst = append(dst, p.text...)
		}
	}
	return dst
}

// appendValue appends a value that may differ from row to row.
func (t *ChangedTable) appendValue(dst []byte, n int, keys []string, values [][]string) []byte {
	same := true
	for _, v := range values {
		same = same && v[n] == values[0][n]
	}
	switch {
	case len(values) == 0: // nobody runs it
		return append(dst, '?')
	case same:
		return append(dst, values[0][n]...)
	}
	dst = append(dst, "CASE"...)
	if len(t.Key) == 1 {
		dst = appendName(append(dst, ' '), t.Key[0].Name)
	}
	for i, v := range values {
		dst = append(append(dst, " WHEN "...), keys[i]...)
		dst = append(append(dst, " THEN "...), v[n]...)
	}
	return append(dst, " END"...)
}

// Home is the shard of a row, by its shard key as the query answered it. Tables that are not sharded have no such rows.
func Home[F ~[]byte](t *Table, place []ReadColumn, fields []F) (int, error) {
	if len(place) == 0 {
		return t.Rule.Shards[0], nil
	}
	keys := make([]keyValue, len(place))
	for i := range place {
		text := fields[place[i].At]
		if text == nil {
			return t.Rule.Shards[0], nil // as INSERT has it
		}
		v, scratch := place[i].value(nil, text)
		var f fit
		if keys[i], _, f = t.keys[i].convert(scratch, &v, charsetUTF8, storing); f != fitExact {
			return 0, refuse("the shard key %s of a row of %s has a value that cannot be placed", t.Rule.Keys[i], t.Name)
		}
	}
	shard := t.place.shardOf(keys)
	if shard < 0 {
		return 0, errorf(codeNoPartition, "Table has no partition for value %s: no shard of %s takes this value of %s", shownKey(&keys[0]), t.Name, t.Rule.Key)
	}
	return shard, nil
}
