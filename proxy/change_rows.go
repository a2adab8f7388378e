package proxy

import (
	"lockstep/protocol"
	"lockstep/sharding"
)

// namedRows takes the answer of a Change's query: which rows of which tables are meant, where they are, and what they get.
type namedRows struct {
	c       *changing
	change  *sharding.Change
	columns []protocol.Column
	tables  []namedTable
	total   int
	scratch []byte
}

// namedTable is the rows of one table.
type namedTable struct {
	*sharding.ChangedTable
	seen map[rowName]int // its place in rows
	rows []namedRow
}

type rowName struct {
	shard int
	key   string
}

type namedRow struct {
	shard  int // everyCopy: all of the table's
	place  int // among the rows, from 1
	key    string
	values []newValue
	fresh  string   // its key after the change, where rows may move
	clash  []string // the unique keys that it had, as rows are told apart by them
}

const everyCopy = -1

func newNamedRows(c *changing, ch *sharding.Change) *namedRows {
	n := &namedRows{c: c, change: ch, tables: make([]namedTable, len(ch.Tables))}
	for i := range ch.Tables {
		n.tables[i] = namedTable{ChangedTable: &ch.Tables[i], seen: map[rowName]int{}}
	}
	return n
}

// Columns keeps what the values are.
func (n *namedRows) Columns(cols []protocol.Column) error {
	n.columns = append([]protocol.Column(nil), cols...)
	return nil
}

// Row notes the rows that a row of the answer names. A row that is named again is changed once.
func (n *namedRows) Row(fields []protocol.Field) error {
	for i := range n.tables {
		if err := n.add(&n.tables[i], fields); err != nil {
			return err
		}
	}
	return nil
}

func (n *namedRows) add(t *namedTable, fields []protocol.Field) error {
	var found bool
	if n.scratch, found = sharding.AppendRowKey(n.scratch[:0], t.Key, fields); !found {
		return nil
	}
	name := rowName{shard: everyCopy, key: string(n.scratch)}
	if t.Table.Rule.Kind != sharding.Global {
		var err error
		if name.shard, err = sharding.Home(t.Table, t.Place, fields); err != nil {
			return err
		}
	}
	r := namedRow{shard: name.shard, key: name.key}
	for i := range t.Values {
		v, err := literalOf(fields[t.Values[i].At], &n.columns[t.Values[i].At], t.Values[i].Column)
		if err != nil {
			return err
		}
		r.values = append(r.values, v)
	}
	if at, again := t.seen[name]; again {
		for i, v := range t.rows[at].values {
			if v != r.values[i] {
				return notSupported("a row of %s that is joined to several rows with different values for %s: which of them is meant depends on a server's plan", t.Table.Name, t.Values[i].Column.Name)
			}
		}
		return nil
	}
	if err := n.move(t, &r, fields); err != nil {
		return err
	}
	t.seen[name] = len(t.rows)
	r.place = len(t.rows) + 1
	t.rows = append(t.rows, r)
	if n.total++; n.total > n.c.s.p.cfg.Limits.MaxChangedRows {
		n.c.s.p.metrics.keyedRefused.Inc()
		return protocol.NewError(erTooBigSelect, "a change of rows on several shards is of more than %d rows (limits.max_changed_rows): change fewer at a time", n.c.s.p.cfg.Limits.MaxChangedRows)
	}
	return n.c.hold(rowOverhead + 2*len(r.key) + n.size(&r))
}

// rowOverhead is about what a row costs beside its texts.
const rowOverhead = 200

func (n *namedRows) size(r *namedRow) (size int) {
	for _, v := range r.values {
		size += len(v.literal)
	}
	for _, k := range r.clash {
		size += len(k)
	}
	return size + len(r.fresh)
}

// move notes what a row's keys were and will be.
func (n *namedRows) move(t *namedTable, r *namedRow, fields []protocol.Field) error {
	m := t.Move
	if m == nil {
		return nil
	}
	literals := make([]string, len(m.Fresh))
	for i := range m.Fresh {
		f := &m.Fresh[i]
		if !f.Computed {
			literals[i] = string(f.AppendLiteral(nil, fields[f.At]))
			continue
		}
		v, err := literalOf(fields[f.At], &n.columns[f.At], &sharding.ColumnInfo{Name: f.Name, DataType: "varchar"})
		if err != nil {
			return err
		}
		literals[i] = v.literal
	}
	r.fresh = string(m.AppendFreshKey(nil, literals))
	for _, key := range m.Clash {
		text, whole := sharding.AppendRowKey(nil, key.Columns, fields)
		if !whole {
			text = nil // a NULL is equal to no other
		}
		r.clash = append(r.clash, string(text))
	}
	return nil
}

// emptyInfo is what a server says where no row is met.
func (n *namedRows) emptyInfo() string {
	for i := range n.tables {
		if n.tables[i].Delete {
			return ""
		}
	}
	if n.change.None && n.c.s.p.mariaDB() {
		return "" // MariaDB does not even look
	}
	return "Rows matched: 0  Changed: 0  Warnings: 0"
}
