package proxy

import (
	"github.com/prometheus/client_golang/prometheus"

	"lockstep/backend"
	"lockstep/coordinator"
	"lockstep/txlog"
)

// partsCollector reads the counters of shards, coordinator, log and sessions
// when it is asked: the parts count for themselves, so that nothing on the data
// path waits for metrics.
type partsCollector struct{ p *Proxy }

func desc(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc("lockstep_"+name, help, labels, nil)
}

var (
	descShardUp    = desc("shard_up", "Whether the shard answered when last asked.", "shard")
	descOpen       = desc("shard_connections", "Server connections of the pool, by state.", "shard", "state")
	descWaiting    = desc("shard_waiting", "Statements that wait for a server connection.", "shard")
	descDials      = desc("shard_dials_total", "Connections tried, failed ones included.", "shard")
	descDialErrors = desc("shard_dial_errors_total", "Connections that failed.", "shard")
	descTimeouts   = desc("shard_acquire_timeouts_total", "Statements that waited in vain for a server connection.", "shard")
	descRejected   = desc("shard_acquire_rejected_total", "Statements turned away because too many waited.", "shard")
	descVerbs      = desc("xa_verbs_total", "XA verbs by outcome.", "shard", "verb", "outcome")

	descOutcomes     = desc("transactions_total", "Two-phase commits by what came out.", "outcome")
	descHandedOver   = desc("branches_handed_over_total", "Branches left to recovery by a commit.")
	descSettled      = desc("branches_settled_total", "Branches settled by recovery or an operator.", "verdict")
	descPasses       = desc("recovery_passes_total", "Recovery's looks at one shard.", "result")
	descTransactions = desc("transactions", "Distributed transactions now: live, held until the next start, or decided and waiting for a branch.", "state")
	descPrepared     = desc("prepared_branches", "Prepared branches at recovery's last look, strangers included.")
	descReady        = desc("ready", "Whether recovery after start is complete.")

	descLogAppends   = desc("log_appends_total", "Decisions made durable.")
	descLogSyncs     = desc("log_syncs_total", "Batches written and synced.")
	descLogForgets   = desc("log_forgets_total", "Decisions removed.")
	descLogRejected  = desc("log_rejected_total", "Decisions refused because too many waited.")
	descLogBatch     = desc("log_batch_decisions", "Decisions in one sync.")
	descLogLargest   = desc("log_largest_batch_decisions", "Most decisions in one sync.")
	descLogQueue     = desc("log_queue", "Decisions that wait for the log.")
	descLogDecisions = desc("log_decisions", "Unfinished transactions in the log.")
	descLogFailed    = desc("log_failed", "Whether the log has stopped after an error: no multi-shard transaction commits.")

	descSessions        = desc("sessions", "Clients connected.")
	descUnauthenticated = desc("sessions_unauthenticated", "Clients connected that have not logged in yet.")
)

// Describe names all that Collect gives.
func (c *partsCollector) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{
		descShardUp, descOpen, descWaiting, descDials, descDialErrors, descTimeouts, descRejected, descVerbs,
		descOutcomes, descHandedOver, descSettled, descPasses, descTransactions, descPrepared, descReady,
		descLogAppends, descLogSyncs, descLogForgets, descLogRejected, descLogBatch, descLogLargest, descLogQueue, descLogDecisions, descLogFailed,
		descSessions, descUnauthenticated,
	} {
		ch <- d
	}
}

// Collect reads all parts.
func (c *partsCollector) Collect(ch chan<- prometheus.Metric) {
	e := emitter{ch}
	for _, s := range c.p.shards {
		e.shard(s)
	}
	e.coordinator(c.p.coordinator.Stats(), c.p.coordinator.Ready())
	e.log(c.p.decisions.Stats())
	e.gauge(descSessions, float64(c.p.sessions.count()))
	e.gauge(descUnauthenticated, float64(c.p.sessions.unauthenticated()))
}

