package sharding

import (
	"bufio"
	"bytes"
	"compress/gzip"
	_ "embed"
	"encoding/binary"
	"fmt"
	"io"
	"sync"
)

// Weights of characters, as MariaDB 10.11 gives them: two texts are equal under a collation if and only if their weights
// are (contractions aside, see drops). The file is written by TestWeights with -generate-weights and
// compared with a running server by the same test without. It places rows, so it never changes: a server whose weights
// differ needs a family of its own.
//
// The file is gzip over, for each family in the order of weightFamilies, its characters of unusual weights: the distance
// from the character before, the number of weights, and each weight's distance from the one before it, all as varints; a
// distance of zero ends a family.
//
//go:embed weights.bin.gz
var weightFile []byte

// weightFamily is a group of collations with one table.
type weightFamily struct {
	name      string
	collation string                  // that the table is read from
	usual     func(cp rune) [2]uint16 // a second of 0 is none
	space     uint16
	to        rune // the table has characters below this one, and those of compatibility
	latin1    bool // the table is read byte by byte
}

// The weight that general collations give to all characters past 0xFFFF.
const replacementWeight = 0xfffd

func usualGeneral(cp rune) [2]uint16 {
	if cp > 0xffff {
		return [2]uint16{replacementWeight}
	}
	return [2]uint16{uint16(cp)}
}

// usualUCA is the implicit weight of the Unicode Collation Algorithm as the servers compute it: a pair of which the
// first is the same for many characters. https://www.unicode.org/reports/tr10/#Implicit_Weights
func usualUCA(cp rune) [2]uint16 {
	base := uint16(0xfbc0)
	switch {
	case cp >= 0x4e00 && cp <= 0x9fff:
		base = 0xfb40
	case cp >= 0x3400 && cp <= 0x4dbf:
		base = 0xfb80
	}
	return [2]uint16{base + uint16(cp>>15), uint16(cp&0x7fff) | 0x8000}
}

func usualUCA1400(cp rune) [2]uint16 {
	w := usualUCA(cp)
	if cp >= 0x20000 && cp <= 0x2a6df {
		w[0] = 0xfb80 + uint16(cp>>15)
	}
	return w
}

func usualUCA400(cp rune) [2]uint16 {
	if cp > 0xffff {
		return [2]uint16{replacementWeight}
	}
	return usualUCA(cp)
}

var weightFamilies = []weightFamily{
	{name: "general", collation: "utf8mb4_general_ci", usual: usualGeneral, space: ' ', to: 0x10000},
	{name: "uca400", collation: "utf8mb4_unicode_ci", usual: usualUCA400, space: 0x0209, to: 0x10000},
	{name: "uca520", collation: "utf8mb4_unicode_520_ci", usual: usualUCA, space: 0x020a, to: 0x20000},
	{name: "uca1400", collation: "utf8mb4_uca1400_ai_ci", usual: usualUCA1400, space: 0x0209, to: 0x20000},
	{name: "swedish", collation: "latin1_swedish_ci", usual: usualGeneral, space: ' ', to: 0x2200, latin1: true},
	{name: "general1", collation: "latin1_general_ci", usual: usualGeneral, space: ' ', to: 0x2200, latin1: true},
}

// weightTable is a family's table in memory.
type weightTable struct {
	family *weightFamily
	pages  map[rune]*[256]uint32 // of the character without its last byte: position in list + 1, 0: usual
	list   []uint16              // number of weights, weights
}

// tables are read when the first shard key needs one.
var tables = sync.OnceValues(readWeights)

func readWeights() (map[string]*weightTable, error) {
	z, err := gzip.NewReader(bytes.NewReader(weightFile))
	if err != nil {
		return nil, fmt.Errorf("open collation weights: %w", err)
	}
	r := bufio.NewReader(z)
	out := make(map[string]*weightTable)
	for i := range weightFamilies {
		t := &weightTable{family: &weightFamilies[i], pages: make(map[rune]*[256]uint32)}
		if err := t.read(r); err != nil {
			return nil, fmt.Errorf("read collation weights of %s: %w", t.family.name, err)
		}
		out[t.family.name] = t
	}
	return out, nil
}

func (t *weightTable) read(r io.ByteReader) error {
	cp := rune(-1)
	last := int64(0)
	for {
		d, err := binary.ReadUvarint(r)
		if err != nil || d == 0 {
			return err
		}
		cp += rune(d)
		n, err := binary.ReadUvarint(r)
		if err != nil {
			return err
		}
		page := t.pages[cp>>8]
		if page == nil {
			page = new([256]uint32)
			t.pages[cp>>8] = page
		}
		page[cp&0xff] = uint32(len(t.list)) + 1
		t.list = append(t.list, uint16(n))
		for range n {
			d, err := binary.ReadVarint(r)
			if err != nil {
				return err
			}
			last += d
			t.list = append(t.list, uint16(last))
		}
	}
}

// write is the reverse of read; weights gives nil for characters of usual weights.
func writeWeights(w io.Writer, weights func(cp rune) ([]uint16, bool)) error {
	last, lastCP := int64(0), rune(-1)
	var b []byte
	for cp := range rune(0x30000) {
		list, unusual := weights(cp)
		if !unusual {
			continue
		}
		b = binary.AppendUvarint(b, uint64(cp-lastCP))
		b = binary.AppendUvarint(b, uint64(len(list)))
		for _, v := range list {
			b = binary.AppendVarint(b, int64(v)-last)
			last = int64(v)
		}
		lastCP = cp
	}
	b = append(b, 0)
	_, err := w.Write(b)
	return err
}

// append appends the weights of a character.
func (t *weightTable) append(dst []byte, cp rune) []byte {
	if page := t.pages[cp>>8]; page != nil {
		if at := page[cp&0xff]; at != 0 {
			n := uint32(t.list[at-1])
			for _, w := range t.list[at : at+n] {
				dst = append(dst, byte(w>>8), byte(w))
			}
			return dst
		}
	}
	w := t.family.usual(cp)
	dst = append(dst, byte(w[0]>>8), byte(w[0]))
	if w[1] != 0 {
		dst = append(dst, byte(w[1]>>8), byte(w[1]))
	}
	return dst
}
