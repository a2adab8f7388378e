package sharding

import (
	"math"
	"math/big"
	"math/rand/v2"
	"testing"

	"github.com/pingcap/tidb/pkg/parser/opcode"
)

// TestCompute compares with numbers of any size.
func TestCompute(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	edges := []int64{0, 1, -1, 2, -2, 3, math.MaxInt64, math.MinInt64, math.MaxInt64 - 1, math.MinInt64 + 1, 1 << 32, -1 << 31, 3037000500}
	pick := func() int64 {
		if r.IntN(2) == 0 {
			return edges[r.IntN(len(edges))]
		}
		return r.Int64N(2000) - 1000
	}
	for range 100_000 {
		l, n := pick(), pick()
		a, b := big.NewInt(l), big.NewInt(n)
		for op, want := range map[opcode.Op]func() *big.Int{
			opcode.Plus: func() *big.Int { return new(big.Int).Add(a, b) }, opcode.Minus: func() *big.Int { return new(big.Int).Sub(a, b) },
			opcode.Mul: func() *big.Int { return new(big.Int).Mul(a, b) }, opcode.IntDiv: func() *big.Int { return new(big.Int).Quo(a, b) },
			opcode.Mod: func() *big.Int { return new(big.Int).Rem(a, b) },
		} {
			got, ok := compute(op, l, n)
			if n == 0 && (op == opcode.IntDiv || op == opcode.Mod) {
				if ok {
					t.Fatalf("%d %v 0 is %d", l, op, got)
				}
				continue
			}
			if ok && want().Cmp(big.NewInt(got)) != 0 {
				t.Fatalf("%d %v %d is %d", l, op, n, got)
			}
			if !ok && want().IsInt64() && op != opcode.IntDiv && op != opcode.Mod && !(want().Int64() == math.MinInt64) {
				t.Fatalf("%d %v %d is not computed", l, op, n)
			}
		}
	}
}
