package admin

import (
	"context"
	"fmt"

	"lockstep/txlog"
)

// Contents answers what the log holds: all, but for decisions past the limit (in key order).
func (o *Operator) Contents(_ context.Context, limit int) (LogContents, error) {
	l := o.Log
	id := l.Identity()
	c := LogContents{Path: l.Path(), Cluster: id.Cluster, Coordinator: id.Coordinator, Decisions: []Decision{}, Audit: []AuditEntry{}}
	var err error
	if c.Epochs, err = l.Epochs(); err != nil {
		return c, fmt.Errorf("read epochs: %w", err)
	}
	err = l.Decisions(func(d txlog.Decision) bool {
		if c.Total++; c.Total <= limit {
			c.Decisions = append(c.Decisions, decisionOf(d))
		}
		return true
	})
	if err != nil {
		return c, fmt.Errorf("read decisions: %w", err)
	}
	entries, err := l.AuditEntries()
	if err != nil {
		return c, fmt.Errorf("read audit entries: %w", err)
	}
	for _, e := range entries {
		c.Audit = append(c.Audit, auditOf(e))
	}
	if err := l.Failed(); err != nil {
		c.Failed = err.Error()
	}
	return c, nil
}

func decisionOf(d txlog.Decision) Decision {
	return Decision{GTRID: d.GTRID, Verdict: d.Verdict.String(), Mode: d.Mode, Participants: append([]string{}, d.Participants...), Time: d.Time, Token: d.Token}
}

func auditOf(e txlog.AuditEntry) AuditEntry {
	return AuditEntry{Time: e.Time, GTRID: e.GTRID, Verdict: e.Verdict.String(), Who: e.Who, Reason: e.Reason}
}
