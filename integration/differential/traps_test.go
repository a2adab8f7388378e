package differential

// odd draws a value for a key that needs the server's conversions: another type, NULL, out of range.
func (g *generator) odd(integerKey bool) string {
	if g.chance(10) {
		return pick(g, "'2001-1-1'", "20010102", "'2001-01-01 10:00:00'", "DATE'2001-01-02'", "7.000", "'7.0005'", "18446744073709551", "'0007'", "-1", "'20010101'", "TIMESTAMP'2001-01-01 00:00:00'", "'2001.01.01'", "0.1250", "9.0050001")
	}
	if integerKey {
		return pick(g, "'5'", "' 7'", "'5abc'", "5.5", "7.0", "'7.4'", "1e1", "'1e1'", "NULL", "-0", "TRUE", "0x09", "99999999999", "4 + 5", "'x'", "-(-6)", "+8", "''", "b'101'", "DATE'2000-01-01'", "10 DIV 3", "ABS(-4)")
	}
	return pick(g, "10", "9.0", "'A'", "'á'", "'a   '", "NULL", "X'61'", "0x41", "_utf8mb4'B'", "N'b'", "BINARY 'a'", "'s' 's'", "CONCAT('a', 'b')", "'ß' COLLATE utf8mb4_bin", "TRUE", "\"zeta\"", "_latin1'n'", "'a\\tb'", "UPPER('b')")
}

// trap is a condition that routing could take for a plainer one.
func (g *generator) trap(s scope) string {
	id := s.table.columns[0].family == integer
	key, v := s.key(), func() string { return g.odd(id) }
	switch g.r.IntN(14) {
	case 0, 1, 2:
		return key + pick(g, " = ", " = ", " <=> ", " <> ", " >= ", " < ") + v()
	case 3:
		return v() + " = " + key
	case 4, 5:
		return key + pick(g, " IN (", " NOT IN (") + v() + ", " + v() + ", " + v() + ")"
	case 6:
		return key + " BETWEEN " + v() + " AND " + v()
	case 7:
		return "(" + key + ", " + s.ref(values[0]) + ") IN ((" + v() + ", 5), (" + v() + ", NULL), (3, 3))"
	case 8:
		return key + pick(g, " LIKE ", " NOT LIKE ") + pick(g, "'a%'", "'_'", "'1%'", "''", "'%B '")
	case 9:
		return "NOT (" + key + " = " + v() + " OR " + key + " = " + v() + ")"
	case 10:
		return key + " = " + v() + " XOR " + s.ref(values[0]) + " > 3"
	case 11:
		return "(" + key + " = " + v() + ") IS " + pick(g, "NOT TRUE", "TRUE", "FALSE", "UNKNOWN")
	case 12:
		return key + " = " + s.ref(pick(g, values[0], values[4]))
	}
	return key + pick(g, " + 0 = ", " COLLATE utf8mb4_general_ci = ", " COLLATE utf8mb4_bin = ", " = BINARY ") + v()
}

