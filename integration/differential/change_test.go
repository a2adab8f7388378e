package differential

import "strings"

func (g *generator) row(t table) string {
	var out []string
	for _, c := range t.columns {
		switch {
		case c.key && c.family == integer:
			out = append(out, g.literal(int64(g.r.IntN(80)-10)))
		case c.key && c.family != text:
			out = append(out, g.of(c.family))
		case c.key:
			out = append(out, g.literal(g.value(text).(string)+pick(g, "", "", "1", "2", "é")))
		case g.chance(15):
			out = append(out, g.literal(nil))
		default:
			out = append(out, g.of(c.family))
		}
	}
	return "(" + strings.Join(out, ", ") + ")"
}

func (g *generator) rows(t table) string {
	var out []string
	for range pick(g, 1, 1, 2, 3, 5, 8) {
		out = append(out, g.row(t))
	}
	return strings.Join(out, ", ")
}

func (g *generator) assignment(t table) string {
	c := values[g.r.IntN(len(values))]
	switch {
	case c.family == integer && g.chance(50):
		return c.name + " = " + c.name + " + " + g.literal(int64(g.r.IntN(5)))
	case c.family == text && g.chance(30):
		return c.name + " = LEFT(CONCAT(" + c.name + ", " + g.of(text) + "), 8)"
	case g.chance(15):
		return c.name + " = " + g.literal(nil)
	}
	return c.name + " = " + g.of(c.family)
}

// change is a statement that writes.
func (g *generator) change() string {
	t := pick(g, append(all, tableA, tableA, tableA2, tableB, tableB)...)
	s := scope{table: t}
	switch g.r.IntN(12) {
	case 0, 1:
		return "INSERT INTO " + t.name + " VALUES " + g.rows(t)
	case 2, 3:
		return "INSERT IGNORE INTO " + t.name + " VALUES " + g.rows(t)
	case 4, 5:
		q := "INSERT INTO " + t.name + " VALUES " + g.rows(t) + " ON DUPLICATE KEY UPDATE "
		if g.chance(50) {
			c := values[g.r.IntN(len(values))].name
			return q + c + " = VALUES(" + c + ")"
		}
		return q + g.assignment(t)
	case 6, 7:
		return "REPLACE INTO " + t.name + " VALUES " + g.rows(t)
	case 8, 9, 10:
		q := "UPDATE " + t.name + " SET " + g.assignment(t)
		if g.chance(40) {
			q += ", " + g.assignment(t)
		}
		q += g.where(s)
		if g.chance(10) {
			q += " ORDER BY " + s.key() + g.direction() + " LIMIT " + g.literal(int64(g.r.IntN(5)))
		}
		return q
	}
	return "DELETE FROM " + t.name + " WHERE " + g.condition(s, 1) + " AND " + s.key() + pick(g, " > ", " < ") + g.of(t.columns[0].family)
}
