package sharding

// ReadDefinitions reads the CREATE TABLE statements of a text, such as a dump's, as the catalog would tell the tables. Other
// statements are passed over, but for USE. Tables without a database are database's.
func ReadDefinitions(database string, text []byte) ([]TableInfo, error) {
	env := &Env{Database: database, Charset: "utf8mb4"}
	all := &compiler{env: env, charset: classifyCharset(env.Charset), src: string(text)}
	if err := all.tokenize(text); err != nil {
		return nil, err
	}
	var tables []TableInfo
	for from := 0; from < len(all.toks); {
		end := from
		for end < len(all.toks) && !all.punct(end, ';') {
			end++
		}
		own := *env
		c := &compiler{env: &own, charset: all.charset, src: all.src, toks: all.toks[from:end]}
		from = end + 1
		if c.word(0) == "USE" && c.isName(1) {
			env.Database = c.nameOf(1)
			continue
		}
		if c.word(0) != "CREATE" {
			continue
		}
		i := c.skipIf(c.skipIf(1, "OR", "REPLACE"), "TABLE")
		if c.word(i-1) != "TABLE" {
			continue
		}
		i = c.skipIf(i, "IF", "NOT", "EXISTS")
		name, next, ok := c.qualified(i)
		if !ok {
			return nil, syntaxError(c.src, c.startOf(i))
		}
		info := TableInfo{Database: name.database, Name: name.name}
		c.readDefinition(next, &info)
		if len(info.Columns) == 0 {
			return nil, refuse("the definition of table %s names no columns; only such are read here", name.name)
		}
		tables = append(tables, info)
	}
	return tables, nil
}
