package sharding

// Described is the text of a prepared statement for a shard that is to say what its parameters and columns are: as it was
// received, but for the names that databases have there.
func (st *Statement) Described(shard int, physical func(shard int, logical string) string) (string, error) {
	x := &execution{st: st, lits: st.ownLits, sql: st.own, in: &Inputs{
		PhysicalDatabase: physical,
		AppendParam:      func(dst []byte, _ int) ([]byte, error) { return append(dst, '?'), nil },
	}}
	if st.rewrite == nil || !x.renamed(shard) {
		return string(st.own), nil
	}
	text, err := st.rewrite.render(nil, x, shard)
	return string(text), err
}
