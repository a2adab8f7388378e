package sharding

import (
	"math"
	"math/big"
	"testing"
)

func TestBeside(t *testing.T) {
	number := func(k keyValue) *big.Int {
		n := new(big.Int).SetUint64(k.magnitude)
		if k.negative {
			n.Neg(n)
		}
		return n
	}
	for _, k := range []keyValue{signedKey(0), signedKey(1), signedKey(-1), signedKey(2), signedKey(-2), signedKey(math.MinInt64), intKey(false, math.MaxUint64), intKey(true, math.MaxUint64)} {
		for _, above := range []bool{false, true} {
			step := int64(-1)
			if above {
				step = 1
			}
			want := new(big.Int).Add(number(k), big.NewInt(step))
			got, ok := k.beside(above)
			if fits := new(big.Int).Abs(want).IsUint64(); ok != fits {
				t.Errorf("beside %v above %v: %v", number(k), above, ok)
			} else if ok && number(got).Cmp(want) != 0 {
				t.Errorf("beside %v above %v is %v", number(k), above, number(got))
			}
		}
	}
}
