package merge

import (
	"errors"
	"testing"

	"lockstep/protocol"
	"lockstep/sharding"
)

// The columns: key, number of different values, sum of them, mean of them, count of rows, value, its weight.
var differentColumns = []protocol.Column{
	column("k", protocol.TypeLong), column("n", protocol.TypeLongLong), column("sum", protocol.TypeNewDecimal),
	{Name: "mean", Type: protocol.TypeNewDecimal, Decimals: 4}, column("rows", protocol.TypeLongLong), column("v", protocol.TypeLong),
	column("sum2", protocol.TypeNewDecimal), column("n2", protocol.TypeLongLong),
}

func differentMerge() *sharding.Merge {
	by := []sharding.Key{plain(5)}
	return &sharding.Merge{Visible: 5, Limit: sharding.NoLimit, Group: true, GroupKeys: []sharding.Key{plain(0)}, Aggregates: []sharding.Aggregate{
		{Column: 1, Func: sharding.AggCountDistinct, Distinct: by},
		{Column: 2, Func: sharding.AggSumDistinct, Distinct: by},
		{Column: 3, Func: sharding.AggAvg, Sum: 6, Count: 7, Distinct: by},
		{Column: 6, Func: sharding.AggSumDistinct, Distinct: by},
		{Column: 7, Func: sharding.AggCountDistinct, Distinct: by},
		{Column: 4, Func: sharding.AggCount},
	}}
}

func differentStreams() []Stream {
	row := func(k, v, rows string) []protocol.Field {
		n := "1"
		if v == "NULL" {
			n = "0"
		}
		return texts(k, n, v, v, rows, v, v, n)
	}
	return streams(
		stream(differentColumns, row("1", "5", "2"), row("1", "7", "1"), row("2", "NULL", "3")),
		stream(differentColumns, row("1", "5", "4"), row("1", "NULL", "1"), row("1", "8", "1"), row("3", "1", "1")))
}

func TestDifferentValues(t *testing.T) {
	var c collector
	if _, err := Run(differentMerge(), differentStreams(), &c, Limits{}); err != nil {
		t.Fatal(err)
	}
	wantRows(t, c.rows, "1|3|20|6.6667|9", "2|0|NULL|NULL|3", "3|1|1|1.0000|1")
}

func TestDifferentValuesAreLimited(t *testing.T) {
	for _, l := range []Limits{{Rows: 2}, {Bytes: 4000}} {
		var c collector
		_, err := Run(differentMerge(), differentStreams(), &c, l)
		var se *protocol.ServerError
		if !errors.As(err, &se) || se.Code != errTooBigSelect {
			t.Errorf("%+v: %v", l, err)
		}
	}
}
