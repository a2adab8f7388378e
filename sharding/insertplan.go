package sharding

// plan places each row and writes the texts.
func (p *insertPlanner) plan(st *Statement, x *execution) error {
	x.plan.Write, x.plan.Ignore, x.plan.Returning = true, p.ignore, p.returning
	if pending, err := p.evaluation.plan(x); pending || err != nil {
		return err
	}
	x.plan.SameTime = p.sameTime && len(p.table.Rule.Shards) > 1
	if p.table.Rule.Kind == Sharded && !p.keyIsID {
		if err := p.locateAll(x); err != nil { // before numbers are used up
			return err
		}
	}
	if err := p.number(x); err != nil {
		return err
	}
	if p.table.Rule.Kind == Global {
		x.plan.SumAffected = false
		x.plan.Why = "every shard has a copy of the table"
		if x.plan.InsertID == 0 {
			return x.targets(p.table.shards())
		}
		for _, shard := range p.table.Rule.Shards {
			if err := p.send(x, shard, true); err != nil {
				return err
			}
		}
		return nil
	}
	if p.keyIsID {
		if err := p.locateAll(x); err != nil {
			return err
		}
	}
	var shards shardSet
	for _, shard := range x.rows {
		shards.add(shard)
	}
	one := shards.count() == 1
	x.plan.Why = "the shard key of each row names its shard"
	x.plan.SameTime = p.sameTime && !one
	for i := shards.first(); i >= 0; i = shards.next(i + 1) {
		if err := p.send(x, i, one); err != nil {
			return err
		}
	}
	return nil
}

// number reserves AUTO_INCREMENT values for the rows that need one, in one call, and reports those that the statement
// gives itself. x.ids has a value for each row then, 0 where the row keeps its own.
func (p *insertPlanner) number(x *execution) error {
	if !p.numbered {
		return nil
	}
	need, highest := 0, uint64(0)
	for i := range p.rows {
		x.ids = append(x.ids, 0)
		v, generate, err := p.ownID(x, &p.rows[i])
		if err != nil {
			return err
		}
		if generate {
			x.ids[i] = 1
			need++
		}
		highest = max(highest, v)
	}
	if highest > 0 && x.in.Explicit != nil {
		if err := x.in.Explicit(p.table, highest); err != nil {
			return err
		}
	}
	if need == 0 {
		return nil
	}
	if x.in.Reserve == nil {
		return refuse("AUTO_INCREMENT values of %s cannot be reserved here", p.table.Name)
	}
	id, err := x.in.Reserve(p.table, need)
	if err != nil {
		return err
	}
	x.plan.InsertID = id
	if p.ignore || p.onDuplicate {
		x.generated = Generated{Table: p.table, First: id, Last: id + uint64(need) - 1}
		x.plan.Generated = &x.generated
	}
	for i := range x.ids {
		if x.ids[i] != 0 {
			x.ids[i] = id
			id++
		}
	}
	return nil
}

// leavesNumber says whether one of these values has the server generate one.
func (x *execution) leavesNumber(ids []operand) bool {
	for i := range ids {
		if ids[i].kind == operandDefault {
			return true
		}
		v, ok := x.value(&ids[i])
		zero := !x.st.env.hasMode("NO_AUTO_VALUE_ON_ZERO")
		if ok && (v.Kind == ValNull || zero && (v.Kind == ValInt && v.I == 0 || v.Kind == ValUint && v.U == 0)) {
			return true
		}
	}
	return false
}

// ownID is the value that a row gives for the AUTO_INCREMENT column, or that one has to be generated.
func (p *insertPlanner) ownID(x *execution, row *insertRow) (v uint64, generate bool, err error) {
	if row.id.kind == operandDefault {
		return 0, true, nil
	}
	value, ok := x.value(&row.id)
	if !ok {
		return 0, false, refuse("the value of the AUTO_INCREMENT column %s must be a constant", p.table.AutoIncrement)
	}
	switch value.Kind {
	case ValNull:
		return 0, true, nil
	case ValInt:
		if value.I < 0 {
			return 0, false, nil
		}
		v = uint64(value.I)
	case ValUint:
		v = value.U
	default:
		k, f := parseInteger(&value, storing)
		if f != fitExact {
			return 0, false, refuse("the value of the AUTO_INCREMENT column %s must be a whole number", p.table.AutoIncrement)
		}
		if k.negative {
			return 0, false, nil
		}
		v = k.magnitude
	}
	return v, v == 0 && !p.zeroIsValue, nil
}

func (p *insertPlanner) locateAll(x *execution) error {
	for i := range p.rows {
		shard, err := p.locate(x, i)
		if err != nil {
			return err
		}
		x.rows = append(x.rows, shard)
	}
	return nil
}

