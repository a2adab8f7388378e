package tpcc

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
)

const batch = 500 // rows of one INSERT

// load fills the tables through the proxy as the specification's clause 4.3.3 says, one warehouse beside the other.
func load(ctx context.Context, db *sql.DB, s scale) error {
	for _, q := range definitions {
		if _, err := db.ExecContext(ctx, q); err != nil {
			return fmt.Errorf("%.40s: %w", q, err)
		}
	}
	loads := make(chan func() error, s.warehouses+1)
	loads <- func() error { return loadItems(ctx, db, s) }
	for w := 1; w <= s.warehouses; w++ {
		loads <- func() error { return loadWarehouse(ctx, db, s, w) }
	}
	close(loads)
	var wg sync.WaitGroup
	errs := make([]error, 4)
	for i := range errs {
		wg.Go(func() {
			for one := range loads {
				errs[i] = errors.Join(errs[i], one())
			}
		})
	}
	wg.Wait()
	return errors.Join(errs...)
}

func loadItems(ctx context.Context, db *sql.DB, s scale) error {
	d := draw{rand.New(rand.NewPCG(7, 0))}
	w := &writer{db: db, ctx: ctx, table: "item"}
	for i := 1; i <= s.items; i++ {
		w.add("%d,%d,'%s',%d.%02d,'%s'", i, d.between(1, 10000), d.text(14, 24), d.between(1, 99), d.IntN(100), d.original(26, 50))
	}
	return w.flush()
}

// writer gathers rows of one table.
type writer struct {
	db    *sql.DB
	ctx   context.Context
	table string
	rows  []string
	err   error
}

func (w *writer) add(format string, args ...any) {
	w.rows = append(w.rows, "("+fmt.Sprintf(format, args...)+")")
	if len(w.rows) == batch {
		_ = w.flush() // the error is kept
	}
}

func (w *writer) flush() error {
	if w.err == nil && len(w.rows) > 0 {
		if _, err := w.db.ExecContext(w.ctx, "INSERT INTO "+w.table+" VALUES "+strings.Join(w.rows, ",")); err != nil {
			w.err = fmt.Errorf("fill %s: %w", w.table, err)
		}
	}
	w.rows = w.rows[:0]
	return w.err
}

func loadWarehouse(ctx context.Context, db *sql.DB, s scale, w int) error {
	d := draw{rand.New(rand.NewPCG(7, uint64(w)))}
	tables := map[string]*writer{}
	into := func(table string) *writer {
		if tables[table] == nil {
			tables[table] = &writer{db: db, ctx: ctx, table: table}
		}
		return tables[table]
	}
	address := func() string {
		return fmt.Sprintf("'%s','%s','%s','%s','%04d11111'", d.text(10, 20), d.text(10, 20), d.text(10, 20), d.text(2, 2), d.IntN(10000))
	}
	perDistrict := s.customers * 10 // each customer has paid 10.00
	into("warehouse").add("%d,'%s',%s,0.%04d,%d.00", w, d.text(6, 10), address(), d.IntN(2001), perDistrict*districts)
	for i := 1; i <= s.items; i++ {
		var dist []string
		for range districts {
			dist = append(dist, "'"+d.text(24, 24)+"'")
		}
		into("stock").add("%d,%d,%d,%s,0,0,0,'%s'", i, w, d.between(10, 100), strings.Join(dist, ","), d.original(26, 50))
	}
	for id := 1; id <= districts; id++ {
		into("district").add("%d,%d,'%s',%s,0.%04d,%d.00,%d", id, w, d.text(6, 10), address(), d.IntN(2001), perDistrict, s.customers+1)
		for c := 1; c <= s.customers; c++ {
			name := c - 1
			if name >= s.names() {
				name = d.skewed(255, 0, s.names()-1)
			}
			credit := "GC"
			if d.chance(10) {
				credit = "BC"
			}
			into("customer").add("%d,%d,%d,'%s','OE','%s',%s,'%016d',NOW(),'%s',50000,0.%04d,-10.00,10.00,1,0,'%s'",
				c, id, w, d.text(8, 16), lastName(name), address(), d.Int64N(1e16), credit, d.IntN(5001), d.text(300, 500))
			into("history").add("%d,%d,%d,%d,%d,NOW(),10.00,'%s'", c, id, w, id, w, d.text(12, 24))
		}
		for i, c := range d.Perm(s.customers) {
			o, lines := i+1, d.between(5, 15)
			carrier, delivered := fmt.Sprint(d.between(1, 10)), "NOW()"
			if o > s.customers-s.waiting {
				carrier, delivered = "NULL", "NULL"
				into("new_orders").add("%d,%d,%d", o, id, w)
			}
			into("orders").add("%d,%d,%d,%d,NOW(),%s,%d,1", o, id, w, c+1, carrier, lines)
			for n := 1; n <= lines; n++ {
				amount := "0.00"
				if delivered == "NULL" {
					amount = fmt.Sprintf("%d.%02d", d.IntN(9999), d.between(1, 99))
				}
				into("order_line").add("%d,%d,%d,%d,%d,%d,%s,5,%s,'%s'", o, id, w, n, d.between(1, s.items), w, delivered, amount, d.text(24, 24))
			}
		}
	}
	for _, t := range tables {
		if err := t.flush(); err != nil {
			return fmt.Errorf("warehouse %d: %w", w, err)
		}
	}
	return nil
}
