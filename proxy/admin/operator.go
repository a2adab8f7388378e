package admin

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"

	"lockstep/coordinator"
	"lockstep/txlog"
)

// Operator carries out an operator's verbs, whether the proxy runs or not. Safe for concurrent use.
type Operator struct {
	Resolver Resolver
	Log      Log
	Shards   []Lister
	Clients  Clients          // nil: nothing is known of clients, as offline
	Logger   *slog.Logger     // nil: slog.Default
	Now      func() time.Time // nil: time.Now

	// FirstLook: this process has only just begun to look, so when it first saw a branch says nothing.
	FirstLook bool
}

// Limits of what a request may say, in bytes.
const (
	maxReason = 1024
	maxWho    = 256
)

// NotFoundError says that neither a shard nor the log knows the transaction.
type NotFoundError struct{ GTRID string }

func (e *NotFoundError) Error() string {
	return fmt.Sprintf("no shard lists %s as prepared and the log does not know it", e.GTRID)
}

// RequestError is a request that says too little or too much.
type RequestError struct{ Reason string }

func (e *RequestError) Error() string { return e.Reason }

func (o *Operator) now() time.Time {
	if o.Now != nil {
		return o.Now()
	}
	return time.Now()
}

func (o *Operator) logger() *slog.Logger {
	if o.Logger != nil {
		return o.Logger
	}
	return slog.Default()
}

// List answers what is in doubt, oldest first. That a shard cannot be reached is a warning.
func (o *Operator) List(ctx context.Context) (TransactionList, error) {
	found, warnings, err := o.inDoubt(ctx)
	if err != nil {
		return TransactionList{}, err
	}
	list := TransactionList{Transactions: make([]Transaction, len(found)), Warnings: warnings}
	for i, t := range found {
		if list.Transactions[i], err = o.describe(t); err != nil {
			return TransactionList{}, err
		}
	}
	return list, nil
}

// inDoubt takes the errors of single shards for warnings, all others for errors.
func (o *Operator) inDoubt(ctx context.Context) (found []coordinator.InDoubtTransaction, warnings []string, err error) {
	found, err = o.Resolver.InDoubt(ctx)
	if err != nil && found == nil {
		return nil, nil, fmt.Errorf("list transactions in doubt: %w", err)
	}
	return found, each(err), nil
}

// each takes joined errors apart.
func each(err error) []string {
	list := []string{}
	var joined interface{ Unwrap() []error }
	switch {
	case err == nil:
	case errors.As(err, &joined):
		for _, e := range joined.Unwrap() {
			list = append(list, e.Error())
		}
	default:
		list = append(list, err.Error())
	}
	return list
}

func (o *Operator) describe(t coordinator.InDoubtTransaction) (Transaction, error) {
	out := Transaction{GTRID: t.GTRID, Owner: t.Owner, Live: t.Live, Mode: t.Mode, Decision: t.Decision, Branches: []Branch{}, Plan: t.Plan, Why: t.Why}
	if t.Owner == coordinator.OwnerNobody {
		out.FormatID, out.Maker = t.FormatID, makerOf(t.FormatID)
	}
	for _, b := range t.Branches {
		out.Branches = append(out.Branches, Branch(b))
	}
	since := t.Since
	if o.FirstLook {
		since = time.Time{}
	}
	d, ok, err := o.Log.Lookup(t.GTRID)
	if err != nil && !errors.Is(err, txlog.ErrUnknown) {
		return out, fmt.Errorf("look up %s: %w", t.GTRID, err)
	}
	if ok && (since.IsZero() || d.Time.Before(since)) {
		since = d.Time
	}
	out.date(since, o.now())
	return out, nil
}

func (t *Transaction) date(since, now time.Time) {
	if since.IsZero() {
		return
	}
	age := max(now.Sub(since), 0).Seconds()
	t.Since, t.AgeSeconds = &since, &age
}

