package catalog

import (
	"context"
	"fmt"
	"strconv"

	"lockstep/backend"
)

// A table's ids begin anew with TRUNCATE and its like, while other proxies may still hold a block that they took before. So
// each proxy's last block of a table is written down, and whoever takes one steps over those of the others. A proxy that
// is gone leaves a gap until it takes a block of that table again.

const createHeld = "CREATE TABLE IF NOT EXISTS lockstep.sequence_block (" +
	"name VARCHAR(270) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL COMMENT 'as in lockstep.sequence', " +
	"holder VARCHAR(64) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL COMMENT 'coordinator id of the proxy', " +
	"first BIGINT UNSIGNED NOT NULL, " +
	"end BIGINT UNSIGNED NOT NULL COMMENT 'behind the last', " +
	"PRIMARY KEY (name, holder)" +
	") ENGINE=InnoDB COMMENT='ids that proxies have reserved and may not have given yet'"

// hold writes down that this proxy has the block, from first on where it joins what it has. Where another proxy has ids of
// the block, it is cut short before them if that leaves the ids that are needed, and otherwise not taken: reach says how
// far they go then.
func (st *store) hold(ctx context.Context, c *backend.Conn, name string, first, need uint64, b *block) (reach uint64, err error) {
	res, err := c.Query(ctx, "SELECT MIN(first), MAX(end) FROM lockstep.sequence_block WHERE name = "+literal(name)+" AND holder <> "+literal(st.holder)+
		" AND first < "+unsigned(b.end)+" AND end > "+unsigned(b.next), 1)
	if missingTable(err) {
		if _, err := c.Exec(ctx, createHeld); err != nil {
			return 0, fmt.Errorf("create table lockstep.sequence_block: %w", err)
		}
		return st.hold(ctx, c, name, first, need, b)
	}
	if err != nil {
		return 0, err
	}
	if len(res.Rows) == 1 && res.Rows[0][0] != nil {
		others, err := strconv.ParseUint(string(res.Rows[0][0]), 10, 64)
		if err != nil {
			return 0, err
		}
		if others < b.next || others-b.next < max(need, 1) {
			return strconv.ParseUint(string(res.Rows[0][1]), 10, 64)
		}
		b.end = others
	}
	from, end := strconv.FormatUint(first, 10), strconv.FormatUint(b.end, 10)
	_, err = c.Exec(ctx, "INSERT INTO lockstep.sequence_block (name, holder, first, end) VALUES ("+literal(name)+", "+literal(st.holder)+", "+from+", "+end+
		") ON DUPLICATE KEY UPDATE first = "+from+", end = "+end)
	return 0, err
}
