package tpcc

import (
	"math/rand/v2"
	"strings"
)

// draw is a terminal's source of random input, by clause 2.1.6 and 4.3 of the specification.
type draw struct{ *rand.Rand }

// between is from low to high, both included.
func (d draw) between(low, high int) int { return low + d.IntN(high-low+1) }

// skewed is NURand: some values come far more often.
func (d draw) skewed(a, low, high int) int {
	const c = 42
	return ((d.between(0, a)|d.between(low, high))+c)%(high-low+1) + low
}

func (d draw) chance(percent int) bool { return d.IntN(100) < percent }

const letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"

func (d draw) text(low, high int) string {
	b := make([]byte, d.between(low, high))
	for i := range b {
		b[i] = letters[d.IntN(len(letters))]
	}
	return string(b)
}

// original is a text of which one in ten says ORIGINAL.
func (d draw) original(low, high int) string {
	s := d.text(low, high)
	if d.chance(10) {
		at := d.IntN(len(s) - 7)
		s = s[:at] + "ORIGINAL" + s[at+8:]
	}
	return s
}

var syllables = []string{"BAR", "OUGHT", "ABLE", "PRI", "PRES", "ESE", "ANTI", "CALLY", "ATION", "EING"}

// lastName makes a customer's name of three syllables.
func lastName(n int) string {
	return strings.Join([]string{syllables[n/100%10], syllables[n/10%10], syllables[n%10]}, "")
}

// names is how many last names customers have.
func (s scale) names() int { return min(1000, s.customers) }

func (d draw) customer(s scale) int { return d.skewed(1023, 1, s.customers) }

func (d draw) name(s scale) string { return lastName(d.skewed(255, 0, s.names()-1)) }

// otherWarehouse is any but w.
func (d draw) otherWarehouse(w, warehouses int) int {
	if warehouses == 1 {
		return w
	}
	o := d.between(1, warehouses-1)
	if o >= w {
		o++
	}
	return o
}
