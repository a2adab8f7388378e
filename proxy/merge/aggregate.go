package merge

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"math/big"
	"strconv"

	"lockstep/protocol"
	"lockstep/sharding"
)

// part is one column of the rows that the rows of a group are merged in. An
// average is not a part: it is made of the parts of its sum and its count.
type part struct {
	column int
	fn     sharding.AggFunc
	kind   valueKind
	scale  int // decimals of the column, for floats
	key    keyColumn
	weight int // column that goes along with a minimum or maximum, or -1

	distinct []keyColumn // of COUNT and SUM of different values
}

// cell is what a group has of a part so far.
type cell struct {
	set     bool // some value that is not NULL has come
	bits    uint64
	real    float64
	decimal decimalSum
	value   []byte // of MIN and MAX
	weight  []byte
	isNull  bool // the weight is NULL
	key     []byte
	seen    map[string]struct{} // keys of the different values
}

const errNotSupported = 1235 // ER_NOT_SUPPORTED_YET

const bigSize = 128 // bytes of a sum that is too wide for an int64

// partsOf lists the columns to merge. Sums and counts that several aggregates
// need (a visible SUM(x) and the AVG(x) made of it) are one part.
func partsOf(m *sharding.Merge, cols []protocol.Column) ([]part, error) {
	var parts []part
	met := map[int]sharding.AggFunc{}
	add := func(column int, fn sharding.AggFunc, weight int, pad bool, distinct ...sharding.Key) error {
		if column < 0 || column >= len(cols) || weight >= len(cols) {
			return fmt.Errorf("merge: aggregate column %d (weight %d) is not among %d columns", column, weight, len(cols))
		}
		if before, ok := met[column]; ok {
			if before != fn {
				return fmt.Errorf("merge: column %d is merged in two ways", column)
			}
			return nil
		}
		met[column] = fn
		if (fn == sharding.AggMin || fn == sharding.AggMax) && cols[column].Type == protocol.TypeBit {
			// MariaDB writes it in decimal or as bytes, by how it came to group the
			// rows, under the same column type: the two cannot be told apart.
			return protocol.NewError(errNotSupported, "Lockstep cannot merge MIN and MAX of a BIT column over several shards: use MIN(column + 0)")
		}
		key, err := newKeyColumn(column, weight, pad, cols)
		if err != nil {
			return err
		}
		different, err := newKeyCodec(ascending(distinct), cols)
		if err != nil {
			return err
		}
		parts = append(parts, part{column: column, fn: fn, kind: kindOf(cols[column].Type), scale: int(cols[column].Decimals), key: key, weight: weight,
			distinct: different.keys})
		return nil
	}
	for _, a := range m.Aggregates {
		var err error
		switch a.Func {
		case sharding.AggAvg:
			if a.Column < 0 || a.Column >= len(cols) {
				return nil, fmt.Errorf("merge: average column %d is not among %d columns", a.Column, len(cols))
			}
			sum, count := sharding.AggSum, sharding.AggCount
			if len(a.Distinct) > 0 {
				sum, count = sharding.AggSumDistinct, sharding.AggCountDistinct
			}
			if err = add(a.Sum, sum, -1, false, a.Distinct...); err == nil {
				err = add(a.Count, count, -1, false, a.Distinct...)
			}
		case sharding.AggMin, sharding.AggMax:
			err = add(a.Column, a.Func, a.Weight, a.PadSpace)
		case sharding.AggCount, sharding.AggSum, sharding.AggBitAnd, sharding.AggBitOr, sharding.AggBitXor:
			err = add(a.Column, a.Func, -1, false)
		case sharding.AggCountDistinct, sharding.AggSumDistinct:
			if len(a.Distinct) == 0 {
				return nil, errors.New("merge: different values without keys")
			}
			err = add(a.Column, a.Func, -1, false, a.Distinct...)
		default:
			err = fmt.Errorf("merge: unknown aggregate function %d", a.Func)
		}
		if err != nil {
			return nil, err
		}
	}
	return parts, nil
}

// add merges a row's value into a cell. scratch is reused; held is how many
// bytes more the cell holds.
func (p *part) add(c *cell, fields []protocol.Field, scratch []byte) (_ []byte, held int, err error) {
	f := fields[p.column]
	if f == nil {
		return scratch, 0, nil
	}
	if len(p.distinct) > 0 {
		var fresh bool
		if scratch, held, fresh, err = p.fresh(c, fields, scratch); err != nil || !fresh {
			return scratch, held, err
		}
	}
	switch p.fn {
	case sharding.AggMin, sharding.AggMax:
		return p.addExtreme(c, fields, scratch)
	case sharding.AggCountDistinct:
		c.decimal.small++
	case sharding.AggBitAnd, sharding.AggBitOr, sharding.AggBitXor:
		err = p.addBits(c, f)
	default:
		if p.kind == kindFloat {
			var v float64
			v, err = parseFloat(f)
			c.real += v
		} else {
			wasSmall := c.decimal.big == nil
			if err = c.decimal.add(f); wasSmall && c.decimal.big != nil {
				held += bigSize
			}
		}
	}
	c.set = true
	return scratch, held, err
}