// locate is the shard of row i.
func (p *insertPlanner) locate(x *execution, i int) (int, error) {
	t := p.table
	x.keys = x.keys[:0]
	null := false
	for part := range t.keys {
		isNull, err := p.keyValue(x, i, part)
		if err != nil {
			return 0, err
		}
		null = null || isNull
	}
	if null {
		return t.Rule.Shards[0], nil // comparisons with NULL are not narrowed to a shard
	}
	shard := t.place.shardOf(x.keys)
	if shard < 0 {
		return 0, errorf(1526, "Table has no partition for value %s: no shard of %s takes this value of %s (row %d)", shownKey(&x.keys[0]), t.Name, t.Rule.Key, i+1)
	}
	return shard, nil
}

// keyValue appends the value that row i has in a column of the shard key to x.keys.
func (p *insertPlanner) keyValue(x *execution, i, part int) (null bool, err error) {
	t, o := p.table, &p.rows[i].keys[part]
	name := t.Rule.Keys[part]
	if p.keyIsID && x.ids[i] != 0 && t.isID(part) {
		k := intKey(false, x.ids[i])
		if k.compare(t.keys[part].max) > 0 {
			return false, errorf(1467, "Failed to read auto-increment value from storage engine")
		}
		x.keys = append(x.keys, k)
		return false, nil
	}
	if o.kind == operandDefault {
		if !p.strict {
			return false, refuse("row %d has no value for the shard key %s of %s, and without strict mode the server stores one of its own", i+1, name, t.Name)
		}
		return true, nil // NULL, or else the server says that the column has no default
	}
	v, ok := x.value(o)
	if !ok {
		return false, refuse("the value of the shard key %s in row %d must be a constant or a parameter", name, i+1)
	}
	if v.Kind == ValNull {
		if !p.strict {
			return false, refuse("the shard key %s is NULL in row %d, and without strict mode the server may store another value", name, i+1)
		}
		return true, nil
	}
	k, scratch, f := t.keys[part].convert(x.scratch, &v, x.st.charset, storing)
	x.scratch = scratch
	switch {
	case f == fitUnknown:
		return false, refuse("the value of the shard key %s in row %d is not of the column's type, so the value that the server would store is not certain", name, i+1)
	case f == fitOverflow && !p.strict:
		return false, refuse("the value of the shard key %s in row %d does not fit the column, and the server would store another one", name, i+1)
	}
	x.keys = append(x.keys, k)
	return false, nil
}

// send adds a shard with its rows; all says that these are all rows.
func (p *insertPlanner) send(x *execution, shard int, all bool) error {
	asSelect := (p.lenient || p.ignore) && p.alone(x, shard, all)
	if all && x.plan.InsertID == 0 && !asSelect {
		return x.target(shard)
	}
	prefix := &p.prefix
	if len(p.prefixID.pieces) > 0 {
		prefix = &p.prefixID
	}
	at := len(x.texts)
	var err error
	if x.texts, err = prefix.render(x.texts, x, shard); err != nil {
		return err
	}
	if !asSelect {
		if x.texts, err = p.keyword.render(x.texts, x, shard); err != nil {
			return err
		}
	}
	first, from := true, len(x.split)
	for i := range p.rows {
		if !all && x.rows[i] != shard {
			continue
		}
		if !first {
			x.texts = append(x.texts, ',')
		}
		first = false
		if !all {
			x.split = append(x.split, i+1)
		}
		if err := p.sendRow(x, shard, i, asSelect); err != nil {
			return err
		}
	}
	if x.texts, err = p.suffix.render(x.texts, x, shard); err != nil {
		return err
	}
	x.plan.Targets = append(x.plan.Targets, Target{Shard: shard, SQL: x.texts[at:len(x.texts):len(x.texts)], Rows: x.split[from:len(x.split):len(x.split)]})
	return nil
}

// alone says whether a shard gets one row of several, or of a query, that a server takes otherwise than the only one of VALUES.
func (p *insertPlanner) alone(x *execution, shard int, all bool) bool {
	rows, last := 0, 0
	for i := range p.rows {
		if all || x.rows[i] == shard {
			rows, last = rows+1, i
		}
	}
	row := &p.rows[last]
	return rows == 1 && (len(p.rows) > 1 || x.in.OfQuery) && (p.ignore && row.plain || !p.ignore && row.mayBeNull)
}

// sendRow writes a row. A server refuses NULL for a column that cannot have it in the only row of VALUES, whatever the
// sql_mode, and takes it in one of several and in those of a query; with IGNORE it leaves out a row that a CHECK forbids only
// there. So the only row of a shard is written as a query.
func (p *insertPlanner) sendRow(x *execution, shard, i int, asSelect bool) error {
	t := &p.rows[i].text
	if p.numbered && x.ids[i] != 0 {
		t, x.row = &p.rows[i].numbered, i
	}
	at := len(x.texts)
	var err error
	if x.texts, err = t.render(x.texts, x, shard); err != nil || !asSelect {
		return err
	}
	if !p.rows[i].plain {
		return refuse("the only row for a shard has DEFAULT, and without strict mode a server takes NULL otherwise in it than in one of several rows")
	}
	text := append([]byte("SELECT "), x.texts[at+1:len(x.texts)-1]...)
	x.texts = append(x.texts[:at], text...)
	return nil
}
