package sharding

// selectPlanner plans queries.
type selectPlanner struct {
	routing *routing
	parts   *template // the text for several shards; nil: the text as it is
	merge   *Merge    // nil: rows are put one behind the other
	compute *template // what a server computes of merged groups
	having  *template
	late    *template
	limit   *limitClause

	sameTime bool // it asks for the time
}

// limitClause is LIMIT with its values.
type limitClause struct {
	count, offset operand // offset: operandUnknown without
	push          bool    // shards get LIMIT offset + count
}

func (p *selectPlanner) plan(st *Statement, x *execution) error {
	s, any, err := p.routing.where(x)
	if err != nil {
		return err
	}
	if any {
		x.plan.Why = whyOne(p.routing)
		return x.target(x.anyOf(s))
	}
	return p.scatter(st, x, s)
}

func whyOne(r *routing) string {
	switch {
	case len(r.groups) > 0:
		return "the shard key names one shard"
	case r.globalOnly:
		return "every shard has a copy of its tables"
	}
	return "its tables are on one shard"
}

func (p *selectPlanner) scatter(st *Statement, x *execution, s shardSet) error {
	x.plan.Why = "the shard key does not narrow it to one shard"
	x.plan.SameTime = p.sameTime
	if p.merge != nil {
		x.merge = *p.merge
		x.merge.Offset, x.merge.Limit = 0, NoLimit
		if p.limit != nil {
			var err error
			if x.merge.Limit, err = x.count(&p.limit.count); err != nil {
				return err
			}
			if p.limit.offset.kind != operandUnknown {
				if x.merge.Offset, err = x.count(&p.limit.offset); err != nil {
					return err
				}
			}
			x.pushedLimit = x.merge.Limit + x.merge.Offset
			if x.pushedLimit < x.merge.Limit {
				x.pushedLimit = NoLimit
			}
		}
		x.plan.Merge = &x.merge
	}
	if p.parts == nil {
		return x.targets(s)
	}
	for i := s.first(); i >= 0; i = s.next(i + 1) {
		if err := x.targetText(i, p.parts); err != nil {
			return err
		}
	}
	return p.computations(x, s.first())
}

// computations renders what a server computes of merged groups.
func (p *selectPlanner) computations(x *execution, shard int) (err error) {
	if p.compute != nil {
		x.compute = *p.merge.Compute
		x.merge.Compute = &x.compute
		if x.compute.Exprs, err = x.text(p.compute, shard); err != nil {
			return err
		}
		if p.having != nil {
			if x.compute.Having, err = x.text(p.having, shard); err != nil {
				return err
			}
		}
	}
	if p.late != nil {
		x.late = *p.merge.Late
		x.merge.Late = &x.late
		x.late.Exprs, err = x.text(p.late, shard)
	}
	return err
}

// count reads a value of LIMIT.
func (x *execution) count(o *operand) (uint64, error) {
	v, ok := x.value(o)
	switch {
	case ok && v.Kind == ValUint:
		return v.U, nil
	case ok && v.Kind == ValInt && v.I >= 0:
		return uint64(v.I), nil
	case ok && (v.Kind == ValString || v.Kind == ValBytes) && o.kind == operandParam:
		if n, ok := parseDigits(v.B); ok && len(v.B) > 0 {
			return n, nil
		}
	}
	return 0, errorf(codeWrongArguments, "Incorrect arguments to LIMIT")
}
