package sharding

// execution is the scratch memory of one Plan call; it lives in the Plan, so that nothing is allocated when the Plan is
// used again.
type execution struct {
	st   *Statement
	plan *Plan
	in   *Inputs
	sql  []byte
	lits []Literal

	scratch     []byte // decoded literals and canonical keys
	keys        []keyValue
	texts       []byte // rendered statements
	ids         []uint64
	generated   Generated
	rows        []int // INSERT: shard of each row
	row         int   // INSERT: the row that is written
	split       []int // INSERT: the rows of each target, one after the other
	pushedLimit uint64
	merge       Merge // the plan's, with this execution's LIMIT
	compute     Compute
	late        Compute
}

// Plan routes one execution. Errors: *Error (1235 and a reason for what cannot be answered rightly), or what Reserve,
// Explicit and AppendParam answered.
// dst is reused: its slices grow and stay. The texts in it are valid until dst is used again.
func (st *Statement) Plan(dst *Plan, in *Inputs) error {
	x := &dst.x
	x.st, x.plan, x.in = st, dst, in
	x.sql, x.lits = in.SQL, in.Literals
	if st.prepared {
		x.sql, x.lits = st.own, st.ownLits
	}
	x.scratch, x.texts, x.ids, x.rows, x.split = x.scratch[:0], x.texts[:0], x.ids[:0], x.rows[:0], x.split[:0]
	dst.Targets, dst.Merge, dst.Write, dst.InsertID, dst.AnyShard = dst.Targets[:0], nil, false, 0, false
	dst.System, dst.SystemNamed, dst.Scratch = nil, nil, nil
	dst.SumAffected, dst.Why, dst.SameTime, dst.Ignore, dst.Load = true, "", false, false, nil
	dst.Evaluate, dst.Fill, dst.Returning, dst.Numbers, dst.Generated = nil, nil, false, false, nil
	dst.Change = nil
	if st.planner == nil {
		return refuse("a statement of this kind is not sent to shards")
	}
	return st.planner.plan(st, x)
}

// physical is the name of a database on a shard.
func (x *execution) physical(shard int, database string) string {
	if x.in.PhysicalDatabase == nil || shard == logicalNames {
		return database
	}
	return x.in.PhysicalDatabase(shard, database)
}

func (x *execution) renamed(shard int) bool {
	if x.in.PhysicalDatabase == nil {
		return false
	}
	for _, d := range x.st.databases {
		if x.in.PhysicalDatabase(shard, d) != d {
			return true
		}
	}
	return false
}

// targets adds all shards of a set. A prepared statement runs on several shards as text, so that its parts are alike.
func (x *execution) targets(s shardSet) error {
	several := s.count() > 1
	for i := s.first(); i >= 0; i = s.next(i + 1) {
		var err error
		if several && x.st.prepared {
			err = x.targetText(i, x.st.rewrite)
		} else {
			err = x.target(i)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// target adds a shard that gets the statement as it is, but for slots and physical names.
func (x *execution) target(shard int) error {
	if !x.st.mustRender && !x.renamed(shard) {
		x.plan.Targets = append(x.plan.Targets, Target{Shard: shard})
		return nil
	}
	return x.targetText(shard, x.st.rewrite)
}

// targetText adds a shard that gets t.
func (x *execution) targetText(shard int, t *template) error {
	sql, err := x.text(t, shard)
	if err != nil {
		return err
	}
	x.plan.Targets = append(x.plan.Targets, Target{Shard: shard, SQL: sql})
	return nil
}

// text renders a template for a shard.
func (x *execution) text(t *template, shard int) ([]byte, error) {
	at := len(x.texts)
	var err error
	if x.texts, err = t.render(x.texts, x, shard); err != nil {
		return nil, err
	}
	return x.texts[at:len(x.texts):len(x.texts)], nil
}

// anyOf picks one shard of a set that all hold the same: the caller's preference, or one by the text.
func (x *execution) anyOf(s shardSet) int {
	if p := x.in.Prefer; p >= 0 && p < MaxShards && s.has(p) {
		return p
	}
	if i := s.first(); s.next(i+1) < 0 {
		return i
	}
	return s.pick(finalize(fnvBytes(fnvOffset, x.sql)))
}

// value reads an operand. ok is false when its value is not known before the server runs the statement.
func (x *execution) value(o *operand) (v Value, ok bool) {
	switch o.kind {
	case operandLiteral:
		l := x.lits[o.n]
		v, x.scratch = decodeLiteral(x.scratch, x.sql[l.Start:l.End], l.Kind, o.negative, x.st.env.NoBackslash)
		return v, v.Kind != valUnknown
	case operandMoment:
		l := x.lits[o.n]
		v, x.scratch = decodeLiteral(x.scratch, x.sql[l.Start:l.End], l.Kind, false, x.st.env.NoBackslash)
		v.Kind = ValTemporal // unlike a string, it makes others in the comparison dates
		return v, true
	case operandParam:
		if o.n >= len(x.in.Params) {
			return v, false
		}
		v = x.in.Params[o.n]
		if o.negative {
			return negate(v)
		}
		return v, true
	case operandNull:
		return Value{Kind: ValNull}, true
	case operandBool:
		v = Value{Kind: ValInt, I: int64(o.n)}
		if o.negative {
			v.I = -v.I
		}
		return v, true
	case operandEvaluated:
		if o.n >= len(x.in.Evaluated) {
			return v, false
		}
		return x.in.Evaluated[o.n].Value, true
	case operandFolded:
		if v, ok = o.folded.value(x); ok && o.negative {
			return negate(v)
		}
		return v, ok
	case operandSlot:
		if x.in.Session == nil {
			return v, false
		}
		return x.st.slots[o.n].value(x)
	}
	return v, false
}

func negate(v Value) (Value, bool) {
	switch v.Kind {
	case ValNull:
		return v, true
	case ValInt:
		if v.I != -1<<63 {
			v.I = -v.I
			return v, true
		}
	case ValUint:
		if v.U <= 1<<63 {
			return Value{Kind: ValInt, I: -int64(v.U)}, true
		}
	}
	return v, false
}

// operand is a constant of the text, a parameter or a session value.
type operand struct {
	nullSafe bool // <=>: NULL is a value
	kind     operandKind
	n        int
	negative bool
	folded   *folded
}

type operandKind uint8

const (
	operandUnknown operandKind = iota
	operandLiteral
	operandParam
	operandNull
	operandBool
	operandSlot
	operandDefault
	operandEvaluated // a value of Inputs.Evaluated
	operandMoment    // DATE '…', TIMESTAMP '…'
	operandFolded    // a computation of others
)
