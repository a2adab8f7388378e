package proxy

import "github.com/prometheus/client_golang/prometheus"

// metrics are the proxy's own counters; those of the parts are read when they are asked for.
type metrics struct {
	registry          *prometheus.Registry
	logins            prometheus.Counter
	loginFailures     prometheus.Counter
	refused           *prometheus.CounterVec
	attributesDropped prometheus.Counter
	compressed        prometheus.Counter
	errors            prometheus.Counter
	single            prometheus.Counter
	pipelined         prometheus.Counter
	repeated          prometheus.Counter
	scattered         prometheus.Counter
	gathered          prometheus.Counter
	rollbacks         prometheus.Counter
	unknownCommits    prometheus.Counter
	commits           *prometheus.CounterVec
	lookups           *prometheus.CounterVec
	deadlockTime      prometheus.Histogram
	clientsLost       *prometheus.CounterVec
	loadBytes         prometheus.Counter
	loadLines         prometheus.Counter
	scratch           prometheus.Counter
	scratchRows       prometheus.Counter
	scratchBytes      prometheus.Counter
	keyed             prometheus.Counter
	keyedRefused      prometheus.Counter
	moved             prometheus.Counter
}

func newMetrics(p *Proxy) *metrics {
	counter := func(name, help string) prometheus.Counter {
		return prometheus.NewCounter(prometheus.CounterOpts{Namespace: "lockstep", Name: name, Help: help})
	}
	m := &metrics{
		registry:      prometheus.NewRegistry(),
		logins:        counter("logins_total", "Clients that logged in."),
		loginFailures: counter("login_failures_total", "Clients that did not."),
		refused: prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: "lockstep", Name: "connections_refused_total",
			Help: "Clients turned away, by the reason."}, []string{"reason"}),
		attributesDropped: counter("connection_attributes_dropped_total", "Connection attributes beyond limits.max_attributes."),
		compressed:        counter("compressed_connections_total", "Clients that logged in with compression."),
		errors:            counter("statement_errors_total", "Statements answered with an error."),
		single:            counter("statements_single_total", "Statements that one shard answered."),
		pipelined:         counter("statements_pipelined_total", "Statements that shared a server connection with others."),
		repeated:          counter("statements_repeated_total", "Reads that were begun anew because their shared connection was given up."),
		scattered:         counter("statements_scattered_total", "Statements that several shards answered."),
		gathered:          counter("statements_gathered_total", "Queries on information_schema that were answered with the rows of several shards."),
		rollbacks:         counter("rollbacks_total", "Transactions rolled back before commit."),
		unknownCommits:    counter("commits_unknown_total", "One-phase commits whose shard was lost before it answered."),
		clientsLost: prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: "lockstep", Name: "clients_lost_total",
			Help: "Sessions that were ended in the middle of a statement because of their clients."}, []string{"why"}),
		loadBytes:    counter("load_bytes_total", "Bytes of clients' files for LOAD DATA LOCAL."),
		loadLines:    counter("load_lines_total", "Lines of clients' files that were dealt to shards."),
		scratch:      counter("statements_scratch_total", "Statements whose rows were brought to one server."),
		scratchRows:  counter("scratch_rows_total", "Rows that were brought to one server for them."),
		scratchBytes: counter("scratch_bytes_total", "Bytes of those rows."),
		keyed:        counter("statements_by_keys_total", "UPDATEs and DELETEs whose rows were read first and changed by their primary keys."),
		keyedRefused: counter("statements_by_keys_refused_total", "Of these, those of more rows than limits.max_changed_rows."),
		moved:        counter("rows_moved_total", "Rows that an UPDATE of their shard key took to another shard."),
		commits: prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: "lockstep", Name: "commits_total",
			Help: "COMMITs by the way they went."}, []string{"phases"}),
		lookups: prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: "lockstep", Name: "outcome_lookups_total",
			Help: "Look-ups of clients' tokens by their answers."}, []string{"outcome"}),
	}
	m.deadlockTime = prometheus.NewHistogram(prometheus.HistogramOpts{Namespace: "lockstep", Name: "deadlock_seconds",
		Help:    "Deadlocks over several shards: from the last wait that closed one to its victim's rollback.",
		Buckets: []float64{.1, .15, .2, .25, .3, .4, .5, .75, 1, 2.5, 5, 10}})
	for _, why := range refusals {
		m.refused.WithLabelValues(why)
	}
	for _, why := range []string{clientGone, clientStuck} {
		m.clientsLost.WithLabelValues(why)
	}
	m.registry.MustRegister(p.spools.gauges()...)
	m.registry.MustRegister(p.kept.gauge())
	m.registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Namespace: "lockstep", Name: "scratch_statements",
		Help: "Statements whose rows are on one server now."}, func() float64 { return float64(len(p.gate.places)) }))
	m.registry.MustRegister(m.compressed, m.attributesDropped, m.logins, m.loginFailures, m.refused, m.errors, m.single, m.pipelined, m.repeated, m.scattered, m.gathered, m.rollbacks,
		m.unknownCommits, m.commits, m.lookups, m.deadlockTime, m.clientsLost, m.loadBytes, m.loadLines, m.scratch, m.scratchRows, m.scratchBytes, m.keyed, m.keyedRefused, m.moved, &partsCollector{p}, deadlockCollector{p}, definitionCollector{p}, loopCollector{p})
	return m
}
