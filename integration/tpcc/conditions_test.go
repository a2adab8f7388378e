package tpcc

import (
	"context"
	"database/sql"
	"fmt"
	"math/big"
	"strings"
)

// sums are numbers by key, the key being all columns but the last.
type sums map[string]*big.Rat

// condition is what must be equal: the sums of the queries on the left, and on the right. With only, keys that the
// right does not have are left out of the left.
type condition struct {
	name        string
	left, right []string
	only        bool
	begun       bool // there is nothing to look at before the terminals have worked
}

const delivered = " FROM orders JOIN order_line ON ol_w_id = o_w_id AND ol_d_id = o_d_id AND ol_o_id = o_id WHERE ol_delivery_d IS NOT NULL GROUP BY o_w_id, o_d_id, o_c_id"

// conditions are those of clause 3.3.2, by their numbers, and one for what new orders take from other warehouses.
func (s scale) conditions() []condition {
	return []condition{
		{name: "1", left: []string{"SELECT w_id, w_ytd FROM warehouse"}, right: []string{"SELECT d_w_id, SUM(d_ytd) FROM district GROUP BY d_w_id"}},
		{name: "2 (orders)", left: []string{"SELECT d_w_id, d_id, d_next_o_id - 1 FROM district"}, right: []string{"SELECT o_w_id, o_d_id, MAX(o_id) FROM orders GROUP BY o_w_id, o_d_id"}},
		{name: "2 (new orders)", left: []string{"SELECT d_w_id, d_id, d_next_o_id - 1 FROM district"}, right: []string{"SELECT no_w_id, no_d_id, MAX(no_o_id) FROM new_orders GROUP BY no_w_id, no_d_id"}, only: true},
		{name: "3", left: []string{"SELECT no_w_id, no_d_id, MAX(no_o_id) - MIN(no_o_id) + 1 FROM new_orders GROUP BY no_w_id, no_d_id"}, right: []string{"SELECT no_w_id, no_d_id, COUNT(*) FROM new_orders GROUP BY no_w_id, no_d_id"}},
		{name: "4", left: []string{"SELECT o_w_id, o_d_id, SUM(o_ol_cnt) FROM orders GROUP BY o_w_id, o_d_id"}, right: []string{"SELECT ol_w_id, ol_d_id, COUNT(*) FROM order_line GROUP BY ol_w_id, ol_d_id"}},
		{name: "5", left: []string{"SELECT o_w_id, o_d_id, o_id, 1 FROM orders WHERE o_carrier_id IS NULL"}, right: []string{"SELECT no_w_id, no_d_id, no_o_id, 1 FROM new_orders"}},
		{name: "6", left: []string{"SELECT o_w_id, o_d_id, o_id, o_ol_cnt FROM orders"}, right: []string{"SELECT ol_w_id, ol_d_id, ol_o_id, COUNT(*) FROM order_line GROUP BY ol_w_id, ol_d_id, ol_o_id"}},
		{name: "7", left: []string{"SELECT o_w_id, o_d_id, o_id, o_ol_cnt FROM orders WHERE o_carrier_id IS NULL"}, right: []string{"SELECT ol_w_id, ol_d_id, ol_o_id, COUNT(*) FROM order_line WHERE ol_delivery_d IS NULL GROUP BY ol_w_id, ol_d_id, ol_o_id"}},
		{name: "8", left: []string{"SELECT w_id, w_ytd FROM warehouse"}, right: []string{"SELECT h_w_id, SUM(h_amount) FROM history GROUP BY h_w_id"}},
		{name: "9", left: []string{"SELECT d_w_id, d_id, d_ytd FROM district"}, right: []string{"SELECT h_w_id, h_d_id, SUM(h_amount) FROM history GROUP BY h_w_id, h_d_id"}},
		{name: "10", left: []string{"SELECT c_w_id, c_d_id, c_id, c_balance FROM customer", "SELECT h_c_w_id, h_c_d_id, h_c_id, SUM(h_amount) FROM history GROUP BY h_c_w_id, h_c_d_id, h_c_id"},
			right: []string{"SELECT o_w_id, o_d_id, o_c_id, SUM(ol_amount)" + delivered}},
		{name: "11", left: []string{"SELECT o_w_id, o_d_id, COUNT(*) FROM orders GROUP BY o_w_id, o_d_id"},
			right: []string{"SELECT no_w_id, no_d_id, COUNT(*) FROM new_orders GROUP BY no_w_id, no_d_id", "SELECT c_w_id, c_d_id, SUM(c_delivery_cnt) FROM customer GROUP BY c_w_id, c_d_id",
				fmt.Sprintf("SELECT d_w_id, d_id, %d FROM district", s.customers-s.waiting)}},
		{name: "12", left: []string{"SELECT c_w_id, c_d_id, c_id, c_balance + c_ytd_payment FROM customer"}, right: []string{"SELECT o_w_id, o_d_id, o_c_id, SUM(ol_amount)" + delivered}},
		{name: "remote stock", left: []string{"SELECT s_w_id, s_i_id, s_ytd FROM stock WHERE s_ytd > 0"},
			right: []string{fmt.Sprintf("SELECT ol_supply_w_id, ol_i_id, SUM(ol_quantity) FROM order_line WHERE ol_o_id > %d GROUP BY ol_supply_w_id, ol_i_id", s.customers)}, begun: true},
	}
}

// violated says where a condition does not hold in what the databases hold together.
func (c *condition) violated(ctx context.Context, dbs []*sql.DB) (string, error) {
	left, err := read(ctx, dbs, c.left)
	if err != nil {
		return "", err
	}
	right, err := read(ctx, dbs, c.right)
	if err != nil {
		return "", err
	}
	var wrong []string
	for k, l := range left {
		r := right[k]
		if r == nil {
			if c.only {
				continue
			}
			r = new(big.Rat)
		}
		if l.Cmp(r) != 0 {
			wrong = append(wrong, fmt.Sprintf("%s: %s and %s", k, l.FloatString(2), r.FloatString(2)))
		}
	}
	for k, r := range right {
		if left[k] == nil && r.Sign() != 0 {
			wrong = append(wrong, fmt.Sprintf("%s: nothing and %s", k, r.FloatString(2)))
		}
	}
	if len(left) == 0 {
		return "there is nothing to look at", nil
	}
	if len(wrong) == 0 {
		return "", nil
	}
	return fmt.Sprintf("%d keys, such as %s", len(wrong), strings.Join(wrong[:min(3, len(wrong))], "; ")), nil
}

func read(ctx context.Context, dbs []*sql.DB, queries []string) (sums, error) {
	total := sums{}
	for _, q := range queries {
		for _, db := range dbs {
			if err := total.add(ctx, db, q); err != nil {
				return nil, fmt.Errorf("%s: %w", q, err)
			}
		}
	}
	return total, nil
}

func (s sums) add(ctx context.Context, db *sql.DB, q string) error {
	rows, err := db.QueryContext(ctx, q)
	if err != nil {
		return err
	}
	defer rows.Close()
	columns, err := rows.Columns()
	if err != nil {
		return err
	}
	values, into := make([]string, len(columns)), make([]any, len(columns))
	for i := range values {
		into[i] = &values[i]
	}
	for rows.Next() {
		if err := rows.Scan(into...); err != nil {
			return err
		}
		last := len(values) - 1
		n, ok := new(big.Rat).SetString(values[last])
		if !ok {
			return fmt.Errorf("%q is no number", values[last])
		}
		key := strings.Join(values[:last], "/")
		if s[key] != nil {
			n.Add(n, s[key])
		}
		s[key] = n
	}
	return rows.Err()
}