// fresh says whether a row's values have not come before, and notes them. A NULL among them is no value.
func (p *part) fresh(c *cell, fields []protocol.Field, scratch []byte) (_ []byte, held int, fresh bool, err error) {
	scratch = scratch[:0]
	for i := range p.distinct {
		k := &p.distinct[i]
		if fields[k.column] == nil {
			return scratch, 0, false, nil
		}
		if scratch, err = k.append(scratch, fields[k.column]); err != nil {
			return scratch, 0, false, err
		}
	}
	if _, met := c.seen[string(scratch)]; met {
		return scratch, 0, false, nil
	}
	if c.seen == nil {
		c.seen = map[string]struct{}{}
	}
	c.seen[string(scratch)] = struct{}{}
	return scratch, len(scratch) + seenSize, true, nil
}

func (p *part) addBits(c *cell, f protocol.Field) error {
	v, negative, err := parseInteger(f)
	if err != nil {
		return err
	}
	if negative {
		v = -v
	}
	switch {
	case !c.set:
		c.bits = v
	case p.fn == sharding.AggBitAnd:
		c.bits &= v
	case p.fn == sharding.AggBitOr:
		c.bits |= v
	default:
		c.bits ^= v
	}
	return nil
}

func (p *part) addExtreme(c *cell, fields []protocol.Field, scratch []byte) (_ []byte, held int, err error) {
	if scratch, err = p.key.append(scratch[:0], fields[p.key.column]); err != nil {
		return scratch, 0, err
	}
	if c.set {
		order := bytes.Compare(scratch, c.key)
		if p.fn == sharding.AggMin && order >= 0 || p.fn == sharding.AggMax && order <= 0 {
			return scratch, 0, nil
		}
	}
	before := cap(c.key) + cap(c.value) + cap(c.weight)
	c.set = true
	c.key = append(c.key[:0], scratch...)
	c.value = append(c.value[:0], fields[p.column]...)
	if p.weight >= 0 {
		c.weight = append(c.weight[:0], fields[p.weight]...)
		c.isNull = fields[p.weight] == nil
	}
	return scratch, cap(c.key) + cap(c.value) + cap(c.weight) - before, nil
}

// result writes what a cell comes to into the row, using memory from dst.
func (p *part) result(c *cell, fields []protocol.Field, dst []byte) []byte {
	start := len(dst)
	switch p.fn {
	case sharding.AggCount, sharding.AggCountDistinct:
		dst = c.decimal.append(dst)
	case sharding.AggBitAnd:
		if !c.set {
			c.bits = math.MaxUint64
		}
		dst = strconv.AppendUint(dst, c.bits, 10)
	case sharding.AggBitOr, sharding.AggBitXor:
		dst = strconv.AppendUint(dst, c.bits, 10)
	default:
		if !c.set {
			fields[p.column] = nil
			if p.weight >= 0 {
				fields[p.weight] = nil
			}
			return dst
		}
		switch {
		case p.fn == sharding.AggMin || p.fn == sharding.AggMax:
			// Not nil even when empty: that would be NULL.
			fields[p.column] = c.value[:len(c.value):len(c.value)]
			if p.weight >= 0 {
				fields[p.weight] = c.weight
				if c.isNull {
					fields[p.weight] = nil
				} else if c.weight == nil {
					fields[p.weight] = protocol.Field{}
				}
			}
			if c.value == nil {
				fields[p.column] = protocol.Field{}
			}
			return dst
		case p.kind == kindFloat:
			dst = appendDouble(dst, c.real, p.scale)
		default:
			dst = c.decimal.append(dst)
		}
	}
	fields[p.column] = dst[start:len(dst):len(dst)]
	return dst
}

// average makes the value of an AVG column of its sum and its count.
type average struct {
	column   int
	sum      int // part
	count    int // part
	decimals int
	real     bool // a DOUBLE, else a decimal
	realSum  bool
}

func averagesOf(m *sharding.Merge, parts []part, cols []protocol.Column) ([]average, error) {
	at := map[int]int{}
	for i, p := range parts {
		at[p.column] = i
	}
	var averages []average
	for _, a := range m.Aggregates {
		if a.Func != sharding.AggAvg {
			continue
		}
		c := cols[a.Column]
		v := average{column: a.Column, sum: at[a.Sum], count: at[a.Count], decimals: int(c.Decimals), real: kindOf(c.Type) == kindFloat}
		v.realSum = parts[v.sum].kind == kindFloat
		if v.realSum && !v.real {
			return nil, fmt.Errorf("merge: column '%s' is an exact average of an inexact sum", c.Name)
		}
		averages = append(averages, v)
	}
	return averages, nil
}

func (a *average) result(cells []cell, fields []protocol.Field, dst []byte) []byte {
	sum, count := &cells[a.sum], cells[a.count].decimal.value()
	if !sum.set || count.Sign() <= 0 || !count.IsUint64() {
		fields[a.column] = nil
		return dst
	}
	start := len(dst)
	switch {
	case a.realSum:
		dst = appendDouble(dst, sum.real/float64(count.Uint64()), a.decimals)
	case a.real:
		total, _ := new(big.Rat).SetFrac(sum.decimal.value(), powerOfTen(sum.decimal.scale)).Float64()
		dst = appendDouble(dst, total/float64(count.Uint64()), a.decimals)
	default:
		dst = sum.decimal.appendAverage(dst, count.Uint64(), a.decimals)
	}
	fields[a.column] = dst[start:len(dst):len(dst)]
	return dst
}