// trapped is a statement of the less common kinds.
func (g *generator) trapped() statement {
	g.prepared = false
	s := g.tableScope()
	t := s.table.name
	k := s.table.columns[0].name
	switch g.r.IntN(22) {
	case 0, 1, 2, 3:
		return statement{sql: "SELECT * FROM " + s.from() + " WHERE " + g.trap(s)}
	case 4:
		return statement{sql: "SELECT COUNT(*), MIN(" + s.key() + ") FROM " + s.from() + " WHERE " + g.trap(s) + " AND " + g.condition(s, 0), folded: true}
	case 5:
		return statement{sql: "DELETE FROM " + t + " WHERE " + g.trap(scope{table: s.table}) + " AND i > 20"}
	case 6, 7:
		return statement{sql: "UPDATE " + t + " SET i = i + 1 WHERE " + g.trap(scope{table: s.table})}
	case 8, 9:
		return statement{sql: pick(g, "INSERT INTO ", "REPLACE INTO ", "INSERT IGNORE INTO ") + t + pick(g, " ("+k+", i) VALUES (", " SET i = 4, "+k+" = (") + g.odd(s.table.columns[0].family == integer) + ")"}
	case 10: // aliases that are other columns' names
		return statement{sql: "SELECT i AS u, u AS i, " + s.key() + " FROM " + s.from() + " ORDER BY " + pick(g, "i", "u", "-i", "u DESC", "2", "i + 0") + ", " + s.key(), ordered: true}
	case 11:
		return statement{sql: "SELECT i AS dt, COUNT(*) AS u FROM " + s.from() + " GROUP BY " + pick(g, "dt", "i", "1") + pick(g, "", " ORDER BY u, 1", " ORDER BY dt", " HAVING u > 1", " ORDER BY COUNT(*) DESC, i"), folded: true}
	case 12:
		return statement{sql: "SELECT s, COUNT(*) FROM " + s.from() + " GROUP BY s WITH ROLLUP", folded: true}
	case 13:
		return statement{sql: "SELECT " + pick(g, "BIT_OR(u)", "BIT_AND(i)", "BIT_XOR(u)", "STD(i)", "VARIANCE(d)", "GROUP_CONCAT(i ORDER BY i)", "COUNT(DISTINCT i, s)", "COUNT(DISTINCT "+s.key()+", i)", "SUM(tm)", "AVG(dt)", "SUM(s)", "AVG(f)", "SUM(i IS NULL)", "SUM(i > 3)", "MIN(i + 1)", "MAX(CONCAT(s, '!'))", "SUM(i * 1.25)", "AVG(u)", "SUM(u)") + " FROM " + s.from() + g.where(s) + pick(g, "", " GROUP BY c", " GROUP BY dt", " GROUP BY YEAR(ts)"), folded: true}
	case 14:
		sub := pick(g, tableA, tableA2, tableB, tableG)
		return statement{sql: "SELECT " + s.key() + ", i FROM " + s.from() + " WHERE " + pick(g, "i", s.key()) + pick(g, " IN ", " NOT IN ") + "(SELECT " + pick(g, "i", sub.columns[0].name) + " FROM " + sub.name + pick(g, "", " WHERE i > 10", " WHERE i = "+t+"."+k) + ")"}
	case 15:
		return statement{sql: "SELECT i FROM a " + pick(g, "UNION ", "UNION ALL ", "EXCEPT ", "INTERSECT ") + "SELECT i FROM " + pick(g, "a2", "g", "b") + pick(g, "", " WHERE i > 4")}
	case 16:
		return statement{sql: "SELECT n, COUNT(*) FROM (SELECT i AS n FROM " + t + pick(g, "", " LIMIT 0", " WHERE "+k+" = 3", " GROUP BY i", " WHERE i > 3") + ") AS q GROUP BY n"}
	case 17:
		return statement{sql: "SELECT x.i, " + pick(g, "id", "x.id", "COUNT(*)") + " FROM a x " + pick(g, "JOIN a2 y USING (id)", "LEFT JOIN a2 y USING (id)", "RIGHT JOIN a2 y USING (id)", "NATURAL JOIN a2 y", ", a2 y WHERE x.id = y.id", "JOIN a y ON x.id = y.id AND y.i > 0", "RIGHT JOIN g ON x.id = g.id", "LEFT JOIN a2 y ON x.id = y.id AND x.i > 2 WHERE y.id IS NULL", "LEFT JOIN a2 y ON x.id = y.id WHERE y.id IN (4, 5, NULL) OR y.id IS NULL", "LEFT JOIN a2 y ON x.id = y.id WHERE IFNULL(y.id, 3) = 3", "STRAIGHT_JOIN a2 y ON y.id = x.id", "CROSS JOIN g WHERE g.id < -7") + pick(g, "", " GROUP BY x.i, x.id"), loose: true, folded: true}
	case 18:
		return statement{sql: "SELECT DISTINCT y." + pick(g, "id", "i", "s", "dt") + pick(g, "", ", x.i") + " FROM a x " + pick(g, "LEFT JOIN", "RIGHT JOIN", "JOIN") + " a2 y ON x.id = y.id" + pick(g, "", " ORDER BY 1"), loose: true, folded: true}
	case 19:
		return statement{sql: "UPDATE " + t + " SET " + k + " = " + g.odd(s.table.columns[0].family == integer) + " WHERE " + k + " = " + quoted(g.value(s.table.columns[0].family))}
	case 20:
		return statement{sql: "SELECT s, c, " + s.key() + " FROM " + s.from() + " ORDER BY " + pick(g, "s COLLATE utf8mb4_bin", "BINARY c", "LENGTH(s)", "s IS NULL", "FIELD(s, 'a', 'b')", "CONCAT(s, c)", "d + f", "i % 7", "LOWER(s) DESC", "CAST(s AS SIGNED)", "tm + 0", "RAND(1) * 0") + ", " + s.key() + pick(g, "", " LIMIT 3", " LIMIT 2, 18446744073709551615"), ordered: true}
	}
	return statement{sql: "INSERT INTO " + pick(g, "a", "a2", "g") + " (id, i, s) SELECT " + pick(g, "id", "i", "id + 1") + ", i, s FROM " + pick(g, "a2", "g", "a") + pick(g, "", " WHERE id = 3", " WHERE id IN (4, 5)") + pick(g, "", " ON DUPLICATE KEY UPDATE i = 1")}
}
