package sharding

import (
	"errors"
	"slices"
	"strings"
)

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
	InPlace  bool // the table itself is there and whole: no temporary table

	head, tail []byte // of the query that reads the rows
	rows       []scratchRows
}

// scratchRows are the rows that one use of the table needs.
type scratchRows struct {
	where   []byte
	follows []ScratchFollow
}

// ScratchFollow says that only those rows matter whose column is equal to that of a row which an earlier load has brought.
type ScratchFollow struct {
	Load   int    // position in Loads
	Column string // of that one's table
	Own    string
}

// Following is what is known of such rows: a condition, or that there are none. Neither: nothing.
type Following struct {
	Condition string
	None      bool
}

// Filtered says whether the statement's own conditions leave rows out.
func (l *ScratchLoad) Filtered() bool {
	filtered := false
	for i := range l.rows {
		r := &l.rows[i]
		if len(r.where) == 0 && len(r.follows) == 0 {
			return false // a use needs all rows
		}
		filtered = filtered || len(r.where) > 0
	}
	return filtered
}

// Follows are all that have to be known for Query.
func (l *ScratchLoad) Follows() (list []ScratchFollow) {
	for i := range l.rows {
		for _, f := range l.rows[i].follows {
			if !slices.Contains(list, f) {
				list = append(list, f)
			}
		}
	}
	return list
}

// Query reads the columns of the rows that the statement may need, for the planner; nil: there are none. Without filtered it
// reads those that the statement's own conditions would leave out too: for where a condition does more than that.
func (l *ScratchLoad) Query(filtered bool, known map[ScratchFollow]Following) []byte {
	var uses []string
	all := false
	for i := range l.rows {
		use, none := l.rows[i].condition(filtered, known)
		switch {
		case none:
		case use == "":
			all = true
		default:
			uses = append(uses, use)
		}
	}
	if len(uses) == 0 && !all {
		return nil
	}
	out := append([]byte(nil), l.head...)
	if !all {
		out = append(out, " WHERE "+strings.Join(uses, " OR ")...)
	}
	return append(out, l.tail...)
}

func (r *scratchRows) condition(filtered bool, known map[ScratchFollow]Following) (text string, none bool) {
	var list []string
	if filtered && len(r.where) > 0 {
		list = append(list, string(r.where))
	}
	for _, f := range r.follows {
		k := known[f]
		if k.None {
			return "", true
		}
		if k.Condition != "" {
			list = append(list, k.Condition)
		}
	}
	text = strings.Join(list, " AND ")
	if len(list) > 1 && len(r.follows) > 0 {
		text = "(" + text + ")"
	}
	return text, false
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

	sameTime bool // it asks for the time
}

// scratchTable is a table that a query reads from the scratch server.
type scratchTable struct {
	table   *Table
	uses    int
	columns []int
	locked  string // what follows its load: FOR UPDATE and its kin
	rows    []neededRows
}

// neededRows are those that one use needs; the zero value: all.
type neededRows struct {
	where   []piece
	follows []scratchFollow
}

// scratchFollow says that rows matter only where the column own is equal to a column of a row of another table that matters.
type scratchFollow struct {
	from        *Table
	column, own int
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
	x.plan.Scratch, x.plan.SameTime = s, p.sameTime
	if err := x.scratchText(s, st); err != nil {
		return err
	}
	at := make(map[*Table]int, len(p.loads))
	for i := range p.loads {
		l := &p.loads[i]
		out := ScratchLoad{Table: l.table, Database: x.physical(s.Shard, l.table.Database), Uses: l.uses}
		if l.table.Rule.Kind != Sharded && !l.table.Temporary && l.table.shards().has(s.Shard) && !x.in.InTransaction {
			out.InPlace = true
			s.Loads = append(s.Loads, out)
			continue
		}
		out.Columns = l.named()
		if err := p.text(x, s.Shard, l, &out); err != nil {
			return err
		}
		for i := range l.rows {
			for _, f := range l.rows[i].follows {
				if n, ok := at[f.from]; ok {
					out.rows[i].follows = append(out.rows[i].follows, ScratchFollow{Load: n, Column: f.from.Columns[f.column].Name, Own: l.table.Columns[f.own].Name})
				}
			}
		}
		s.Locks = s.Locks || l.locked != ""
		at[l.table] = len(s.Loads)
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

// text makes the query that reads a table's rows.
func (p *scratchPlanner) text(x *execution, shard int, l *scratchTable, out *ScratchLoad) error {
	head := []byte("SELECT ")
	for i, c := range l.columns {
		if i > 0 {
			head = append(head, ", "...)
		}
		head = append(head, l.table.Columns[c].scratchExpression()...)
	}
	out.head = append(head, " FROM "+l.table.rowSource()...)
	out.tail = []byte(l.locked)
	for i := range l.rows {
		where, err := (&template{pieces: l.rows[i].where}).render(nil, x, shard)
		if err != nil {
			return err
		}
		out.rows = append(out.rows, scratchRows{where: where})
	}
	return nil
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
			InPlace: !l.table.Temporary && l.table.shards().has(s.Shard),
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
