package proxy

import (
	"cmp"
	"errors"
	"slices"
	"strings"
	"sync"

	"lockstep/backend"
	"lockstep/protocol"
	"lockstep/sharding"
)

// gatherer joins the rows that shards have of one table of information_schema. A row belongs to an object, a table
// mostly; an object's rows are those of the first shard that has it, of the ones where it belongs.
type gatherer struct {
	s       *session
	read    *sharding.SystemRead
	columns []protocol.Column
	at      map[string]int // upper case name → column

	rows   [][]protocol.Field
	owner  map[string]int // object → shard
	byRow  map[string]int // row of an object that is spread → position in rows
	tables map[string]*sharding.Table
	bytes  int
	shards int // that were read
}

// gather reads what the shards have, as one server would show it.
func (s *session) gather(read *sharding.SystemRead) (*shownTable, error) {
	t := &shownTable{
		name: quoteName(sharding.SystemStands) + "." + quoteName(read.Stand), of: read.Table.Name,
		create: "CREATE TEMPORARY TABLE " + quoteName(sharding.SystemStands) + "." + quoteName(read.Stand) +
			" AS SELECT * FROM information_schema." + read.Table.Name + " LIMIT 0",
	}
	g := &gatherer{s: s, read: read, owner: map[string]int{}, byRow: map[string]int{}, tables: map[string]*sharding.Table{}}
	for _, known := range s.planner().Schema().Tables() {
		g.tables[objectKey(known.Database, known.Name)] = known
	}
	if read.Table.Name == "PROCESSLIST" {
		return t, g.processes(t)
	}
	shards := g.sources()
	answers := make([]*backend.Result, len(shards))
	errs := make([]error, len(shards))
	var wait sync.WaitGroup
	for i, shard := range shards {
		wait.Go(func() { answers[i], errs[i] = g.ask(shard, g.query(shard)) })
	}
	wait.Wait()
	if err := errors.Join(errs...); err != nil {
		for _, e := range errs {
			if e != nil {
				return nil, e // the client is told of one
			}
		}
	}
	g.shards = len(shards)
	for i, shard := range shards {
		if err := g.add(shard, answers[i]); err != nil {
			return nil, err
		}
	}
	if err := g.finish(); err != nil {
		return nil, err
	}
	t.columns, t.rows = g.columns, g.rows
	return t, nil
}

// sources are the shards that have to be asked: all that have rows of a table where numbers are added up; otherwise
// as few as have every table between them, those that are up first.
func (g *gatherer) sources() []int {
	p := g.s.p
	var wanted []*sharding.Table
	for _, t := range g.tables {
		if (g.read.Schemas == nil || slices.Contains(g.read.Schemas, t.Database)) && (g.read.Objects == nil || slices.Contains(g.read.Objects, t.Name)) {
			wanted = append(wanted, t)
		}
	}
	use := make([]bool, len(p.shards))
	for i := range p.shards {
		if p.shards[i].Up() {
			use[i] = true // what no table decides is the same on every shard
			break
		}
	}
	if !slices.Contains(use, true) {
		use[0] = true
	}
	for _, t := range wanted {
		switch {
		case g.adds(t):
			for _, i := range t.Rule.Shards {
				use[i] = true
			}
		case len(t.On()) > 0 && !slices.ContainsFunc(t.On(), func(i int) bool { return use[i] }):
			best := t.On()[0]
			for _, i := range t.On() {
				if p.shards[i].Up() {
					best = i
					break
				}
			}
			use[best] = true
		}
	}
	var list []int
	for i, u := range use {
		if u {
			list = append(list, i)
		}
	}
	return list
}

// adds says whether a table's numbers are added up over its shards.
func (g *gatherer) adds(t *sharding.Table) bool {
	return g.read.Numbers && len(g.read.Table.Sums) > 0 && t.Rule.Kind == sharding.Sharded && !t.View
}

// query asks one shard, under its own names.
func (g *gatherer) query(shard int) string {
	text := "SELECT * FROM information_schema." + g.read.Table.Name
	and := " WHERE "
	in := func(column string, names []string) {
		if names == nil {
			return
		}
		switch len(names) {
		case 0:
			text += and + "FALSE"
		case 1:
			text += and + column + " = " + quote(names[0])
		default:
			text += and + column + " IN (" + quote(names[0])
			for _, n := range names[1:] {
				text += ", " + quote(n)
			}
			text += ")"
		}
		and = " AND "
	}
	if g.read.Schemas != nil {
		physical := make([]string, len(g.read.Schemas))
		for i, n := range g.read.Schemas {
			physical[i] = g.s.p.physical(shard, n)
		}
		in(g.read.Table.Schemas[0], physical)
	}
	if len(g.read.Table.Object) > 0 {
		in(g.read.Table.Object[0], g.read.Objects)
	}
	return text
}

