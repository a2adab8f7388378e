package wireclient

import "fmt"

// Column types whose binary values are not length-encoded strings.
const (
	typeTiny      = 0x01
	typeShort     = 0x02
	typeLong      = 0x03
	typeFloat     = 0x04
	typeDouble    = 0x05
	typeNull      = 0x06
	typeTimestamp = 0x07
	typeLongLong  = 0x08
	typeInt24     = 0x09
	typeDate      = 0x0a
	typeTime      = 0x0b
	typeDateTime  = 0x0c
	typeYear      = 0x0d
)

// Row is one row as it came.
type Row struct {
	Fields [][]byte // nil is NULL; of a binary row as on the wire, without lengths
}

// parseTextRow splits a text row.
func parseTextRow(p []byte, columns []Column) (Row, error) {
	cur := cursor{rest: p}
	var r Row
	for range columns {
		if len(cur.rest) > 0 && cur.rest[0] == 0xfb {
			cur.uint8()
			r.Fields = append(r.Fields, nil)
			continue
		}
		r.Fields = append(r.Fields, cur.bytes())
	}
	if err := cur.end(); err != nil {
		return r, fmt.Errorf("text row of %d bytes: %w", len(p), err)
	}
	return r, nil
}

// parseBinaryRow splits a binary row.
func parseBinaryRow(p []byte, columns []Column) (Row, error) {
	cur := cursor{rest: p}
	var r Row
	if b := cur.uint8(); b != 0 {
		cur.fail("it begins with %#x", b)
	}
	nulls := cur.take((len(columns) + 2 + 7) / 8)
	if cur.err == nil {
		if nulls[0]&3 != 0 {
			cur.fail("unused bits of the bitmap of NULLs are set")
		}
		for bit := len(columns) + 2; bit < 8*len(nulls); bit++ {
			if nulls[bit/8]&(1<<(bit%8)) != 0 {
				cur.fail("unused bits of the bitmap of NULLs are set")
			}
		}
	}
	for i := range columns {
		bit := i + 2
		if cur.err != nil {
			break
		}
		if nulls[bit/8]&(1<<(bit%8)) != 0 {
			r.Fields = append(r.Fields, nil)
			continue
		}
		r.Fields = append(r.Fields, binaryField(&cur, columns[i].Type))
	}
	if err := cur.end(); err != nil {
		return r, fmt.Errorf("binary row of %d bytes: %w", len(p), err)
	}
	return r, nil
}

func binaryField(cur *cursor, kind byte) []byte {
	switch kind {
	case typeTiny:
		return cur.take(1)
	case typeShort, typeYear:
		return cur.take(2)
	case typeLong, typeInt24, typeFloat:
		return cur.take(4)
	case typeLongLong, typeDouble:
		return cur.take(8)
	case typeNull:
		return nil
	case typeDate, typeDateTime, typeTimestamp:
		n := int(cur.uint8())
		if n != 0 && n != 4 && n != 7 && n != 11 {
			cur.fail("date of %d bytes", n)
		}
		return cur.take(n)
	case typeTime:
		n := int(cur.uint8())
		if n != 0 && n != 8 && n != 12 {
			cur.fail("time of %d bytes", n)
		}
		return cur.take(n)
	}
	return cur.bytes()
}
