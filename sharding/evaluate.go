package sharding

// evaluate is the set of shards that may hold rows which fulfil the group's conditions.
func (g *group) evaluate(x *execution) shardSet {
	if len(g.keys) > 1 {
		return g.evaluatePins(x)
	}
	s := g.place.all
	for _, p := range g.where {
		s = s.and(g.evaluateOne(p, x))
	}
	return s
}

func (g *group) evaluateOne(p *predicate, x *execution) shardSet {
	switch p.kind {
	case predicateNone:
		return shardSet{}
	case predicateAnd:
		s := g.place.all
		for _, k := range p.kids {
			s = s.and(g.evaluateOne(k, x))
		}
		return s
	case predicateOr:
		var s shardSet
		for _, k := range p.kids {
			s = s.or(g.evaluateOne(k, x))
		}
		return s
	case predicateIn:
		var s shardSet
		for i := range p.values {
			s = s.or(g.locate(&p.values[i], x))
			if s == g.place.all {
				break
			}
		}
		return s
	case predicateRange:
		return g.evaluateRange(p, x)
	}
	return g.place.all
}

// locate is where rows with key = value are.
func (g *group) locate(o *operand, x *execution) shardSet {
	v, ok := x.value(o)
	if !ok {
		return g.place.all
	}
	if v.Kind == ValNull {
		if o.nullSafe {
			return g.place.all
		}
		return shardSet{} // nothing equals NULL
	}
	k, scratch, f := g.keys[0].convert(x.scratch, &v, x.st.charset, comparing)
	x.scratch = scratch
	var s shardSet
	switch f {
	case fitExact:
		if i := g.place.shard(&k); i >= 0 {
			s.add(i)
		}
	case fitUnknown:
		return g.place.all
	}
	return s
}

// evaluateRange uses bounds that are plain whole numbers, or dates that are written out; a bound past the column's values is
// no bound.
func (g *group) evaluateRange(p *predicate, x *execution) shardSet {
	key := g.keys[0]
	if key.class == keyDate || key.class == keyMoment {
		return g.evaluateMoments(p, x)
	}
	if key.class != keyInt {
		return g.place.all
	}
	var bounds [2]keyValue
	var used [2]*keyValue
	for i := range p.values {
		bounds[i] = key.min
		if i == 1 {
			bounds[i] = key.max
		}
		used[i] = &bounds[i]
		if p.open[i] {
			continue
		}
		v, ok := x.value(&p.values[i])
		if !ok {
			continue
		}
		if v.Kind == ValNull {
			return shardSet{} // no comparison with NULL is true
		}
		if v.Kind != ValInt && v.Kind != ValUint {
			continue
		}
		k := signedKey(v.I)
		if v.Kind == ValUint {
			k = intKey(false, v.U)
		}
		if p.strict[i] {
			if k, ok = k.beside(i == 0); !ok {
				return shardSet{}
			}
		}
		switch {
		case i == 0 && k.compare(key.min) > 0:
			bounds[0] = k
		case i == 1 && k.compare(key.max) < 0:
			bounds[1] = k
		}
	}
	return g.place.between(used[0], used[1], false)
}

// evaluateMoments takes bounds of DATE and DATETIME keys. A bound with a time of day stands for its whole day beside a DATE:
// the set only grows.
func (g *group) evaluateMoments(p *predicate, x *execution) shardSet {
	if g.place.fn != placeRange && g.place.fn < placeYear {
		return g.place.all
	}
	key := g.keys[0]
	whole := keyType{class: keyMoment}
	var bounds [2]keyValue
	var used [2]*keyValue
	strict := p.strict[1]
	for i := range p.values {
		if p.open[i] {
			continue
		}
		v, ok := x.value(&p.values[i])
		if !ok {
			return g.place.all
		}
		if v.Kind == ValNull {
			return shardSet{} // no comparison with NULL is true
		}
		k, scratch, f := whole.convert(x.scratch, &v, x.st.charset, comparing)
		x.scratch = scratch
		if f != fitExact {
			return g.place.all // beside another type, BETWEEN may compare numbers
		}
		if key.class == keyDate {
			strict = strict && (i == 0 || string(k.text[8:]) == midnight)
			k.text = k.text[:8]
		}
		bounds[i], used[i] = k, &bounds[i]
	}
	return g.place.between(used[0], used[1], strict)
}