func (g *gatherer) ask(shard int, query string) (*backend.Result, error) {
	conn, err := g.s.p.shards[shard].Acquire(g.s.ctx, g.s.p.states.intern(&backend.State{}), true)
	if err != nil {
		return nil, err
	}
	defer conn.Release()
	limit := g.s.p.cfg.Limits.MaxMergeRows
	res, err := conn.Query(g.s.ctx, query, limit)
	var many *backend.TooManyRowsError
	if errors.As(err, &many) {
		return nil, protocol.NewError(erTooBigSelect, "information_schema.%s has more rows than limits.max_merge_rows (%d) allows; name a database", g.read.Table.Name, limit)
	}
	return res, err
}

func objectKey(parts ...string) string { return strings.Join(parts, "\x00") }

// add takes a shard's rows.
func (g *gatherer) add(shard int, res *backend.Result) error {
	if g.at == nil {
		g.columns = res.Columns
		g.at = map[string]int{}
		for i := range res.Columns {
			g.at[strings.ToUpper(res.Columns[i].Name)] = i
		}
	}
	for _, r := range res.Rows {
		if len(r) != len(g.columns) {
			return notSupported("information_schema.%s of shards whose versions differ in its columns", g.read.Table.Name)
		}
		if err := g.addRow(shard, r); err != nil {
			return err
		}
	}
	return nil
}

func (g *gatherer) addRow(shard int, r []protocol.Field) error {
	t := g.read.Table
	database, ok := g.translate(shard, r)
	if !ok {
		return nil
	}
	object := []string{database}
	for _, c := range t.Object {
		object = append(object, g.text(r, c))
	}
	key := objectKey(object...)
	owner, owned := g.owner[key]
	var known *sharding.Table
	if t.OfTable() {
		known = g.tables[key]
	}
	if known != nil && !slices.Contains(known.On(), shard) {
		return nil // a shard where the table does not belong
	}
	switch {
	case !owned:
		g.owner[key] = shard
	case owner == shard:
	case known != nil && g.adds(known):
		return g.sum(key, r)
	default:
		return nil
	}
	for _, f := range r {
		g.bytes += len(f) + 24
	}
	if limit := g.s.p.cfg.Limits.MaxMergeBytes; g.bytes > limit {
		return protocol.NewError(erTooBigSelect, "the rows of information_schema.%s need more than limits.max_merge_bytes (%d); name a database", t.Name, limit)
	}
	if known != nil && g.adds(known) {
		g.byRow[g.rowKey(key, r)] = len(g.rows)
	}
	g.rows = append(g.rows, r)
	return nil
}

// translate gives the row the names of databases that clients know; false: it is not for this client.
func (g *gatherer) translate(shard int, r []protocol.Field) (database string, ok bool) {
	p := g.s.p
	for n, c := range g.read.Table.Schemas {
		i, has := g.at[c]
		if !has || r[i] == nil {
			continue
		}
		physical := string(r[i])
		logical := physical
		if !isServers(physical) {
			logical = p.logicalByName(p.shards[shard].Name(), physical)
		}
		if logical != physical {
			r[i] = protocol.Field(logical)
			if d, has := g.at["VIEW_DEFINITION"]; has && r[d] != nil {
				r[d] = protocol.Field(strings.ReplaceAll(string(r[d]), quoteName(physical)+".", quoteName(logical)+"."))
			}
		}
		if n == 0 {
			database = logical
			if logical == "" || logical == sharding.SystemStands || !g.s.may(logical) {
				return "", false
			}
		}
	}
	return database, true
}

func (g *gatherer) text(r []protocol.Field, column string) string {
	if i, ok := g.at[column]; ok {
		return string(r[i])
	}
	return ""
}

func (g *gatherer) rowKey(object string, r []protocol.Field) string {
	for _, c := range g.read.Table.Row {
		object = objectKey(object, g.text(r, c))
	}
	return object
}

// finish brings the rows in a server's order: its own database first, then by name.
func (g *gatherer) finish() error {
	t := g.read.Table
	if g.shards > 1 {
		slices.SortStableFunc(g.rows, func(a, b []protocol.Field) int {
			x, y := g.text(a, t.Schemas[0]), g.text(b, t.Schemas[0])
			if first := cmp.Compare(btoi(y == "information_schema"), btoi(x == "information_schema")); first != 0 {
				return first
			}
			if c := strings.Compare(x, y); c != 0 || !t.OfTable() {
				return c
			}
			return strings.Compare(g.text(a, t.Object[0]), g.text(b, t.Object[0]))
		})
	}
	if t.Name == "TABLES" && g.read.Numbers {
		return g.finishTables()
	}
	return nil
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}
