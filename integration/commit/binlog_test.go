package commit

import (
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"lockstep/coordinator"
	"lockstep/integration/cluster"
)

// What a replica is told of a transaction that recovery settles: PREPARE once, and then COMMIT once or ROLLBACK, each in
// the form that a replica can follow.
func TestBinaryLogAfterRecovery(t *testing.T) {
	w := newWorld(t, cluster.Options{Shards: 3, BinLog: true})
	w.StartProxy()
	a := w.makeAccounts(24, 1000)
	w.StopProxy()
	for _, step := range []stepCase{
		stepOf(3, coordinator.StepAllPrepared, 0), stepOf(3, coordinator.StepDecisionDurable, 0), stepOf(3, coordinator.StepAllCommitted, 0),
	} {
		t.Run(step.String(), func(t *testing.T) {
			at := w.dieAt(t, a, step)
			w.StartProxy()
			w.settledIn(t, w.all(), settleLimit)
			at.check(t, step.deciding)
			end := "XA ROLLBACK"
			if step.deciding {
				end = "XA COMMIT"
			}
			for i := range w.Shards {
				if got, want := w.inBinLog(t, i, at.gtrid), []string{"XA START", "XA END", "XA PREPARE", end}; !slices.Equal(got, want) {
					t.Errorf("shard %d has of %s in its binary log: %q, want %q", i, at.gtrid, got, want)
				}
			}
			w.StopProxy()
		})
	}
	// One phase is for what was not prepared: on MySQL it would not be in the binary log otherwise.
	w.StartProxy()
	c := w.client(t)
	defer c.close()
	c.must("BEGIN", add(a.on[0][0], 1))
	var gtrid string
	if err := c.QueryRow("SELECT @@lockstep_gtrid").Scan(&gtrid); err != nil {
		t.Fatal(err)
	}
	c.must(add(a.on[0][1], -1), "COMMIT")
	if got := w.inBinLog(t, 0, gtrid); slices.Contains(got, "XA COMMIT") || slices.Contains(got, "XA PREPARE") && !slices.Contains(got, "XA COMMIT ONE PHASE") {
		t.Errorf("a transaction of one shard has in the binary log: %q", got)
	}
}

// inBinLog lists the XA statements of a transaction in a shard's binary log.
func (w *world) inBinLog(t *testing.T, shard int, gtrid string) (verbs []string) {
	t.Helper()
	var files []string
	w.eachRow(t, shard, "SHOW BINARY LOGS", func(row map[string]string) { files = append(files, row["Log_name"]) })
	hex := fmt.Sprintf("%x", gtrid)
	for _, file := range files {
		w.eachRow(t, shard, "SHOW BINLOG EVENTS IN '"+file+"'", func(row map[string]string) {
			info := strings.ToLower(row["Info"])
			if !strings.Contains(info, hex) {
				return
			}
			for _, verb := range []string{"XA START", "XA END", "XA PREPARE", "XA COMMIT", "XA ROLLBACK"} {
				if strings.Contains(info, strings.ToLower(verb)) {
					if strings.Contains(info, "one phase") {
						verb += " ONE PHASE"
					}
					verbs = append(verbs, verb)
					break
				}
			}
		})
	}
	return verbs
}

// eachRow calls visit with each row of an answer, by column.
func (w *world) eachRow(t *testing.T, shard int, query string, visit func(map[string]string)) {
	t.Helper()
	rows, err := w.shard(shard).Query(query)
	if err != nil {
		t.Fatal(err)
	}
	columns, err := rows.Columns()
	if err != nil {
		t.Fatal(err)
	}
	values := make([]sql.NullString, len(columns))
	into := make([]any, len(columns))
	for i := range values {
		into[i] = &values[i]
	}
	for rows.Next() {
		if err := rows.Scan(into...); err != nil {
			t.Fatal(err)
		}
		row := map[string]string{}
		for i, c := range columns {
			row[c] = values[i].String
		}
		visit(row)
	}
	if err := errors.Join(rows.Err(), rows.Close()); err != nil {
		t.Fatal(err)
	}
}
