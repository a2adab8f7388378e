package proxy

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// A trail keeps the first and the last statements, in order, whatever their number.
func TestTrailIsBounded(t *testing.T) {
	for _, n := range []int{0, 1, trailHead, trailHead + 1, trailHead + trailTail, trailHead + trailTail + 1, 100} {
		var tr trail
		var want []string
		for i := range n {
			d := fmt.Sprint(i)
			tr.add(d)
			if i < trailHead || i >= n-trailTail {
				want = append(want, d)
			}
		}
		shown := tr.copy().shown(true)
		if !slices.Equal(shown.Digests, want) && strings.Join(want, "") != "" || shown.Statements != n {
			t.Errorf("%d statements: %q, expected %q", n, shown.Digests, want)
		}
	}
}

// Of transactions that were left in doubt the newest are kept.
func TestTrailsAreBounded(t *testing.T) {
	var k trails
	for i := range trailsLeft + 10 {
		tr := &trail{}
		tr.gtrid = fmt.Sprint(i)
		k.keep(tr)
		tr.add("later") // the copy does not see it
	}
	if len(k.byID) != trailsLeft || len(k.order) != trailsLeft || k.find("9") != nil || k.find("10") == nil || k.find("10").count != 0 {
		t.Errorf("%d kept, %d in order", len(k.byID), len(k.order))
	}
}
