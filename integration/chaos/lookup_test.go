package chaos

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"lockstep/integration/cluster"
	"lockstep/integration/history"
)

// lookUp asks a proxy what became of a token; empty: it cannot tell yet.
func lookUp(p *cluster.Proxy, token string) (history.Answer, error) {
	db, err := sql.Open("mysql", p.DSN("", "timeout=1s", "readTimeout="+statementLimit.String()))
	if err != nil {
		return "", err
	}
	defer db.Close()
	ctx, cancel := context.WithTimeout(context.Background(), statementLimit)
	defer cancel()
	var same, outcome, gtrid, why string
	if err := db.QueryRowContext(ctx, "SHOW LOCKSTEP OUTCOME '"+token+"'").Scan(&same, &outcome, &gtrid, &why); err != nil {
		return "", err
	}
	switch outcome {
	case "COMMITTED":
		return history.Committed, nil
	case "ABORTED":
		return history.Aborted, nil
	case "IN DOUBT":
		return "", nil
	}
	return "", fmt.Errorf("the outcome of token %s is %q", token, outcome)
}

// askMeanwhile looks a token up through the first proxy that answers while its transaction
// is being committed. If it is told ABORTED, then that is final.
func (l *load) askMeanwhile(n int64, token string, wait time.Duration) {
	l.clients.Go(func() {
		time.Sleep(wait)
		for _, p := range l.w.Proxies() {
			if a, err := lookUp(p, token); err == nil {
				if a != "" {
					l.rec.Answer(n, a)
				}
				return
			}
		}
	})
}

// lookUpAll asks for the outcome of every transaction with a token whose client does not know it, through
// another proxy each. Nothing is in doubt any more, so each answer is final.
func (w *world) lookUpAll(rec *history.Recorder) {
	for i, op := range rec.Unanswered() {
		proxies := w.Proxies()
		a, err := lookUp(proxies[i%len(proxies)], op.Token)
		if err != nil || a == "" {
			w.t.Errorf("at rest: the outcome of %s by token %s is %q (error %v), want COMMITTED or ABORTED", op.GTRID, op.Token, a, err)
			continue
		}
		rec.Answer(op.N, a)
	}
}
