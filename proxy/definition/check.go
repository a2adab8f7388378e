package definition

import (
	"context"
	"sync"

	"lockstep/backend"
)

// TakeInventories reads what all shards define, at once.
func TakeInventories(ctx context.Context, shards []*backend.Shard, n Names) []*Inventory {
	list := make([]*Inventory, len(shards))
	var wait sync.WaitGroup
	for i, s := range shards {
		wait.Go(func() { list[i] = TakeInventory(ctx, s, n) })
	}
	wait.Wait()
	return list
}

// Check is all that is not as it should be: statements that were done on some of their shards, and what is not alike
// without a statement that explains it.
func Check(list []*Inventory, expect Expect) []Difference {
	var found []Difference
	explained := map[string]bool{}
	for _, st := range Statements(list) {
		found = append(found, st.describe())
		for _, o := range st.Intent.Objects {
			explained[o.String()] = true
		}
	}
	for _, d := range Compare(list, expect) {
		if !explained[d.Object] {
			found = append(found, d)
		}
	}
	return found
}
