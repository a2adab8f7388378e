package merge

import (
	"fmt"

	"lockstep/protocol"
	"lockstep/sharding"
)

// keyCodec writes the sort keys of a row as bytes whose plain comparison
// (bytes.Compare) is the order that ORDER BY asks for, and whose equality is the
// equality of GROUP BY and DISTINCT:
//
//	value    NULL 0x00 | 0x01 and the value, so NULL is the least
//	integer  sign byte, 8 bytes big-endian
//	decimal  sign, exponent, digits, end (complemented when negative)
//	float    IEEE bits, sign flipped or all complemented
//	bytes    0x00 written as 0x00 0x01, end 0x00 0x00
//	padded   segments: see appendPadded
//	DESC     all bytes of the key complemented, which also puts NULL last
//
// No key's bytes are a prefix of another's, so keys can follow each other.
type keyCodec struct {
	keys []keyColumn
}

type keyColumn struct {
	column int // the one that is compared: the weight where there is one
	kind   valueKind
	pad    padding
	desc   bool
}

// padding is what trailing spaces mean.
type padding uint8

const (
	noPad      padding = iota
	padText            // the column itself compares, byte by byte, with spaces behind it
	padWeights         // the column is WEIGHT_STRING(x): see trimSpaceWeights
)

func newKeyCodec(keys []sharding.SortKey, cols []protocol.Column) (*keyCodec, error) {
	c := &keyCodec{}
	for _, k := range keys {
		kc, err := newKeyColumn(k.Column, k.Weight, k.PadSpace, cols)
		if err != nil {
			return nil, err
		}
		kc.desc = k.Desc
		c.keys = append(c.keys, kc)
	}
	return c, nil
}

// newKeyColumn says how a column is compared: by its weight column if it has
// one (whatever type that one has), else by its own type. With padSpace, the
// weights of trailing spaces do not count; characters that sort below a space (control
// characters) then come after the end of a text instead of before. Weights of
// texts that were given one space at their end, WEIGHT_STRING(CONCAT(RTRIM(x), ' ')), are
// exact there too and need no padSpace.
func newKeyColumn(column, weight int, padSpace bool, cols []protocol.Column) (keyColumn, error) {
	at := column
	if weight >= 0 {
		at = weight
	}
	if at < 0 || at >= len(cols) || column < 0 || column >= len(cols) {
		return keyColumn{}, fmt.Errorf("merge: key column %d (weight %d) is not among %d columns", column, weight, len(cols))
	}
	kind := kindOf(cols[at].Type)
	kc := keyColumn{column: at, kind: kind}
	switch {
	case !padSpace || kind != kindBytes:
	case weight >= 0:
		kc.pad = padWeights
	default:
		kc.pad = padText
	}
	return kc, nil
}

// append writes the keys of a row to dst.
func (c *keyCodec) append(dst []byte, fields []protocol.Field) ([]byte, error) {
	var err error
	for i := range c.keys {
		if dst, err = c.keys[i].append(dst, fields[c.keys[i].column]); err != nil {
			return dst, err
		}
	}
	return dst, nil
}

func (k *keyColumn) append(dst []byte, f protocol.Field) ([]byte, error) {
	start := len(dst)
	var err error
	if f == nil {
		dst = append(dst, 0)
	} else if dst, err = k.appendValue(append(dst, 1), f); err != nil {
		return dst, err
	}
	if k.desc {
		for i := start; i < len(dst); i++ {
			dst[i] = ^dst[i]
		}
	}
	return dst, nil
}

func (k *keyColumn) appendValue(dst []byte, f protocol.Field) ([]byte, error) {
	switch k.kind {
	case kindInteger:
		return appendInteger(dst, f)
	case kindDecimal:
		return appendDecimal(dst, f)
	case kindFloat:
		return appendFloat(dst, f)
	case kindMoment:
		return appendBytes(dst, trimFraction(f)), nil
	case kindTime:
		return appendTime(dst, f)
	case kindBit:
		return appendBit(dst, f)
	default:
		switch k.pad {
		case padText:
			return appendPadded(dst, f, spacePoint1), nil
		case padWeights:
			return appendBytes(dst, trimSpaceWeights(f)), nil
		}
		return appendBytes(dst, f), nil
	}
}
