package proxy

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"

	"lockstep/protocol"
	"lockstep/proxy/admin"
)

// showTransactions lists what is in doubt, as txn list does. A shard that cannot be asked is a warning.
func (s *session) showTransactions() error {
	op, ctx, cancel, err := s.operator("SHOW LOCKSTEP TRANSACTIONS")
	if err != nil {
		return err
	}
	defer cancel()
	list, err := op.List(ctx)
	if err != nil {
		return err
	}
	var rows []row
	for _, t := range list.Transactions {
		rows = append(rows, row{t.GTRID, ageText(t.AgeSeconds), t.Owner, t.Mode, t.Decision, branchesText(t.Branches), t.Plan, t.Why})
	}
	s.warnAll(list.Warnings)
	return s.sent(s.writeResult([]string{"gtrid", "age_seconds", "owner", "mode", "decision", "branches", "plan", "why"}, rows))
}

// showTransaction is txn show: names and values, one line for each thing that is known.
func (s *session) showTransaction(gtrid string) error {
	op, ctx, cancel, err := s.operator("SHOW LOCKSTEP TRANSACTION")
	if err != nil {
		return err
	}
	defer cancel()
	t, err := op.Show(ctx, gtrid)
	if err != nil {
		return protocol.NewError(erUnknown, "Lockstep: %s", err)
	}
	rows := []row{
		{"gtrid", t.GTRID}, {"age_seconds", ageText(t.AgeSeconds)}, {"owner", t.Owner}, {"live", strconv.FormatBool(t.Live)}, {"mode", t.Mode},
		{"decision", t.Decision}, {"branches", branchesText(t.Branches)}, {"plan", t.Plan}, {"why", t.Why},
	}
	add := func(name string, value any) error {
		text, err := json.Marshal(value)
		if err != nil {
			return fmt.Errorf("show transaction %s: %w", gtrid, err)
		}
		rows = append(rows, row{name, string(text)})
		return nil
	}
	if t.Record != nil {
		if err := add("record", t.Record); err != nil {
			return err
		}
	}
	if t.Trail != nil {
		if err := add("client", t.Trail); err != nil {
			return err
		}
	}
	for _, m := range t.Markers {
		if err := add("marker", m); err != nil {
			return err
		}
	}
	for _, h := range t.Holders {
		if err := add("holder", h); err != nil {
			return err
		}
	}
	for _, w := range t.Waiters {
		if err := add("waiter", w); err != nil {
			return err
		}
	}
	for _, e := range t.Audit {
		if err := add("audit", e); err != nil {
			return err
		}
	}
	s.warnAll(t.Warnings)
	return s.sent(s.writeResult([]string{"name", "value"}, rows))
}

// showLog lists the unfinished decisions; showAudit the verdicts that operators forced.
func (s *session) showLog() error {
	op, ctx, cancel, err := s.operator("SHOW LOCKSTEP LOG")
	if err != nil {
		return err
	}
	defer cancel()
	c, err := op.Contents(ctx, admin.DefaultDecisions)
	if err != nil {
		return err
	}
	var rows []row
	for _, d := range c.Decisions {
		rows = append(rows, row{d.GTRID, d.Verdict, timeText(d.Time), d.Mode, strings.Join(d.Participants, ","), d.Token})
	}
	return s.sent(s.writeResult([]string{"gtrid", "verdict", "time", "mode", "participants", "token"}, rows))
}

func (s *session) showAudit() error {
	op, ctx, cancel, err := s.operator("SHOW LOCKSTEP AUDIT")
	if err != nil {
		return err
	}
	defer cancel()
	c, err := op.Contents(ctx, 0)
	if err != nil {
		return err
	}
	var rows []row
	for _, e := range c.Audit {
		rows = append(rows, row{timeText(e.Time), e.GTRID, e.Verdict, e.Who, e.Reason})
	}
	return s.sent(s.writeResult([]string{"time", "gtrid", "verdict", "who", "reason"}, rows))
}

// operator is the admin port's, for a user who may administrate.
func (s *session) operator(what string) (*admin.Operator, context.Context, context.CancelFunc, error) {
	if err := s.mustAdministrate(what); err != nil {
		return nil, nil, nil, err
	}
	ctx, cancel := context.WithTimeout(s.ctx, inDoubtTimeout)
	return s.p.operator(), ctx, cancel, nil
}

func (s *session) warnAll(warnings []string) {
	for _, w := range warnings {
		s.diag.warn(erUnknown, "Incomplete: "+w)
	}
}

func ageText(age *float64) string {
	if age == nil {
		return ""
	}
	return strconv.FormatFloat(*age, 'f', 1, 64)
}

func timeText(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05.000000") }

func branchesText(list []admin.Branch) string {
	var parts []string
	for _, b := range list {
		parts = append(parts, b.Shard+": "+b.State)
	}
	return strings.Join(parts, ", ")
}
