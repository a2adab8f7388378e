package proxy

import (
	"cmp"
	"maps"
	"slices"
)

// firstAttributes are kept before others where not all fit.
var firstAttributes = []string{"program_name", "_client_name", "_client_version", "_pid"}

// boundAttributes keeps what fits of a client's connection attributes, names and values together, and says how many
// do not.
func boundAttributes(all map[string]string, limit int) (kept map[string]string, dropped int) {
	size := 0
	for k, v := range all {
		size += len(k) + len(v)
	}
	if size <= limit {
		return all, 0
	}
	rank := func(name string) int {
		if i := slices.Index(firstAttributes, name); i >= 0 {
			return i
		}
		return len(firstAttributes)
	}
	names := slices.SortedFunc(maps.Keys(all), func(a, b string) int {
		return cmp.Or(cmp.Compare(rank(a), rank(b)), cmp.Compare(a, b))
	})
	kept = map[string]string{}
	for _, k := range names {
		n := len(k) + len(all[k])
		if n > limit {
			dropped++
			continue
		}
		limit -= n
		kept[k] = all[k]
	}
	return kept, dropped
}
