package sharding

import "errors"

// Scratch is a query that no shard can answer and whose rows cannot be merged: the rows that it needs are loaded into
// temporary tables on one server, under the names of the tables themselves, and the query runs there as it was written.
type Scratch struct {
	Shard int    // where the query runs
	SQL   []byte // its text there, with the '?' of a prepared statement; nil: as received
	Loads []ScratchLoad
	Locks bool // the loads lock what they read
}

// ScratchLoad fills the temporary table that stands for one table.
type ScratchLoad struct {
	Table    *Table
	Database string // of the temporary table, on the server that the query runs on
	Uses     int    // how often the query reads the table
	Columns  []ScratchColumn
	SQL      []byte // reads the columns of the rows that the query may need; nil: the table itself is there and whole
	Whole    []byte // reads those of all rows, for where a condition in SQL does more than to leave rows out; nil: SQL does
	InPlace  bool   // no temporary table
}

// ScratchColumn is a column that is loaded, and how its values are written so that the temporary table has the very same.
type ScratchColumn struct {
	Name string
	Form ScratchForm
}

// ScratchForm is how a value travels.
type ScratchForm uint8

const (
	ScratchNumber ScratchForm = iota + 1 // as it is
	ScratchText                          // quoted
	ScratchBytes                         // a binary string
	ScratchMoment                        // seconds since 1970, for TIMESTAMP
	ScratchJSON                          // MySQL's JSON
)

// scratchPlanner plans queries that the present ways may refuse: what they refuse goes to the scratch server.
type scratchPlanner struct {
	first   planner // nil: refused for all values
	reason  *Error  // first is nil: why
	loads   []scratchTable
	allowed shardSet // shards where the query can run
}

// scratchTable is a table that a query reads from the scratch server.
type scratchTable struct {
	table   *Table
	uses    int
	columns []int
	locked  string    // what follows its load: FOR UPDATE and its kin
	where   [][]piece // one of them holds for every row that is needed; none: all rows are
}

func (p *scratchPlanner) plan(st *Statement, x *execution) error {
	reason := p.reason
	if p.first != nil {
		err := p.first.plan(st, x)
		if !errors.As(err, &reason) || reason.Code != codeNotSupported {
			return err
		}
	}
	if !x.in.MayScratch {
		return &Error{Code: reason.Code, Message: reason.Message, Scratch: true}
	}
	x.plan.Targets, x.plan.Merge = x.plan.Targets[:0], nil
	x.texts, x.scratch = x.texts[:0], x.scratch[:0]
	return p.load(st, x, reason)
}

func (p *scratchPlanner) load(st *Statement, x *execution, reason *Error) error {
	s := &Scratch{Shard: x.anyOf(p.home())}
	x.plan.Why = "the rows are brought to one server: " + reason.why()
	x.plan.Scratch = s
	if err := x.scratchText(s, st); err != nil {
		return err
	}
	for i := range p.loads {
		l := &p.loads[i]
		out := ScratchLoad{Table: l.table, Database: x.physical(s.Shard, l.table.Database), Uses: l.uses}
		if l.table.Rule.Kind != Sharded && l.table.shards().has(s.Shard) && !x.in.InTransaction {
			out.InPlace = true
			s.Loads = append(s.Loads, out)
			continue
		}
		out.Columns = l.named()
		var err error
		if out.SQL, err = p.text(x, s.Shard, l, l.where); err != nil {
			return err
		}
		if len(l.where) > 0 {
			if out.Whole, err = p.text(x, s.Shard, l, nil); err != nil {
				return err
			}
		}
		s.Locks = s.Locks || l.locked != ""
		s.Loads = append(s.Loads, out)
	}
	return nil
}

// home is the shards where the query is best run: those that have its single tables already.
func (p *scratchPlanner) home() shardSet {
	for i := range p.loads {
		if t := p.loads[i].table; t.Rule.Kind == Single && !p.allowed.and(t.shards()).empty() {
			return p.allowed.and(t.shards())
		}
	}
	return p.allowed
}

// scratchText renders the query for the scratch server.
func (x *execution) scratchText(s *Scratch, st *Statement) error {
	if !st.mustRender && !x.renamed(s.Shard) {
		return nil
	}
	literal := x.in.AppendParam
	x.in.AppendParam = func(dst []byte, _ int) ([]byte, error) { return append(dst, '?'), nil }
	var err error
	s.SQL, err = st.rewrite.render(nil, x, s.Shard)
	x.in.AppendParam = literal
	return err
}

// text is the query that reads a table's rows, for the planner: names are those that clients use.
func (p *scratchPlanner) text(x *execution, shard int, l *scratchTable, where [][]piece) ([]byte, error) {
	t := &template{}
	t.addText("SELECT ")
	for i, c := range l.columns {
		if i > 0 {
			t.addText(", ")
		}
		t.addText(l.table.Columns[c].scratchExpression())
	}
	t.addText(" FROM " + l.table.rowSource())
	for i, w := range where {
		if i == 0 {
			t.addText(" WHERE ")
		} else {
			t.addText(" OR ")
		}
		for _, piece := range w {
			t.add(piece)
		}
	}
	t.addText(l.locked)
	return t.render(nil, x, shard)
}

// Apart gives the tables of a query that no shard has all of, as they would be brought to one server; nil where one has.
func (st *Statement) Apart(physical func(shard int, logical string) string) *Scratch {
	p, ok := st.planner.(*scratchPlanner)
	if !ok || p.first != nil {
		return nil
	}
	home := p.home()
	together := home
	for i := range p.loads {
		together = together.and(p.loads[i].table.shards())
	}
	if !together.empty() {
		return nil
	}
	s := &Scratch{Shard: home.first()}
	for i := range p.loads {
		l := &p.loads[i]
		s.Loads = append(s.Loads, ScratchLoad{
			Table: l.table, Database: physical(s.Shard, l.table.Database), Uses: l.uses, Columns: l.named(),
			InPlace: l.table.shards().has(s.Shard),
		})
	}
	return s
}

// named are the columns that are loaded.
func (l *scratchTable) named() []ScratchColumn {
	list := make([]ScratchColumn, len(l.columns))
	for i, c := range l.columns {
		info := &l.table.Columns[c]
		list[i] = ScratchColumn{Name: info.Name, Form: info.scratchForm()}
	}
	return list
}

const refusal = "Lockstep cannot run this statement: "

// why is the reason alone.
func (e *Error) why() string {
	if len(e.Message) > len(refusal) && e.Message[:len(refusal)] == refusal {
		return e.Message[len(refusal):]
	}
	return e.Message
}
