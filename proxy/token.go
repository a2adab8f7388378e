package proxy

import (
	"context"
	"encoding/hex"
	"strings"
	"sync"
	"time"

	"lockstep/coordinator"
	"lockstep/protocol"
	"lockstep/sharding"
	"lockstep/txlog"
)

// A client's token names a transaction before its outcome is known, so that a client that loses its
// connection in COMMIT can ask any proxy of the cluster what became of it. It is the open transaction's, or else
// the next one's, and is used up by its end. Each branch that wrote leaves the token in its marker, which is
// committed with it; who looks the token up and finds no trace takes it on every shard first, so that
// "aborted" stays true.

// tokenOf reads the value of SET lockstep_token: 1 to 64 printable ASCII characters; none of them takes it back.
func tokenOf(value string, isDefault bool) (string, error) {
	if isDefault || strings.EqualFold(value, "NULL") {
		return "", nil
	}
	token := textOf(value)
	if token == "" {
		return "", nil
	}
	return token, checkToken(token)
}

// checkToken keeps to characters that are the same bytes in every character set that a client may speak.
func checkToken(token string) error {
	if token == "" || len(token) > txlog.TokenLimit {
		return protocol.NewError(erWrongValueForVar, "Variable '%s' can't be set: a token has 1 to %d characters, this one %d", varToken, txlog.TokenLimit, len(token))
	}
	for i := range len(token) {
		if token[i] <= ' ' || token[i] > '~' {
			return protocol.NewError(erWrongValueForVar, "Variable '%s' can't be set: a token is of printable ASCII characters without blanks, and character %d is not", varToken, i+1)
		}
	}
	return nil
}

// textOf is the text of a literal as SET statements are left with it: quoted, hexadecimal, or bare.
func textOf(literal string) string {
	if i := strings.Index(literal, "X'"); i >= 0 && strings.HasSuffix(literal, "'") && (i == 0 || literal[0] == '_') {
		if b, err := hex.DecodeString(literal[i+2 : len(literal)-1]); err == nil {
			return string(b)
		}
	}
	return unquote(literal)
}

// tokenStatement runs an autocommit statement that changes something under a token: as a
// transaction of its own, which leaves the token's marker in each branch.
func (s *session) tokenStatement(st *sharding.Statement, rq *request) error {
	switch st.Kind {
	case sharding.KindInsert, sharding.KindUpdate, sharding.KindDelete:
	default:
		return notSupported("a CALL, or a SELECT of a function that changes data, with %s set and outside a transaction: use BEGIN and COMMIT", varToken)
	}
	if len(s.plan.Targets) > 1 {
		return s.scatterWrite(st, rq)
	}
	out := s.newReturned(s.plan.Returning)
	return s.aloneReturning(out, func() (protocol.OK, error) { return s.writeOne(st, rq, out) })
}

// writeOne is runWrite for one shard, where the statement may be a prepared one.
func (s *session) writeOne(st *sharding.Statement, rq *request, out *returnedRows) (protocol.OK, error) {
	target := &s.plan.Targets[0]
	parts := make([]part, 1)
	p := &parts[0]
	var err error
	if p.lease, err = s.lease(target.Shard, false, rq.preparedText(target)); err != nil {
		return protocol.OK{}, err
	}
	p.lease.branch.wrote = true
	if p.err = s.writeStatement(&p.lease, target, rq); p.err == nil {
		p.err = s.readPrelude(p, false)
	}
	var ok protocol.OK
	if p.err == nil {
		var list [][]protocol.Field
		ok, list, p.err = readWriteOK(p, out)
		if p.err == nil && out != nil {
			p.err = out.addParts(s.plan.Targets, [][][]protocol.Field{list}, true)
		}
	}
	if p.err != nil {
		return ok, s.endParts(parts, nil)
	}
	if ok.Warnings > 0 {
		s.fetchWarnings(&p.lease, nil)
	}
	s.afterCall(&p.lease, st, rq)
	s.done(&p.lease)
	if err := s.checkAlive(); err != nil {
		return ok, err // its connection broke while the warnings were read
	}
	ok.Warnings = s.diag.count()
	return s.account(ok, rq), nil
}

// commitMarked commits the only branch that wrote with its marker: with the client's token, or as the vote of
// a transaction's only participant, by which whoever finds the branch prepared commits it.
func (s *session) commitMarked(ctx context.Context, t *transaction, b *branch, token string) error {
	state := coordinator.MarkerToken
	if s.returns(b) {
		state = coordinator.MarkerVoted
	}
	return b.xa.CommitOnePhaseMarked(ctx, backendMarker(coordinator.Marker{
		GTRID: t.named.GTRID(), State: state, Participants: []string{s.p.shards[b.shard].Name()},
		Coordinator: s.p.cfg.Coordinator, Token: token,
	}))
}

// showOutcome answers SHOW LOCKSTEP OUTCOME 'token'. Any user may ask: who knows a token knows what to ask for.
func (s *session) showOutcome(token string) error {
	if err := checkToken(token); err != nil {
		return err
	}
	if limit := s.p.cfg.Limits.OutcomeLookups; !s.p.lookups.take(time.Now(), limit) {
		s.p.metrics.lookups.WithLabelValues("refused").Inc()
		return protocol.NewError(erTooManyUserConns, "More than %d look-ups of tokens a minute (limits.outcome_lookups): ask again later", limit)
	}
	ctx, cancel := context.WithTimeout(s.ctx, inDoubtTimeout)
	defer cancel()
	v, gtrid, err := s.p.coordinator.TokenOutcome(ctx, token)
	r := row{token, "", gtrid, ""}
	switch v {
	case coordinator.Committed:
		r[1], r[3] = "COMMITTED", "its marker is committed on a shard, or its commit is decided: final"
	case coordinator.RolledBack:
		r[1], r[3] = "ABORTED", "no shard has a trace of it, and none will take it any more: final"
	case coordinator.InDoubt:
		r[1] = "IN DOUBT"
		if err != nil {
			r[3] = err.Error()
		}
	default:
		return err
	}
	s.p.metrics.lookups.WithLabelValues(strings.ToLower(r[1])).Inc()
	return s.sent(s.writeResult([]string{"token", "outcome", "gtrid", "why"}, []row{r}))
}

// lookupAllowance bounds how many tokens are looked up: one that nobody has used is taken by the
// question, with a row on every shard that stays for token_retention.
type lookupAllowance struct {
	mu   sync.Mutex
	left float64
	last time.Time
}

// take spends one of perMinute, which may be spent at once after a minute of rest.
func (a *lookupAllowance) take(now time.Time, perMinute int) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	full := float64(perMinute)
	if a.last.IsZero() {
		a.left = full
	} else if rest := now.Sub(a.last); rest > 0 {
		a.left = min(full, a.left+full*rest.Minutes())
	}
	a.last = now
	if a.left < 1 {
		return false
	}
	a.left--
	return true
}
