package tpcc

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
)

// newOrder is clause 2.4: one line in a hundred comes from another warehouse, one order in a hundred is rolled back.
func (t *terminal) newOrder(ctx context.Context) error {
	d := t.d
	w, district, c := d.between(1, t.s.warehouses), d.between(1, districts), d.customer(t.s)
	type line struct{ item, supply, quantity int }
	lines := make([]line, d.between(5, 15))
	local := 1
	for i := range lines {
		lines[i] = line{d.skewed(8191, 1, t.s.items), w, d.between(1, 10)}
		if d.chance(1) {
			lines[i].supply = d.otherWarehouse(w, t.s.warehouses)
		}
		if lines[i].supply != w {
			local = 0
		}
	}
	if d.chance(1) {
		lines[len(lines)-1].item = t.s.items + 1
	}
	var discount, wTax, dTax float64
	var last, credit string
	var o int
	if err := t.one(ctx, "SELECT c_discount, c_last, c_credit, w_tax FROM customer, warehouse WHERE w_id = ? AND c_w_id = w_id AND c_d_id = ? AND c_id = ?",
		[]any{w, district, c}, &discount, &last, &credit, &wTax); err != nil {
		return err
	}
	if err := t.one(ctx, "SELECT d_next_o_id, d_tax FROM district WHERE d_w_id = ? AND d_id = ? FOR UPDATE", []any{w, district}, &o, &dTax); err != nil {
		return err
	}
	if err := errors.Join(
		t.exec(ctx, 1, "UPDATE district SET d_next_o_id = ? WHERE d_id = ? AND d_w_id = ?", o+1, district, w),
		t.exec(ctx, 1, "INSERT INTO orders (o_id, o_d_id, o_w_id, o_c_id, o_entry_d, o_ol_cnt, o_all_local) VALUES (?, ?, ?, ?, NOW(), ?, ?)", o, district, w, c, len(lines), local),
		t.exec(ctx, 1, "INSERT INTO new_orders (no_o_id, no_d_id, no_w_id) VALUES (?, ?, ?)", o, district, w)); err != nil {
		return err
	}
	for n, l := range lines {
		var price float64
		var name, data, stockData, dist string
		err := t.one(ctx, "SELECT i_price, i_name, i_data FROM item WHERE i_id = ?", []any{l.item}, &price, &name, &data)
		if errors.Is(err, sql.ErrNoRows) && l.item > t.s.items {
			return errRollback
		}
		if err != nil {
			return err
		}
		var quantity int
		if err := t.one(ctx, fmt.Sprintf("SELECT s_quantity, s_data, s_dist_%02d FROM stock WHERE s_i_id = ? AND s_w_id = ? FOR UPDATE", district),
			[]any{l.item, l.supply}, &quantity, &stockData, &dist); err != nil {
			return err
		}
		if quantity -= l.quantity; quantity < 10 {
			quantity += 91
		}
		remote := 0
		if l.supply != w {
			remote = 1
		}
		if err := t.exec(ctx, 1, "UPDATE stock SET s_quantity = ?, s_ytd = s_ytd + ?, s_order_cnt = s_order_cnt + 1, s_remote_cnt = s_remote_cnt + ? WHERE s_i_id = ? AND s_w_id = ?",
			quantity, l.quantity, remote, l.item, l.supply); err != nil {
			return err
		}
		amount := float64(l.quantity) * price * (1 + wTax + dTax) * (1 - discount)
		if err := t.exec(ctx, 1, "INSERT INTO order_line (ol_o_id, ol_d_id, ol_w_id, ol_number, ol_i_id, ol_supply_w_id, ol_quantity, ol_amount, ol_dist_info) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
			o, district, w, n+1, l.item, l.supply, l.quantity, fmt.Sprintf("%.2f", amount), dist); err != nil {
			return err
		}
	}
	return nil
}

// choose is how payments and order-status find their customer: six of ten by name, the middle one of those who have it.
func (t *terminal) choose(ctx context.Context, w, district int) (int, error) {
	if !t.d.chance(60) {
		return t.d.customer(t.s), nil
	}
	name := t.d.name(t.s)
	var n int
	if err := t.one(ctx, "SELECT COUNT(c_id) FROM customer WHERE c_w_id = ? AND c_d_id = ? AND c_last = ?", []any{w, district, name}, &n); err != nil {
		return 0, err
	}
	ids, err := t.ids(ctx, "SELECT c_id FROM customer WHERE c_w_id = ? AND c_d_id = ? AND c_last = ? ORDER BY c_first", w, district, name)
	if err != nil {
		return 0, err
	}
	if len(ids) != n || n == 0 {
		return 0, fmt.Errorf("%d customers are called %s, and %d are counted", len(ids), name, n)
	}
	return ids[(n-1)/2], nil
}

