package catalog

import (
	"fmt"
	"math"
	"strings"

	"lockstep/sharding"
)

// idRange is which ids an AUTO_INCREMENT column can take.
type idRange struct {
	column string
	max    uint64 // that the column holds
	end    uint64 // the first that is never generated; the stored next of a table that has none left
	widest bool   // BIGINT UNSIGNED
}

func rangeOf(t *sharding.Table) (idRange, error) {
	for i := range t.Columns {
		c := &t.Columns[i]
		if !strings.EqualFold(c.Name, t.AutoIncrement) {
			continue
		}
		unsigned := strings.Contains(strings.ToLower(c.ColumnType), "unsigned")
		r := idRange{column: c.Name}
		switch c.DataType {
		case "tinyint":
			r.max = integerMax(8, unsigned)
		case "smallint":
			r.max = integerMax(16, unsigned)
		case "mediumint":
			r.max = integerMax(24, unsigned)
		case "int", "integer":
			r.max = integerMax(32, unsigned)
		case "bigint":
			r.max = integerMax(64, unsigned)
			// The largest BIGINT UNSIGNED is never generated: it stands for failure in the servers.
			r.widest = unsigned
		case "float":
			r.max = 1 << 24
		case "double":
			r.max = 1 << 53
		default:
			return idRange{}, fmt.Errorf("AUTO_INCREMENT column %s of %s.%s has type %s, which cannot count", c.Name, t.Database, t.Name, c.DataType)
		}
		r.end = r.max
		if r.max < math.MaxUint64 {
			r.end++
		}
		return r, nil
	}
	return idRange{}, fmt.Errorf("table %s.%s has no AUTO_INCREMENT column", t.Database, t.Name)
}

func integerMax(bits int, unsigned bool) uint64 {
	if !unsigned {
		bits--
	}
	return math.MaxUint64 >> (64 - bits)
}
