package merge

import (
	"math/big"
	"strconv"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// As MariaDB 10.11 prints them.
func TestDoubleText(t *testing.T) {
	for _, test := range []struct {
		v        float64
		decimals int
		want     string
	}{
		{0, 31, "0"}, {0.1, 31, "0.1"}, {-2.5, 31, "-2.5"}, {1e-7, 31, "0.0000001"}, {1e14, 31, "100000000000000"}, {1e15, 31, "1e15"}, {1e16, 31, "1e16"},
		{123456789012345678, 31, "1.2345678901234568e17"}, {1e-15, 31, "0.000000000000001"}, {1e-16, 31, "1e-16"}, {-1e-16, 31, "-1e-16"},
		{0.00012345678901234567, 31, "0.00012345678901234567"}, {1.7976931348623157e308, 31, "1.7976931348623157e308"}, {5e-324, 31, "5e-324"},
		{3749094997548444.5, 31, "3749094997548444.5"}, {-1682517498518889.5, 31, "-1682517498518889.5"}, {1682517498518889, 31, "1.682517498518889e15"},
		{3.142, 3, "3.142"}, {2, 3, "2.000"}, {1e20, 2, "100000000000000000000.00"}, {-0.001, 2, "-0.00"}, {0.125, 2, "0.12"}, {0.375, 2, "0.38"}, {7, 0, "7"},
	} {
		if got := string(appendDouble(nil, test.v, test.decimals)); got != test.want {
			t.Errorf("%g with %d decimals is %q, want %q", test.v, test.decimals, got, test.want)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		v := rapid.Float64().Draw(t, "v")
		if back, err := strconv.ParseFloat(string(appendDouble(nil, v, notFixedDecimals)), 64); err != nil || back != v {
			t.Fatalf("%g comes back as %g, %v", v, back, err)
		}
	})
}

func TestDecimalSum(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		values := rapid.SliceOfN(decimalText, 1, 20).Draw(t, "values")
		if rapid.Bool().Draw(t, "same scale") {
			values = rapid.SliceOfN(rapid.StringMatching(`-?[0-9]{1,17}\.[0-9]{2}`), 1, 20).Draw(t, "values of scale 2")
		}
		var sum decimalSum
		want, scale := new(big.Rat), 0
		for _, v := range values {
			if err := sum.add([]byte(v)); err != nil {
				t.Fatal(err)
			}
			want.Add(want, ratio(v))
			_, fraction, _ := strings.Cut(v, ".")
			scale = max(scale, len(fraction))
		}
		if got := string(sum.append([]byte("x"))); got != "x"+want.FloatString(scale) {
			t.Fatalf("the sum of %q is %s, want %s", values, got, want.FloatString(scale))
		}
	})
}

// As MariaDB 10.11 calculates them: cut at nine and eighteen decimals, rounded elsewhere.
func TestDecimalAverage(t *testing.T) {
	for _, test := range []struct {
		sum      string
		count    uint64
		decimals int
		want     string
	}{
		{"2.00000", 3, 9, "0.666666666"}, {"-2.00000", 3, 9, "-0.666666666"}, {"2.000000", 3, 10, "0.6666666667"}, {"-2.000000", 3, 10, "-0.6666666667"},
		{"2.00000000000000", 3, 18, "0.666666666666666666"}, {"2", 3, 4, "0.6667"}, {"-2", 3, 4, "-0.6667"}, {"7", 1, 4, "7.0000"}, {"-0.01", 300, 6, "-0.000033"},
		{"2.000000000000000000000000000000", 3, 34, "0.6666666666666666666666666666666667"},
		{"188888888888888888888888888888888887.623456789012345678901234567890", 3, 34, "62962962962962962962962962962962962.5411522630041152263004115226300000"},
		{"-27670116110564327424", 3, 4, "-9223372036854775808.0000"}, {"5", 100000, 4, "0.0001"}, {"-5", 100000, 4, "-0.0001"}, {"-1", 100000, 4, "0.0000"},
	} {
		var s decimalSum
		if err := s.add([]byte(test.sum)); err != nil {
			t.Fatal(err)
		}
		if got := string(s.appendAverage(nil, test.count, test.decimals)); got != test.want {
			t.Errorf("%s / %d with %d decimals is %s, want %s", test.sum, test.count, test.decimals, got, test.want)
		}
	}
}
