package sharding

import "strings"

// systemHome is the shard that is asked about tables in information_schema: the first one, which has nearly all of
// them, or, where the statement names a table that is not there, one that has it.
func (c *compiler) systemHome() shardSet {
	first := c.firstShard()
	var away []*Table
	for _, t := range c.schema.Tables() {
		if shards := t.shards(); !shards.empty() && shards.and(first).empty() {
			away = append(away, t)
		}
	}
	if len(away) == 0 {
		return first
	}
	home := first
	for i := range c.toks {
		if !c.isName(i) || !strings.EqualFold(c.nameOf(i), "table_name") || !c.punct(i+1, '=') && c.word(i+1) != "LIKE" ||
			i+2 >= len(c.toks) || !c.isString(c.toks[i+2]) {
			continue
		}
		c.pinAll() // the name decides which shard is asked
		name := c.tableLiteral(i + 2)
		for _, t := range away {
			if t.Name == name {
				home = shardSet{}
				home.add(t.shards().first())
			}
		}
	}
	return home
}

// tableLiteral is the table that a string names, which may be the pattern of a LIKE.
func (c *compiler) tableLiteral(i int) string {
	v, _ := decodeLiteral(nil, []byte(c.textOf(i)), c.toks[i].lit, false, c.env.NoBackslash)
	return strings.NewReplacer(`\_`, "_", `\%`, "%").Replace(string(v.B))
}