// Show answers all that is known of one transaction. Errors: *NotFoundError.
func (o *Operator) Show(ctx context.Context, gtrid string) (TransactionDetail, error) {
	found, warnings, err := o.inDoubt(ctx)
	if err != nil {
		return TransactionDetail{}, err
	}
	detail := TransactionDetail{Audit: []AuditEntry{}, Warnings: warnings}
	entries, err := o.Log.AuditEntries()
	if err != nil {
		return detail, fmt.Errorf("read audit entries: %w", err)
	}
	for _, e := range entries {
		if e.GTRID == gtrid {
			detail.Audit = append(detail.Audit, auditOf(e))
		}
	}
	d, recorded, err := o.Log.Lookup(gtrid)
	if err != nil && !errors.Is(err, txlog.ErrUnknown) {
		return detail, fmt.Errorf("look up %s: %w", gtrid, err)
	}
	if recorded {
		r := decisionOf(d)
		detail.Record = &r
	}
	i := slices.IndexFunc(found, func(t coordinator.InDoubtTransaction) bool { return t.GTRID == gtrid })
	switch {
	case i >= 0:
		if detail.Transaction, err = o.describe(found[i]); err != nil {
			return detail, err
		}
	case recorded:
		detail.Transaction = o.finished(d)
	}
	known := i >= 0 || recorded
	detail.Evidence, warnings = o.evidence(ctx, rawGTRID(gtrid), detail.Transaction)
	detail.Warnings = append(detail.Warnings, warnings...)
	switch {
	case known:
	case detail.Trail != nil:
		detail.Transaction = o.open(gtrid, *detail.Trail)
	case len(detail.Markers) > 0:
		detail.Transaction = remembered(gtrid, detail.Markers)
		detail.Owner = o.ownerOf(gtrid)
	case len(detail.Audit) > 0:
		detail.Transaction = Transaction{GTRID: gtrid, Owner: o.ownerOf(gtrid), Decision: "none", Branches: []Branch{}, Plan: "nothing to do", Why: "nothing of it is left but its audit entries"}
	default:
		return detail, &NotFoundError{gtrid}
	}
	return detail, nil
}

// rawGTRID is the bytes of a gtrid as it is shown.
func rawGTRID(shown string) string {
	if h, ok := strings.CutPrefix(shown, "0x"); ok {
		if raw, err := hex.DecodeString(h); err == nil {
			return string(raw)
		}
	}
	return shown
}

// ownerOf says who made a transaction that is prepared nowhere; empty where it cannot be told.
func (o *Operator) ownerOf(gtrid string) string {
	id, err := coordinator.ParseGTRID(gtrid)
	epochs, eerr := o.Log.Epochs()
	switch own := o.Log.Identity(); {
	case err != nil || id.Cluster != own.Cluster:
		return coordinator.OwnerNobody
	case id.Coordinator != own.Coordinator:
		return coordinator.OwnerOther
	case eerr != nil:
		return ""
	case len(epochs) > 0 && id.Epoch == epochs[len(epochs)-1]:
		return coordinator.OwnerOurs
	case slices.Contains(epochs, id.Epoch):
		return coordinator.OwnerOlder
	}
	return coordinator.OwnerUnknown
}

// open describes a transaction that no shard lists and that this proxy's client still has, or had a moment ago.
func (o *Operator) open(gtrid string, tr Trail) Transaction {
	t := Transaction{GTRID: gtrid, Owner: coordinator.OwnerOurs, Live: tr.Live, Decision: "none", Branches: []Branch{}, Plan: "leave alone",
		Why: "its client has it open: nothing of it is prepared"}
	if !tr.Live {
		t.Plan, t.Why = "nothing to do", "its session has ended, and no shard lists a branch of it any more"
	}
	for _, c := range tr.Connections {
		state := coordinator.BranchNotPrepared
		if tr.Live {
			state = coordinator.BranchActive
		}
		t.Branches = append(t.Branches, Branch{Shard: c.Shard, State: state})
	}
	t.date(tr.Began, o.now())
	return t
}

// remembered describes a transaction of which only markers are left.
func remembered(gtrid string, markers []Marker) Transaction {
	t := Transaction{GTRID: gtrid, Decision: "none", Branches: []Branch{}, Plan: "nothing to do", Why: "no shard lists a branch of it; its markers are left"}
	for _, m := range markers {
		state := coordinator.BranchCommitted
		switch {
		case m.State == coordinator.MarkerAborted.String():
			state = coordinator.BranchFenced
		case !m.Committed:
			state = coordinator.BranchActive
		}
		t.Branches = append(t.Branches, Branch{Shard: m.Shard, State: state})
	}
	return t
}

// finished describes a decision of which no branch is left.
func (o *Operator) finished(d txlog.Decision) Transaction {
	t := Transaction{GTRID: d.GTRID, Owner: o.ownerOf(d.GTRID), Mode: d.Mode, Decision: d.Verdict.String(), Branches: []Branch{}, Plan: "forget", Why: "no shard lists a branch of it any more"}
	for _, p := range d.Participants {
		t.Branches = append(t.Branches, Branch{p, coordinator.BranchNotPrepared})
	}
	t.date(d.Time, o.now())
	return t
}

// Recover makes one pass of the resolver, or says what it would do. The actions are
// good also with an error.
func (o *Operator) Recover(ctx context.Context, dryRun bool) (Actions, error) {
	done, err := o.Resolver.Recover(ctx, dryRun)
	out := Actions{DryRun: dryRun, Actions: actionsOf(done)}
	if err != nil {
		err = fmt.Errorf("recover: %w", err)
	}
	return out, err
}

func actionsOf(list []coordinator.Action) []Action {
	out := []Action{}
	for _, a := range list {
		out = append(out, Action{GTRID: a.GTRID, Shard: a.Shard, Verdict: a.Verdict.String(), Why: a.Why, Error: a.Err})
	}
	return out
}
