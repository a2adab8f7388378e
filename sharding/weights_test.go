package sharding

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/hex"
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
)

var allWeights = flag.Bool("all-weights", false, "compare all weights with the server's, not a sample")

var generateWeights = flag.Bool("generate-weights", false, "write weights.bin.gz anew from the server")

// serverWeights asks the server for the weights of every character of a family.
func serverWeights(t *testing.T, f *weightFamily) map[rune][]uint16 {
	t.Helper()
	out := make(map[rune][]uint16)
	db := openServer(t)
	conn, err := db.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	latin1 := f.latin1
	var chars []rune
	step := rune(1)
	if !*generateWeights && !*allWeights {
		step = 17
	}
	for cp := rune(0); cp < f.to; cp++ {
		if (cp < 0xd800 || cp > 0xdfff) && (cp < 0x600 || cp%step == 0) {
			chars = append(chars, cp)
		}
	}
	if f.to > 0x10000 {
		for cp := rune(0x2f800); cp < 0x2fa20; cp += step { // ideographs that are equal to others
			chars = append(chars, cp)
		}
		for cp := f.to; cp < 0x2f800; cp += 113 { // have their usual weights
			chars = append(chars, cp)
		}
	}
	if latin1 {
		chars = chars[:0]
		for b := range rune(256) {
			chars = append(chars, b)
		}
	}
	for part := range slices.Chunk(chars, 4000) {
		var q strings.Builder
		for i, cp := range part {
			if i > 0 {
				q.WriteString(" UNION ALL ")
			}
			if latin1 {
				fmt.Fprintf(&q, "SELECT %d, HEX(WEIGHT_STRING(_latin1 0x%02X COLLATE %s))", latin1Rune(byte(cp)), byte(cp), f.collation)
			} else {
				fmt.Fprintf(&q, "SELECT %d, HEX(WEIGHT_STRING(_utf8mb4 0x%X COLLATE %s))", cp, string(cp), f.collation)
			}
		}
		rows, err := conn.QueryContext(context.Background(), q.String())
		if err != nil {
			t.Fatal(err)
		}
		for rows.Next() {
			var cp rune
			var text string
			if err := rows.Scan(&cp, &text); err != nil {
				t.Fatal(err)
			}
			b, err := hex.DecodeString(text)
			if err != nil {
				t.Fatal(err)
			}
			var w []uint16
			if latin1 {
				w = append(w, uint16(b[0]))
			} else {
				for i := 0; i+1 < len(b); i += 2 {
					w = append(w, uint16(b[i])<<8|uint16(b[i+1]))
				}
			}
			out[cp] = w
		}
		if err := rows.Err(); err != nil {
			t.Fatal(err)
		}
	}
	return out
}

func latin1Rune(b byte) rune {
	if b < 0x80 {
		return rune(b)
	}
	return cp1252[b-0x80]
}

// TestWeights compares the table with the server's weights, character by character.
func TestWeights(t *testing.T) {
	if *generateWeights {
		var file bytes.Buffer
		z, err := gzip.NewWriterLevel(&file, gzip.BestCompression)
		if err != nil {
			t.Fatal(err)
		}
		for i := range weightFamilies {
			f := &weightFamilies[i]
			w := serverWeights(t, f)
			err := writeWeights(z, func(cp rune) ([]uint16, bool) {
				list, ok := w[cp]
				u := f.usual(cp)
				usual := u[:1]
				if u[1] != 0 {
					usual = u[:]
				}
				return list, ok && !slices.Equal(list, usual)
			})
			if err != nil {
				t.Fatal(err)
			}
		}
		if err := z.Close(); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile("weights.bin.gz", file.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
		t.Logf("wrote %d bytes", file.Len())
		return
	}
	all, err := tables()
	if err != nil {
		t.Fatal(err)
	}
	for i := range weightFamilies {
		f := &weightFamilies[i]
		t.Run(f.name, func(t *testing.T) {
			wrong := 0
			for cp, want := range serverWeights(t, f) {
				var b []byte
				for _, w := range want {
					b = append(b, byte(w>>8), byte(w))
				}
				if got := all[f.name].append(nil, cp); !bytes.Equal(got, b) {
					if wrong++; wrong < 10 {
						t.Errorf("%U: weights %x, the server's are %x", cp, got, b)
					}
				}
			}
			if sp := all[f.name].append(nil, ' '); !bytes.Equal(sp, []byte{byte(f.space >> 8), byte(f.space)}) {
				t.Errorf("space weighs %x, not %x", sp, f.space)
			}
		})
	}
}
