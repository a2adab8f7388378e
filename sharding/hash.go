package sharding

// The hash function places rows, so it is part of the data: it must never change.
//
// It is FNV-1a with 64 bits over the canonical bytes of a key (canonical.go), followed by the 64-bit finalizer of
// MurmurHash3, since FNV's low bits alone are too regular; partition = hash mod number of partitions.
// http://www.isthe.com/chongo/tech/comp/fnv/, https://github.com/aappleby/smhasher

const (
	fnvOffset = 14695981039346656037
	fnvPrime  = 1099511628211
)

func fnvByte(h uint64, c byte) uint64 { return (h ^ uint64(c)) * fnvPrime }

func fnvBytes(h uint64, b []byte) uint64 {
	for _, c := range b {
		h = (h ^ uint64(c)) * fnvPrime
	}
	return h
}

func finalize(h uint64) uint64 {
	h ^= h >> 33
	h *= 0xff51afd7ed558ccd
	h ^= h >> 33
	h *= 0xc4ceb9fe1a85ec53
	h ^= h >> 33
	return h
}

// hash is the hash of a key's canonical bytes: for whole numbers their sign ('+' or '-', zero is '+') and the
// magnitude as 8 bytes, most significant first; for everything else the bytes themselves.
func (k *keyValue) hash() uint64 { return finalize(k.hashInto(fnvOffset)) }

// hashAll is the hash of a key of several columns: one hash over the canonical bytes of all, in the key's order, with a byte
// of 0xff behind each. (A key of one column has none: it was there first.)
func hashAll(keys []keyValue) uint64 {
	h := uint64(fnvOffset)
	for i := range keys {
		h = fnvByte(keys[i].hashInto(h), 0xff)
	}
	return finalize(h)
}

func (k *keyValue) hashInto(h uint64) uint64 {
	if !k.integer {
		return fnvBytes(h, k.text)
	}
	sign := byte('+')
	if k.negative {
		sign = '-'
	}
	h = fnvByte(h, sign)
	for shift := 56; shift >= 0; shift -= 8 {
		h = fnvByte(h, byte(k.magnitude>>shift))
	}
	return h
}
