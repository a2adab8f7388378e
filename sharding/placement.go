package sharding

import "slices"

type placeFunc uint8

const (
	placeHash placeFunc = iota + 1
	placeMod
	placeRange
	placeList
	placeYear
	placeMonth
	placeDay
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

// shardOf places the key of a row, with all its columns; -1 when no partition takes it.
func (p *placement) shardOf(keys []keyValue) int {
	if len(keys) == 1 {
		return p.shard(&keys[0])
	}
	return p.shards[hashAll(keys)%uint64(len(p.shards))]
}

// shard places a key of one column; -1 when no partition takes it.
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
	case placeYear, placeMonth, placeDay:
		return p.shards[p.period(k.text)%len(p.shards)]
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

// between is the set of shards that may hold keys from lo to hi, both included, or hi left out; a nil bound is open.
func (p *placement) between(lo, hi *keyValue, below bool) shardSet {
	if lo != nil && hi != nil && lo.compare(*hi) > 0 {
		return shardSet{}
	}
	if p.fn == placeRange {
		var s shardSet
		for i, shard := range p.shards {
			if hi != nil && i > 0 {
				if c := hi.compare(p.bounds[i-1]); c < 0 || c == 0 && below {
					break
				}
			}
			if lo != nil && i < len(p.bounds) && lo.compare(p.bounds[i]) >= 0 {
				continue
			}
			s.add(shard)
		}
		return s
	}
	if p.fn >= placeYear {
		return p.periods(lo, hi, below)
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
