package config

import (
	"math/big"
	"time"
)

// bound is where a range ends: a whole number or a moment.
type bound struct {
	text   string
	number *big.Int
	moment time.Time // without a time zone: as a DATETIME column has it
}

// The values that a column of whole numbers can have, signed or unsigned.
var (
	leastNumber = new(big.Int).Neg(new(big.Int).Lsh(big.NewInt(1), 63))
	mostNumber  = new(big.Int).Sub(new(big.Int).Lsh(big.NewInt(1), 64), big.NewInt(1))
)

// momentForms are how a date, with or without a time, is written.
var momentForms = []string{"2006-01-02", "2006-01-02 15:04:05", "2006-01-02 15:04:05.999999"}

func parseBound(text string) (bound, bool) {
	if n, ok := new(big.Int).SetString(text, 10); ok {
		return bound{text: text, number: n}, true
	}
	for _, form := range momentForms {
		if t, err := time.Parse(form, text); err == nil {
			return bound{text: text, moment: t}, true
		}
	}
	return bound{}, false
}

func (b bound) known() bool { return b.text != "" }

func (b bound) kind() string {
	if b.number != nil {
		return "a whole number"
	}
	return "a date"
}

// compare orders bounds of one kind.
func (b bound) compare(o bound) int {
	if b.number != nil {
		return b.number.Cmp(o.number)
	}
	return b.moment.Compare(o.moment)
}
