package sharding

import (
	"bytes"
	"cmp"
)

// keyValue is a shard key's value in canonical form. text is owned by whoever asked for the conversion.
type keyValue struct {
	integer   bool
	negative  bool
	magnitude uint64
	text      []byte
}

func intKey(negative bool, magnitude uint64) keyValue {
	return keyValue{integer: true, negative: negative && magnitude != 0, magnitude: magnitude}
}

func signedKey(v int64) keyValue {
	if v < 0 {
		return intKey(true, -uint64(v))
	}
	return intKey(false, uint64(v))
}

// compare orders whole numbers by value, and texts by their bytes.
func (k keyValue) compare(o keyValue) int {
	if !k.integer {
		return bytes.Compare(k.text, o.text)
	}
	switch {
	case k.negative && !o.negative:
		return -1
	case !k.negative && o.negative:
		return 1
	case k.negative:
		return cmp.Compare(o.magnitude, k.magnitude)
	}
	return cmp.Compare(k.magnitude, o.magnitude)
}

// beside is the next whole number, above or below; ok is false at the end of what 64 bits and a sign hold.
func (k keyValue) beside(above bool) (_ keyValue, ok bool) {
	if above != k.negative && !(k.magnitude == 0 && !above) { // away from zero, or up from it
		return intKey(k.negative, k.magnitude+1), k.magnitude+1 != 0
	}
	if k.magnitude == 0 {
		return intKey(true, 1), true
	}
	return intKey(k.negative, k.magnitude-1), true
}

// successor is the next whole number; ok is false at the end of what 64 bits hold.
func (k keyValue) successor() (keyValue, bool) {
	if k.negative {
		return intKey(true, k.magnitude-1), true
	}
	return intKey(false, k.magnitude+1), k.magnitude+1 != 0
}
