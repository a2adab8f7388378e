package sharding

import (
	"fmt"
	"slices"
	"strings"

	"lockstep/config"
)

type placeFunc uint8

const (
	placeHash placeFunc = iota + 1
	placeMod
	placeRange
	placeList
)

// placement is a sharding function: from a canonical key to a shard.
type placement struct {
	fn     placeFunc
	shards []int // partition → shard
	bounds []keyValue
	last   bool // range: the last partition has no upper bound
	list   map[string]int
	all    shardSet
}

// same says whether two placements put equal keys on the same shard.
func (p *placement) same(o *placement) bool {
	if p.fn != o.fn || p.last != o.last || !slices.Equal(p.shards, o.shards) || len(p.list) != len(o.list) {
		return false
	}
	for k, v := range p.list {
		if w, ok := o.list[k]; !ok || w != v {
			return false
		}
	}
	return slices.EqualFunc(p.bounds, o.bounds, func(a, b keyValue) bool { return a.compare(b) == 0 })
}

// shard places a key; -1 when no partition takes it.
func (p *placement) shard(k *keyValue) int {
	switch p.fn {
	case placeHash:
		return p.shards[k.hash()%uint64(len(p.shards))]
	case placeMod:
		n := uint64(len(p.shards))
		r := k.magnitude % n
		if k.negative && r != 0 {
			r = n - r // the mathematical modulus: -1 mod 3 = 2
		}
		return p.shards[r]
	case placeRange:
		i, found := slices.BinarySearchFunc(p.bounds, *k, func(b, k keyValue) int { return b.compare(k) })
		if found {
			i++ // bounds are exclusive
		}
		if i < len(p.shards) {
			return p.shards[i]
		}
		return -1
	case placeList:
		if k.integer {
			var buf [24]byte
			if s, ok := p.list[string(appendIntKey(buf[:0], k))]; ok {
				return s
			}
			return -1
		}
		if s, ok := p.list[string(k.text)]; ok {
			return s
		}
		return -1
	}
	return -1
}

func appendIntKey(dst []byte, k *keyValue) []byte {
	if k.negative {
		dst = append(dst, '-')
	}
	return appendUint(dst, k.magnitude)
}

// between is the set of shards that may hold keys from lo to hi, both included; a nil bound is open.
func (p *placement) between(lo, hi *keyValue) shardSet {
	if lo != nil && hi != nil && lo.compare(*hi) > 0 {
		return shardSet{}
	}
	if p.fn == placeRange {
		var s shardSet
		for i, shard := range p.shards {
			if hi != nil && i > 0 && hi.compare(p.bounds[i-1]) < 0 {
				break
			}
			if lo != nil && i < len(p.bounds) && lo.compare(p.bounds[i]) >= 0 {
				continue
			}
			s.add(shard)
		}
		return s
	}
	// Few whole numbers: each one's shard.
	const most = 64
	if lo == nil || hi == nil || !lo.integer {
		return p.all
	}
	var s shardSet
	k := *lo
	for range most {
		if shard := p.shard(&k); shard >= 0 {
			s.add(shard)
		}
		if s == p.all || k.compare(*hi) == 0 {
			return s
		}
		var ok bool
		if k, ok = k.successor(); !ok {
			return s
		}
	}
	return p.all
}

func newPlacement(r *config.Rule, t *keyType, index map[string]int, all []int) (*placement, error) {
	p := &placement{}
	var err error
	switch r.Function {
	case "", "hash", "mod":
		p.fn = placeHash
		if r.Function == "mod" {
			p.fn = placeMod
			if t.class != keyInt {
				return nil, fmt.Errorf("function mod needs a whole-number shard key")
			}
		}
		if p.shards, err = shardIndexes(r.Shards, index, all); err != nil {
			return nil, err
		}
	case "range":
		p.fn = placeRange
		if t.class != keyInt {
			return nil, fmt.Errorf("function range needs a whole-number shard key")
		}
		if err = p.setRanges(r.Ranges, index); err != nil {
			return nil, err
		}
	case "list":
		p.fn = placeList
		if err = p.setLists(r.Lists, t, index); err != nil {
			return nil, err
		}
	default:
		return nil, fmt.Errorf("function %q is not known", r.Function)
	}
	if len(p.shards) == 0 {
		return nil, fmt.Errorf("no shard is named")
	}
	for _, s := range p.shards {
		p.all.add(s)
	}
	return p, nil
}

func (p *placement) setRanges(parts []config.RangePart, index map[string]int) error {
	for i, part := range parts {
		shard, ok := index[part.Shard]
		if !ok {
			return fmt.Errorf("shard %q is not known", part.Shard)
		}
		p.shards = append(p.shards, shard)
		if strings.EqualFold(part.LessThan, "max") {
			if i != len(parts)-1 {
				return fmt.Errorf("only the last range may end at max")
			}
			p.last = true
			continue
		}
		k, ok := parseIntKey([]byte(part.LessThan))
		if !ok {
			return fmt.Errorf("range bound %q is not a whole number", part.LessThan)
		}
		if n := len(p.bounds); n > 0 && p.bounds[n-1].compare(k) >= 0 {
			return fmt.Errorf("range bound %s is not above the one before it", part.LessThan)
		}
		p.bounds = append(p.bounds, k)
	}
	return nil
}

func (p *placement) setLists(parts []config.ListPart, t *keyType, index map[string]int) error {
	p.list = make(map[string]int)
	for _, part := range parts {
		shard, ok := index[part.Shard]
		if !ok {
			return fmt.Errorf("shard %q is not known", part.Shard)
		}
		p.shards = append(p.shards, shard)
		for _, text := range part.Values {
			v := Value{Kind: ValString, B: []byte(text)}
			k, _, fit := t.convert(nil, &v, charsetUTF8, storing)
			if fit != fitExact {
				return fmt.Errorf("list value %q does not fit the shard key's type", text)
			}
			name := string(k.text)
			if k.integer {
				name = string(appendIntKey(nil, &k))
			}
			if other, taken := p.list[name]; taken && other != shard {
				return fmt.Errorf("list value %q belongs to two shards (values are compared as the column compares them)", text)
			}
			p.list[name] = shard
		}
	}
	return nil
}

func shardIndexes(names []string, index map[string]int, all []int) ([]int, error) {
	if len(names) == 0 {
		return all, nil
	}
	out := make([]int, 0, len(names))
	for _, n := range names {
		i, ok := index[n]
		if !ok {
			return nil, fmt.Errorf("shard %q is not known", n)
		}
		out = append(out, i)
	}
	return out, nil
}