// emitter writes constant metrics.
type emitter struct{ ch chan<- prometheus.Metric }

func (e emitter) gauge(d *prometheus.Desc, v float64, labels ...string) {
	e.ch <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, labels...)
}

func (e emitter) counter(d *prometheus.Desc, v uint64, labels ...string) {
	e.ch <- prometheus.MustNewConstMetric(d, prometheus.CounterValue, float64(v), labels...)
}

func (e emitter) shard(s *backend.Shard) {
	name, st := s.Name(), s.Stats()
	e.gauge(descShardUp, truth(s.Up()), name)
	e.gauge(descOpen, float64(st.Idle), name, "idle")
	e.gauge(descOpen, float64(st.InUse), name, "in_use")
	e.gauge(descWaiting, float64(st.Waiting), name)
	e.counter(descDials, st.Dials, name)
	e.counter(descDialErrors, st.DialErrors, name)
	e.counter(descTimeouts, st.Timeouts, name)
	e.counter(descRejected, st.Rejected, name)
	v := s.Verbs()
	for _, n := range []struct {
		verb  string
		count backend.VerbCount
	}{
		{"start", v.Start}, {"prepare", v.Prepare}, {"commit", v.Commit}, {"commit_one_phase", v.CommitOnePhase},
		{"rollback", v.Rollback}, {"recover", v.Recover}, {"settle_commit", v.SettleCommit}, {"settle_rollback", v.SettleRollback},
	} {
		e.counter(descVerbs, n.count.OK, name, n.verb, "ok")
		e.counter(descVerbs, n.count.Refused, name, n.verb, "refused")
		e.counter(descVerbs, n.count.Retryable, name, n.verb, "retryable")
		e.counter(descVerbs, n.count.Unknown, name, n.verb, "unknown")
	}
}

func (e emitter) coordinator(st coordinator.Stats, ready bool) {
	e.counter(descOutcomes, st.Committed, "committed")
	e.counter(descOutcomes, st.RolledBack, "rolled_back")
	e.counter(descOutcomes, st.InDoubt, "in_doubt")
	e.counter(descHandedOver, st.HandedOver)
	e.counter(descSettled, st.SettledCommit, "commit")
	e.counter(descSettled, st.SettledRollback, "rollback")
	e.counter(descPasses, st.Passes-min(st.Passes, st.FailedPasses), "complete")
	e.counter(descPasses, st.FailedPasses, "failed")
	e.gauge(descTransactions, float64(st.Live), "live")
	e.gauge(descTransactions, float64(st.Held), "held")
	e.gauge(descTransactions, float64(st.Unfinished), "unfinished")
	e.gauge(descPrepared, float64(st.Prepared))
	e.gauge(descReady, truth(ready))
}

func (e emitter) log(st txlog.Stats) {
	e.counter(descLogAppends, st.Appends)
	e.counter(descLogSyncs, st.Syncs)
	e.counter(descLogForgets, st.Forgets)
	e.counter(descLogRejected, st.Rejected)
	e.ch <- batchHistogram(st)
	e.gauge(descLogLargest, float64(st.Largest))
	e.gauge(descLogQueue, float64(st.Queue))
	e.gauge(descLogDecisions, float64(st.Decisions))
	e.gauge(descLogFailed, truth(st.Failed))
}

// batchHistogram: the log counts batches of 2^i to 2^(i+1)-1 decisions, the last
// bucket all above.
func batchHistogram(st txlog.Stats) prometheus.Metric {
	buckets := map[float64]uint64{}
	below := uint64(0)
	for i, n := range st.BatchSize[:len(st.BatchSize)-1] {
		below += n
		buckets[float64(uint64(1)<<(i+1)-1)] = below
	}
	return prometheus.MustNewConstHistogram(descLogBatch, st.Batches, float64(st.Appends), buckets)
}

func truth(b bool) float64 {
	if b {
		return 1
	}
	return 0
}
