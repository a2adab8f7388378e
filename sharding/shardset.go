package sharding

import "math/bits"

// MaxShards is the largest number of shards of one cluster: a shard set is a value of fixed size, so that routing
// allocates nothing.
const MaxShards = 256

type shardSet [MaxShards / 64]uint64

func (s *shardSet) add(i int)     { s[i>>6] |= 1 << (i & 63) }
func (s shardSet) has(i int) bool { return s[i>>6]&(1<<(i&63)) != 0 }

func (s shardSet) or(o shardSet) shardSet {
	for i := range s {
		s[i] |= o[i]
	}
	return s
}

func (s shardSet) and(o shardSet) shardSet {
	for i := range s {
		s[i] &= o[i]
	}
	return s
}

func (s shardSet) count() int {
	n := 0
	for _, w := range s {
		n += bits.OnesCount64(w)
	}
	return n
}

func (s shardSet) without(i int) shardSet {
	s[i>>6] &^= 1 << (i & 63)
	return s
}
func (s shardSet) empty() bool { return s == shardSet{} }

// first is the lowest member, -1 of an empty set.
func (s shardSet) first() int { return s.next(0) }

// next is the lowest member that is at least i, or -1.
func (s shardSet) next(i int) int {
	for i < MaxShards {
		if w := s[i>>6] >> (i & 63); w != 0 {
			return i + bits.TrailingZeros64(w)
		}
		i = (i>>6 + 1) << 6
	}
	return -1
}

// pick is the n-th member (mod the size) of a set that is not empty.
func (s shardSet) pick(n uint64) int {
	n %= uint64(s.count())
	i := s.first()
	for ; n > 0; n-- {
		i = s.next(i + 1)
	}
	return i
}
