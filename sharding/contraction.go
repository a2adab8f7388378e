package sharding

import "sync"

// UCA 14 has contractions: characters that together weigh something else than one by one (и and a breve are й). Their
// weights are left out of the canonical form, and so are those of scripts that are full of them (Thai, Lao, Indic ones), so
// that equal texts still have equal forms. What is kept: digits, and the letters of the scripts below, without the
// letters that have contractions; and the second half of each ideograph's weight.
var keptScripts = [][2]rune{
	{'0', '9'}, {'a', 'z'}, {0x370, 0x3ff}, {0x400, 0x52f}, {0x531, 0x587}, {0x5d0, 0x5ea}, {0x620, 0x64a}, {0x10a0, 0x10ff},
	{0x1100, 0x11ff}, {0x3041, 0x30fa},
}

// Letters of these scripts that take part in contractions or are equal to one, and the middle dot (l· is l).
var contracted = []rune{'и', 'й', 'ا', 'آ', 'أ', 'إ', 'و', 'ؤ', 'ي', 'ئ', '·'}

var keptWeights = sync.OnceValue(func() map[uint16]bool {
	kept := make(map[uint16]bool)
	all, err := tables()
	if err != nil {
		return kept
	}
	t := all["uca1400"]
	mark := func(cp rune, keep bool) {
		if w := t.append(nil, cp); len(w) == 2 {
			kept[uint16(w[0])<<8|uint16(w[1])] = keep
		}
	}
	for _, r := range keptScripts {
		for cp := r[0]; cp <= r[1]; cp++ {
			mark(cp, true)
		}
	}
	for _, cp := range contracted {
		mark(cp, false)
	}
	return kept
})

// The first halves of implicit weights begin here; explicit ones end well below the second halves, which begin at 0x8000.
const (
	implicitLead = 0xfb00
	implicitTail = 0x8000
)

// keepWeights removes the weights of b from byte from on that are not kept.
func keepWeights(b []byte, from int) []byte {
	kept := keptWeights()
	to := from
	for i := from; i+1 < len(b); i += 2 {
		w := uint16(b[i])<<8 | uint16(b[i+1])
		if w >= implicitTail && w < implicitLead || kept[w] {
			b[to], b[to+1] = b[i], b[i+1]
			to += 2
		}
	}
	return b[:to]
}
