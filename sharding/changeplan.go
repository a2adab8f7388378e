package sharding

// changePlanner makes the Change of one execution.
type changePlanner struct {
	read     template
	limit    operand // the count of its LIMIT; operandUnknown: none
	tables   []changedTemplate
	sameTime bool
	check    shardSet // shards with all tables of the statement
	change   Change   // what does not differ from run to run
}

type changedTemplate struct {
	table      ChangedTable
	text, tail template
}

// plan writes the values of this execution into the texts. What it makes is the caller's: the query is run while the plan
// is still needed.
func (p *changePlanner) plan(x *execution, why string) error {
	ch := p.change
	x.plan.Write, x.plan.Why, x.plan.SameTime = true, why, p.sameTime
	if p.limit.kind != operandUnknown {
		n, err := x.count(&p.limit)
		if err != nil {
			return err
		}
		x.pushedLimit = n
		ch.None = n == 0
	}
	physical := x.in.PhysicalDatabase
	x.in.PhysicalDatabase = nil // the query is planned like a client's
	var err error
	ch.Read, err = p.read.render(nil, x, 0)
	x.in.PhysicalDatabase = physical
	if err != nil {
		return err
	}
	ch.Tables = make([]ChangedTable, len(p.tables))
	for i := range p.tables {
		t := &p.tables[i]
		ch.Tables[i] = t.table
		if ch.Tables[i].text, err = t.text.changePieces(x); err != nil {
			return err
		}
		if ch.Tables[i].tail, err = t.tail.changePieces(x); err != nil {
			return err
		}
	}
	ch.Check.Shard = -1
	if s := p.check.first(); s >= 0 && !x.st.prepared {
		ch.Check.Shard = s
		if x.st.mustRender || x.renamed(s) {
			if ch.Check.SQL, err = x.st.rewrite.render(nil, x, s); err != nil {
				return err
			}
		}
	}
	x.plan.Change = &ch
	return nil
}

// changePieces renders all of a template but what differs from shard to shard and from row to row.
func (t *template) changePieces(x *execution) (list []changePiece, err error) {
	var text template
	flush := func() error {
		b, err := text.render(nil, x, 0)
		if err == nil && len(b) > 0 {
			list = append(list, changePiece{text: string(b)})
		}
		text.pieces = text.pieces[:0]
		return err
	}
	for _, p := range t.pieces {
		if p.kind != pieceDatabase && p.kind != pieceValue {
			text.pieces = append(text.pieces, p)
			continue
		}
		if err := flush(); err != nil {
			return nil, err
		}
		list = append(list, changePiece{kind: p.kind, text: p.text, n: p.n})
	}
	return list, flush()
}
