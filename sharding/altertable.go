package sharding

import (
	"slices"
	"strings"

	"lockstep/config"
)

// alterTable refuses what would take rows from the shards where they are looked for.
func (c *compiler) alterTable(n tableName, i int) error {
	t, ok := c.schema.Table(n.database, n.name)
	if !ok {
		return nil
	}
	parts := c.split(i, len(c.toks))
	if c.hint == "" {
		if err := c.foreignKeys(t, parts); err != nil {
			return err
		}
	}
	for _, part := range parts {
		a := part[0]
		column := func(j int) bool {
			j = c.skipIf(j, "COLUMN")
			j = c.skipIf(j, "IF", "EXISTS")
			return c.isName(j) && t.isKey(c.nameOf(j))
		}
		if !c.oneOf(a, "ADD", "DROP", "CHANGE", "MODIFY", "ALTER", "RENAME") {
			if err := c.recomment(t, a, part[1]); err != nil {
				return err
			}
		}
		switch {
		case c.word(a) == "DROP" && !c.oneOf(a+1, "PRIMARY", "INDEX", "KEY", "FOREIGN", "CONSTRAINT", "PARTITION", "CHECK", "PERIOD", "SYSTEM") && column(a+1):
			return refuse("column %s is the shard key of %s and cannot be dropped", t.Rule.Key, t.Name)
		case c.oneOf(a, "CHANGE", "MODIFY") && column(a+1) && !c.keepsKey(t, a, part[1]):
			return refuse("column %s is the shard key of %s: another name or type would put its rows on other shards", t.Rule.Key, t.Name)
		case c.words(a, "RENAME", "COLUMN") && column(a+1):
			return refuse("column %s is the shard key of %s and cannot be renamed", t.Rule.Key, t.Name)
		case c.words(a, "CONVERT", "TO") && t.Rule.Kind == Sharded && slices.ContainsFunc(t.keys, func(k *keyType) bool { return k.class == keyText }):
			return refuse("column %s is the shard key of %s: another collation would put its rows on other shards", t.Rule.Key, t.Name)
		case c.find(a, part[1], "PRIMARY") < part[1] && c.defaultRuleByPrimaryKey(t):
			return refuse("the default rule places %s by its primary key, which cannot be changed; add a rule for the table first", t.Name)
		case c.word(a) == "RENAME" && !c.oneOf(a+1, "COLUMN", "INDEX", "KEY"):
			j := a + 1
			if c.oneOf(j, "TO", "AS") {
				j++
			}
			to, _, ok := c.qualified(j)
			if !ok {
				return syntaxError(c.src, c.startOf(j))
			}
			c.markDatabase(j)
			c.st.DDL.Tables = append(c.st.DDL.Tables, to.name)
			c.defines("table", to)
			if err := c.mayRename(n, to); err != nil {
				return err
			}
		}
	}
	return nil
}

// keepsKey says whether a CHANGE or MODIFY of the shard key leaves its name and its type as they are, so that all rows
// stay where they belong: ORMs write such ones when they compare a table with a model. An integer only: the
// collation that a text would get is not known here.
func (c *compiler) keepsKey(t *Table, i, end int) bool {
	j := c.skipIf(c.skipIf(i+1, "COLUMN"), "IF", "EXISTS")
	if c.word(i) == "CHANGE" {
		j++
	}
	if !c.isName(j) || !t.isKey(c.nameOf(j)) {
		return false
	}
	at, _ := t.column(c.nameOf(j))
	var after TableInfo
	c.readColumn(j, end, &after, "")
	if len(after.Columns) != 1 || after.Columns[0].Generated {
		return false
	}
	was, is := &t.Columns[at], &after.Columns[0]
	return strings.HasSuffix(is.DataType, "int") && is.DataType == was.DataType && isUnsigned(is) == isUnsigned(was)
}

func isUnsigned(c *ColumnInfo) bool { return strings.Contains(c.ColumnType, "unsigned") }

func (c *compiler) defaultRuleByPrimaryKey(t *Table) bool {
	r, byDefault := c.schema.ruleFor(t.Database, t.Name)
	return byDefault && t.Declared == "" && r != nil && (r.Kind == "" || r.Kind == "sharded") && (len(r.ShardKey) == 0 || r.ShardKey.Is(config.PrimaryKey))
}
