package coordinator

import (
	"context"
	"fmt"
	"strings"
	"sync"

	"lockstep/txlog"
)

// tokenRounds bound the looks of one look-up.
const tokenRounds = 3

// TokenOutcome tells what became of the transaction whose client gave this token. Committed and
// RolledBack are final: where no shard has a trace of it, the token is fenced off on every shard
// first, so that a transaction that is still on its way cannot commit. InDoubt comes with the reason.
// The gtrid is empty where it is not known.
//
// An answer is right as long as the markers are kept (Options.TokenRetention).
func (c *Coordinator) TokenOutcome(ctx context.Context, token string) (v Verdict, gtrid string, err error) {
	if token == "" || len(token) > txlog.TokenLimit {
		return 0, "", fmt.Errorf("look up token: it has %d bytes, 1 to %d are possible", len(token), txlog.TokenLimit)
	}
	if g := c.liveToken(token); g != "" {
		return InDoubt, g, fmt.Errorf("it is being committed right now")
	}
	for range tokenRounds {
		l := c.lookUp(ctx, token)
		switch v, gtrid, err = l.outcome(); {
		case v == InDoubt && gtrid != "":
			if d, ok, lerr := c.o.Log.Lookup(gtrid); lerr == nil && ok && d.Verdict == txlog.Commit {
				return Committed, gtrid, nil // by this process; its branches follow
			}
			return v, gtrid, err
		case v != 0:
			return v, gtrid, err
		}
		if err = c.fenceToken(ctx, token, l.bare); err == nil {
			return RolledBack, "", nil
		}
	}
	return InDoubt, "", err
}

// liveToken finds the transaction of this process that is being committed with this token.
func (c *Coordinator) liveToken(token string) (gtrid string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.tokens[token]
}

// tokenSearch is one look at all shards.
type tokenSearch struct {
	rows    []Marker
	bare    []string // shards without a row
	unknown []error  // of shards that could not be asked
}

// lookUp reads the rows with a token on all shards.
func (c *Coordinator) lookUp(ctx context.Context, token string) (l tokenSearch) {
	ws := c.watches()
	rows, errs := make([][]Marker, len(ws)), make([]error, len(ws))
	var wg sync.WaitGroup
	for i, w := range ws {
		wg.Go(func() { rows[i], errs[i] = c.tokenRows(ctx, w, token) })
	}
	wg.Wait()
	for i, w := range ws {
		l.rows = append(l.rows, rows[i]...)
		switch {
		case errs[i] != nil:
			l.unknown = append(l.unknown, fmt.Errorf("shard %s: %w", w.shard.Name(), errs[i]))
		case len(rows[i]) == 0:
			l.bare = append(l.bare, w.shard.Name())
		}
	}
	return l
}

func (c *Coordinator) tokenRows(ctx context.Context, w *watch, token string) (rows []Marker, err error) {
	t, ok := w.shard.(Tokens)
	if !ok {
		return nil, fmt.Errorf("it keeps no markers")
	}
	ctx, cancel := within(ctx, c.o.Clock, c.o.ListTimeout)
	defer cancel()
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v", p)
		}
	}()
	return t.Token(ctx, token)
}

// outcome is zero where a fence on the bare shards would make it RolledBack, which needs
// all shards to be there.
func (l tokenSearch) outcome() (v Verdict, gtrid string, err error) {
	aborted := 0
	for _, m := range l.rows {
		switch {
		case m.State == MarkerAborted && m.Committed:
			aborted++
		case m.State == MarkerAborted: // a fence that is being written
			err = fmt.Errorf("another look-up is under way")
		case m.Committed: // its branch is committed, and so are or will be the others
			return Committed, m.GTRID, nil
		default:
			gtrid, err = m.GTRID, fmt.Errorf("its branches are not settled yet")
		}
	}
	switch {
	case err != nil:
		return InDoubt, gtrid, err
	case len(l.unknown) > 0:
		words := make([]string, len(l.unknown))
		for i, e := range l.unknown {
			words[i] = e.Error()
		}
		return InDoubt, "", fmt.Errorf("not all shards can be asked: %s", strings.Join(words, "; "))
	case len(l.bare) == 0 && aborted > 0:
		return RolledBack, "", nil
	}
	return 0, "", nil
}

// fenceToken takes the token on these shards. An error: on one of them somebody else was quicker.
func (c *Coordinator) fenceToken(ctx context.Context, token string, shards []string) error {
	for _, name := range shards { // one after the other: two look-ups meet on the first
		r := c.fenceTokenAt(ctx, c.watchOf(name), token)
		if r.Result != Done {
			return fmt.Errorf("it could not be ruled out on shard %s: %w", name, orElse(r.Err, errNoReason))
		}
	}
	return nil
}

func (c *Coordinator) fenceTokenAt(ctx context.Context, w *watch, token string) (r Reply) {
	ctx, cancel := within(ctx, c.o.Clock, c.o.SettleTimeout)
	defer cancel()
	defer func() {
		if p := recover(); p != nil {
			r = Reply{Unknown, fmt.Errorf("panic: %v", p)}
		}
	}()
	return w.shard.(Tokens).FenceToken(ctx, token) // as tokenRows has seen
}
