package coordinator

import (
	"context"
	"encoding/hex"
	"fmt"
	"slices"
	"sort"
	"strings"
	"time"

	"lockstep/txlog"
)

// BranchState is what is known of one branch of an in-doubt transaction.
type BranchState struct {
	Shard string
	State string // one of the Branch… constants
}

// States of a branch.
const (
	BranchPrepared    = "prepared"
	BranchNotPrepared = "not prepared"
	BranchUnreachable = "unreachable"
	BranchActive      = "active"    // three-phase: has voted, is not prepared
	BranchCommitted   = "committed" // three-phase: its marker is committed
	BranchFenced      = "fenced"    // three-phase: was not prepared and never will be
)

// InDoubtTransaction is a transaction with prepared branches, as the operator sees it.
type InDoubtTransaction struct {
	GTRID    string
	FormatID int64  // of its XIDs; a stranger's tells whose they may be
	Owner    string // "ours", "ours, older epoch", "other coordinator", "unknown epoch", "stranger"
	Live     bool   // being driven right now
	Mode     string // ModeTwoPhase or ModeThreePhase; empty where it is not known
	Decision string // "commit", "rollback" (forced by an operator), "none", "unknown"
	Branches []BranchState
	Plan     string    // what the resolver will do: "commit", "roll back", "leave alone"
	Why      string    // the reason for Plan, or what blocks it
	Since    time.Time // first seen prepared by this process
}

// InDoubt lists all prepared transactions on all reachable shards, joined with the log,
// and the decided ones that wait for a shard that cannot be reached. Oldest first. The
// error joins those of the unreachable shards; what is known is returned with it.
// A stranger's gtrid that is not printable is shown in hexadecimal.
func (c *Coordinator) InDoubt(ctx context.Context) ([]InDoubtTransaction, error) {
	s := c.survey(ctx)
	type key struct {
		format int64
		gtrid  string
	}
	found := map[key]*InDoubtTransaction{}
	for _, shard := range s.shards {
		for _, x := range s.lists[shard] {
			k := key{x.FormatID, x.GTRID}
			owner := c.ownerOf(x)
			if owner != OwnerNobody && x.BQUAL != shard && c.watchOf(x.BQUAL) != nil {
				continue // two shards on one server: shown where it belongs
			}
			t := found[k]
			if t == nil {
				t = c.describe(x, s)
				found[k] = t
			}
			t.add(shard, BranchPrepared)
			if owner != OwnerNobody && x.BQUAL != shard {
				t.Plan, t.Why = "leave alone", fmt.Sprintf("its branch %q is of a shard that is not configured", x.BQUAL)
			}
			if since := c.since(shard, x); t.Since.IsZero() || since.Before(t.Since) {
				t.Since = since
			}
		}
	}
	decided, err := c.decided()
	if err != nil {
		return nil, err
	}
	for _, d := range decided {
		k := key{FormatID, d.GTRID}
		waits := slices.ContainsFunc(d.Participants, func(p string) bool { return s.errs[p] != nil || c.watchOf(p) == nil })
		if found[k] == nil && waits {
			found[k] = c.describe(XID{FormatID: FormatID, GTRID: d.GTRID}, s)
			found[k].Since = d.Time
		}
	}
	var prepared []*InDoubtTransaction
	for k, t := range found {
		if k.format == FormatID {
			prepared = append(prepared, t)
		}
	}
	c.describeThreePhase(ctx, prepared)
	out := make([]InDoubtTransaction, 0, len(found))
	for _, t := range found {
		out = append(out, *t)
	}
	sort.Slice(out, func(i, j int) bool {
		if !out[i].Since.Equal(out[j].Since) {
			return out[i].Since.Before(out[j].Since)
		}
		return out[i].GTRID < out[j].GTRID
	})
	return out, s.err()
}

// decided are all decisions in the log, where it can name them.
func (c *Coordinator) decided() (all []txlog.Decision, err error) {
	l, ok := c.o.Log.(decisionLister)
	if !ok {
		return nil, nil
	}
	if err := l.Decisions(func(d txlog.Decision) bool { all = append(all, d); return true }); err != nil {
		return nil, fmt.Errorf("read decisions: %w", err)
	}
	return all, nil
}

// describe a transaction, but for its prepared branches.
func (c *Coordinator) describe(x XID, s survey) *InDoubtTransaction {
	e := c.examine(x)
	j := judge(e)
	t := &InDoubtTransaction{GTRID: readable(x.GTRID), FormatID: x.FormatID, Owner: e.owner, Live: e.live, Decision: "none", Plan: "leave alone", Why: j.why}
	switch {
	case e.logErr != nil || e.held != "":
		t.Decision = "unknown"
	case e.decided:
		t.Decision, t.Mode = e.decision.Verdict.String(), e.decision.Mode
	}
	switch j.verdict {
	case txlog.Commit:
		t.Plan = "commit"
	case txlog.Rollback:
		t.Plan = "roll back"
	}
	if e.owner == OwnerNobody {
		return t
	}
	for _, p := range e.decision.Participants { // none unless decided
		switch _, listed := s.lists[p]; {
		case !listed:
			t.add(p, BranchUnreachable)
		case !s.listed[p][XID{FormatID, x.GTRID, p}]:
			t.add(p, BranchNotPrepared)
		}
	}
	if !e.decided { // any shard may hold a branch
		for _, p := range s.unreachable() {
			t.add(p, BranchUnreachable)
		}
	}
	return t
}

func (t *InDoubtTransaction) add(shard, state string) {
	if !slices.Contains(t.Branches, BranchState{shard, state}) {
		t.Branches = append(t.Branches, BranchState{shard, state})
	}
	sort.SliceStable(t.Branches, func(i, j int) bool { return t.Branches[i].Shard < t.Branches[j].Shard })
}

func (c *Coordinator) since(shard string, x XID) time.Time {
	w := c.watchOf(shard)
	c.shardsMu.Lock()
	defer c.shardsMu.Unlock()
	return w.seen[x]
}

func readable(gtrid string) string {
	if strings.ContainsFunc(gtrid, func(r rune) bool { return r < ' ' || r > '~' }) {
		return "0x" + hex.EncodeToString([]byte(gtrid))
	}
	return gtrid
}
