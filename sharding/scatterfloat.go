package sharding

// showsFloat says whether a column of the answer may be a FLOAT: its text, in which shards that answer together send their rows,
// has fewer digits than the value that a prepared statement is sent.
func (x *scatterer) showsFloat() bool {
	for i := range x.visible {
		o := &x.visible[i]
		if o.plain {
			if o.col.source.table != nil && o.col.info().DataType == "float" {
				return true
			}
			continue
		}
		if o.expr == nil {
			continue
		}
		v := &nameFinder{}
		o.expr.Accept(v)
		for _, n := range v.names {
			if col, ok := x.b.resolve(n); ok && col.source.table != nil && col.info().DataType == "float" {
				return true
			}
		}
	}
	return false
}
