package differential

import (
	"fmt"
	"strings"
)

// shardCounts are the sizes of the clusters that every run is made on.
var shardCounts = []int{1, 2, 3, 7}

// names of tables by their rule: what is in none of them follows the default rule, hash of the primary key.
var (
	hashed  = []string{"h1", "h2", "h3", "h4"}
	bounded = []string{"m1", "r1", "l1"} // mod, range, list: of an integer between lowestKey and highestKey
	placed  = []string{"g1", "g2", "s1"} // global, single
	others  = []string{"k1", "y1", "y2"} // two columns together, month, day
	grouped = []string{"q1", "q2"}       // a table group: keys of one type
)

// rules is the part of the configuration that places the tables on n shards.
func rules(n int) string {
	var b strings.Builder
	b.WriteString("schemas:\n  - name: d\n    tables:\n")
	b.WriteString("      - {name: g1, kind: global}\n      - {name: g2, kind: global}\n")
	b.WriteString("      - {name: k1, shard_key: [id, id2]}\n")
	b.WriteString("      - {name: y1, shard_key: id, function: month}\n      - {name: y2, shard_key: id, function: day}\n")
	b.WriteString("      - {name: q1, shard_key: id, group: q}\n      - {name: q2, shard_key: id, group: q}\n")
	fmt.Fprintf(&b, "      - {name: s1, kind: single, shard: s%d}\n", n)
	b.WriteString("      - {name: m1, shard_key: id, function: mod}\n")
	b.WriteString("      - name: r1\n        shard_key: id\n        function: range\n        ranges:\n")
	for i := 1; i <= n; i++ {
		bound := "max"
		if i < n {
			bound = fmt.Sprint(lowestKey + i*(highestKey-lowestKey)/n)
		}
		fmt.Fprintf(&b, "          - {less_than: %s, shard: s%d}\n", bound, i)
	}
	b.WriteString("      - name: l1\n        shard_key: id\n        function: list\n        lists:\n")
	for i := range n {
		var values []string
		for v := lowestKey + i; v <= highestKey; v += n {
			values = append(values, fmt.Sprint(v))
		}
		fmt.Fprintf(&b, "          - {values: [%s], shard: s%d}\n", strings.Join(values, ", "), i+1)
	}
	return b.String()
}
