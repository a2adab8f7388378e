package tpch

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"time"
)

// How many rows there are at scale 0.01 (4.2.5).
const (
	suppliers = 100
	parts     = 2000
	customers = 1500
	orders    = 15000
)

// rows of a table, each as the text behind VALUES.
type rows struct {
	table string
	list  []string
}

func (r *rows) add(format string, args ...any) {
	r.list = append(r.list, "("+fmt.Sprintf(format, args...)+")")
}

type maker struct{ *rand.Rand }

func (m maker) between(low, high int) int { return low + m.IntN(high-low+1) }

func (m maker) of(list []string) string { return list[m.IntN(len(list))] }

// money tells an amount of cents.
func money(cents int) string {
	sign := ""
	if cents < 0 {
		sign, cents = "-", -cents
	}
	return fmt.Sprintf("%s%d.%02d", sign, cents/100, cents%100)
}

func (m maker) comment(longest int) string {
	var b strings.Builder
	for b.Len() < longest/2 {
		b.WriteString(m.of(adjectives) + " " + m.of(nouns) + " ")
	}
	return strings.TrimSpace(b.String()[:min(b.Len(), longest)])
}

func (m maker) phone(nation int) string {
	return fmt.Sprintf("%d-%03d-%03d-%04d", nation+10, m.between(100, 999), m.between(100, 999), m.between(1000, 9999))
}

// retailPrice is that of 4.2.3, in cents.
func retailPrice(part int) int { return 90000 + (part/10)%20001 + 100*(part%1000) }

// supplierOf is the i-th of the four suppliers of a part.
func supplierOf(part, i int) int {
	return (part+i*(suppliers/4+(part-1)/suppliers))%suppliers + 1
}

// generate makes all tables' rows, the same at each call.
func generate() []*rows {
	m := maker{rand.New(rand.NewPCG(19920101, 1))}
	region, nation, supplier := &rows{table: "region"}, &rows{table: "nation"}, &rows{table: "supplier"}
	for i, name := range regions {
		region.add("%d,'%s','%s'", i, name, m.comment(100))
	}
	for i, n := range nations {
		nation.add("%d,'%s',%d,'%s'", i, n.name, n.region, m.comment(100))
	}
	for i := 1; i <= suppliers; i++ {
		n := m.IntN(len(nations))
		comment := m.comment(60)
		switch i % 20 { // in one of twenty, as so few would have none otherwise
		case 3:
			comment += " Customer even Complaints"
		case 7:
			comment += " Customer bold Recommends"
		}
		supplier.add("%d,'Supplier#%09d','%s',%d,'%s',%s,'%s'", i, i, m.comment(30), n, m.phone(n), money(m.between(-99999, 999999)), comment)
	}
	part, partsupp := m.parts()
	customer := &rows{table: "customer"}
	for i := 1; i <= customers; i++ {
		n := m.IntN(len(nations))
		customer.add("%d,'Customer#%09d','%s',%d,'%s',%s,'%s','%s'", i, i, m.comment(30), n, m.phone(n), money(m.between(-99999, 999999)), m.of(segments), m.comment(100))
	}
	order, line := m.orders()
	return []*rows{region, nation, supplier, part, partsupp, customer, order, line}
}

func (m maker) parts() (part, partsupp *rows) {
	part, partsupp = &rows{table: "part"}, &rows{table: "partsupp"}
	for i := 1; i <= parts; i++ {
		var name []string
		for _, n := range m.Perm(len(colours))[:5] {
			name = append(name, colours[n])
		}
		maker := m.between(1, 5)
		part.add("%d,'%s','Manufacturer#%d','Brand#%d%d','%s %s %s',%d,'%s %s',%s,'%s'", i, strings.Join(name, " "), maker, maker, m.between(1, 5),
			m.of(types[0]), m.of(types[1]), m.of(types[2]), m.between(1, 50), m.of(containers[0]), m.of(containers[1]), money(retailPrice(i)), m.comment(20))
		for s := range 4 {
			partsupp.add("%d,%d,%d,%s,'%s'", i, supplierOf(i, s), m.between(1, 9999), money(m.between(100, 100000)), m.comment(80))
		}
	}
	return part, partsupp
}

var (
	firstDay = time.Date(1992, 1, 1, 0, 0, 0, 0, time.UTC)
	lastDay  = time.Date(1998, 12, 31, 0, 0, 0, 0, time.UTC)
	today    = time.Date(1995, 6, 17, 0, 0, 0, 0, time.UTC)
)

func (m maker) orders() (order, line *rows) {
	order, line = &rows{table: "orders"}, &rows{table: "lineitem"}
	days := int(lastDay.Sub(firstDay)/(24*time.Hour)) - 151
	for i := range orders {
		key := i/8*32 + i%8 + 1 // keys are sparse
		customer := m.between(1, customers)
		for customer%3 == 0 { // a third of them order nothing
			customer = m.between(1, customers)
		}
		day := firstDay.AddDate(0, 0, m.IntN(days+1))
		total, open, count := 0, 0, m.between(1, 7)
		for n := 1; n <= count; n++ {
			p := m.between(1, parts)
			quantity, discount, tax := m.between(1, 50), m.IntN(11), m.IntN(9)
			price := quantity * retailPrice(p)
			shipped, agreed := day.AddDate(0, 0, m.between(1, 121)), day.AddDate(0, 0, m.between(30, 90))
			received := shipped.AddDate(0, 0, m.between(1, 30))
			flag, status := "N", "F"
			if !received.After(today) {
				flag = m.of([]string{"R", "A"})
			}
			if shipped.After(today) {
				status = "O"
				open++
			}
			total += price * (100 - discount) * (100 + tax) / 10000
			line.add("%d,%d,%d,%d,%d,%s,0.%02d,0.%02d,'%s','%s','%s','%s','%s','%s','%s','%s'", key, p, supplierOf(p, m.IntN(4)), n, quantity, money(price), discount, tax, flag, status,
				shipped.Format(time.DateOnly), agreed.Format(time.DateOnly), received.Format(time.DateOnly), m.of(instructions), m.of(modes), m.comment(30))
		}
		status := "P"
		switch open {
		case 0:
			status = "F"
		case count:
			status = "O"
		}
		comment := m.comment(60)
		if m.IntN(50) == 0 {
			comment = "the special " + m.of(nouns) + " requests of"
		}
		order.add("%d,%d,'%s',%s,'%s','%s','Clerk#%09d',0,'%s'", key, customer, status, money(total), day.Format(time.DateOnly), m.of(priorities), m.between(1, 10), comment)
	}
	return order, line
}
