package cluster

import (
	"context"
	"database/sql"
	"fmt"
	"time"
)

// Branch is a line of a shard's XA RECOVER.
type Branch struct {
	FormatID     int64
	GTRID, BQUAL string
}

// Branches lists the prepared branches of a shard, those of strangers too.
func Branches(db *sql.DB) ([]Branch, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	rows, err := db.QueryContext(ctx, "XA RECOVER")
	if err != nil {
		return nil, fmt.Errorf("list prepared branches: %w", err)
	}
	defer rows.Close()
	var list []Branch
	for rows.Next() {
		var b Branch
		var g, q int
		var data string
		if err := rows.Scan(&b.FormatID, &g, &q, &data); err != nil {
			return nil, fmt.Errorf("list prepared branches: %w", err)
		}
		if g+q > len(data) {
			return nil, fmt.Errorf("list prepared branches: lengths %d and %d do not fit %q", g, q, data)
		}
		b.GTRID, b.BQUAL = data[:g], data[g:g+q]
		list = append(list, b)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("list prepared branches: %w", err)
	}
	return list, nil
}