// payment is clause 2.5: the customer is of another warehouse in fifteen of a hundred.
func (t *terminal) payment(ctx context.Context) error {
	d := t.d
	w, district := d.between(1, t.s.warehouses), d.between(1, districts)
	cw, cd := w, district
	if d.chance(15) {
		cw, cd = d.otherWarehouse(w, t.s.warehouses), d.between(1, districts)
	}
	amount := fmt.Sprintf("%d.%02d", d.between(1, 4999), d.IntN(100))
	var warehouse, name, street string
	if err := t.exec(ctx, 1, "UPDATE warehouse SET w_ytd = w_ytd + ? WHERE w_id = ?", amount, w); err != nil {
		return err
	}
	if err := t.one(ctx, "SELECT w_street_1, w_name FROM warehouse WHERE w_id = ?", []any{w}, &street, &warehouse); err != nil {
		return err
	}
	if err := t.exec(ctx, 1, "UPDATE district SET d_ytd = d_ytd + ? WHERE d_w_id = ? AND d_id = ?", amount, w, district); err != nil {
		return err
	}
	if err := t.one(ctx, "SELECT d_street_1, d_name FROM district WHERE d_w_id = ? AND d_id = ?", []any{w, district}, &street, &name); err != nil {
		return err
	}
	c, err := t.choose(ctx, cw, cd)
	if err != nil {
		return err
	}
	var first, credit, balance string
	if err := t.one(ctx, "SELECT c_first, c_credit, c_balance FROM customer WHERE c_w_id = ? AND c_d_id = ? AND c_id = ? FOR UPDATE", []any{cw, cd, c}, &first, &credit, &balance); err != nil {
		return err
	}
	const paid = "UPDATE customer SET c_balance = c_balance - ?, c_ytd_payment = c_ytd_payment + ?, c_payment_cnt = c_payment_cnt + 1"
	const who = " WHERE c_w_id = ? AND c_d_id = ? AND c_id = ?"
	if credit == "BC" {
		var data string
		if err := t.one(ctx, "SELECT c_data FROM customer"+who, []any{cw, cd, c}, &data); err != nil {
			return err
		}
		data = fmt.Sprintf("| %d %d %d %d %d %s %s", c, cd, cw, district, w, amount, data)
		err = t.exec(ctx, 1, paid+", c_data = ?"+who, amount, amount, data[:min(len(data), 500)], cw, cd, c)
	} else {
		err = t.exec(ctx, 1, paid+who, amount, amount, cw, cd, c)
	}
	if err != nil {
		return err
	}
	return t.exec(ctx, 1, "INSERT INTO history (h_c_d_id, h_c_w_id, h_c_id, h_d_id, h_w_id, h_date, h_amount, h_data) VALUES (?, ?, ?, ?, ?, NOW(), ?, ?)",
		cd, cw, c, district, w, amount, warehouse+"    "+name)
}

// orderStatus is clause 2.6.
func (t *terminal) orderStatus(ctx context.Context) error {
	w, district := t.d.between(1, t.s.warehouses), t.d.between(1, districts)
	c, err := t.choose(ctx, w, district)
	if err != nil {
		return err
	}
	var o, lines int
	err = t.one(ctx, "SELECT o_id, o_ol_cnt FROM orders WHERE o_w_id = ? AND o_d_id = ? AND o_c_id = ? ORDER BY o_id DESC LIMIT 1", []any{w, district, c}, &o, &lines)
	if err != nil {
		return err
	}
	ids, err := t.ids(ctx, "SELECT ol_i_id FROM order_line WHERE ol_w_id = ? AND ol_d_id = ? AND ol_o_id = ?", w, district, o)
	if err == nil && len(ids) != lines {
		return fmt.Errorf("order %d/%d/%d has %d lines, want %d", w, district, o, len(ids), lines)
	}
	return err
}

// delivery is clause 2.7: the oldest waiting order of each district.
func (t *terminal) delivery(ctx context.Context) error {
	w, carrier := t.d.between(1, t.s.warehouses), t.d.between(1, 10)
	for district := 1; district <= districts; district++ {
		var o, c int
		err := t.one(ctx, "SELECT no_o_id FROM new_orders WHERE no_d_id = ? AND no_w_id = ? ORDER BY no_o_id ASC LIMIT 1 FOR UPDATE", []any{district, w}, &o)
		if errors.Is(err, sql.ErrNoRows) {
			continue
		}
		if err != nil {
			return err
		}
		if err := t.exec(ctx, 1, "DELETE FROM new_orders WHERE no_o_id = ? AND no_d_id = ? AND no_w_id = ?", o, district, w); err != nil {
			return err
		}
		if err := t.one(ctx, "SELECT o_c_id FROM orders WHERE o_id = ? AND o_d_id = ? AND o_w_id = ?", []any{o, district, w}, &c); err != nil {
			return err
		}
		if err := t.exec(ctx, 1, "UPDATE orders SET o_carrier_id = ? WHERE o_id = ? AND o_d_id = ? AND o_w_id = ?", carrier, o, district, w); err != nil {
			return err
		}
		if err := t.exec(ctx, -1, "UPDATE order_line SET ol_delivery_d = NOW() WHERE ol_o_id = ? AND ol_d_id = ? AND ol_w_id = ?", o, district, w); err != nil {
			return err
		}
		var total string
		if err := t.one(ctx, "SELECT SUM(ol_amount) FROM order_line WHERE ol_o_id = ? AND ol_d_id = ? AND ol_w_id = ?", []any{o, district, w}, &total); err != nil {
			return err
		}
		if err := t.exec(ctx, 1, "UPDATE customer SET c_balance = c_balance + ?, c_delivery_cnt = c_delivery_cnt + 1 WHERE c_id = ? AND c_d_id = ? AND c_w_id = ?", total, c, district, w); err != nil {
			return err
		}
	}
	return nil
}

// stockLevel is clause 2.8.
func (t *terminal) stockLevel(ctx context.Context) error {
	w, district := t.d.between(1, t.s.warehouses), t.d.between(1, districts)
	var next, low int
	if err := t.one(ctx, "SELECT d_next_o_id FROM district WHERE d_id = ? AND d_w_id = ?", []any{district, w}, &next); err != nil {
		return err
	}
	return t.one(ctx, `SELECT COUNT(DISTINCT s_i_id) FROM order_line, stock WHERE ol_w_id = ? AND ol_d_id = ? AND ol_o_id < ? AND ol_o_id >= ?
		AND s_w_id = ? AND s_i_id = ol_i_id AND s_quantity < ?`, []any{w, district, next, next - 20, w, t.d.between(10, 20)}, &low)
}
