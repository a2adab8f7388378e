package catalog

import (
	"context"
	"errors"
)

// ErrWouldWait is the answer to who cannot wait: a shard would have to be asked first.
var ErrWouldWait = errors.New("a shard would have to be asked for ids")

type nowait struct{ context.Context }

// NoWait marks a context of somebody who must not wait for a shard.
func NoWait(ctx context.Context) context.Context { return nowait{ctx} }

func cannotWait(ctx context.Context) bool {
	_, yes := ctx.(nowait)
	return yes
}
