package proxy

import (
	"errors"
	"strconv"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"lockstep/config"
	"lockstep/protocol"
	"lockstep/proxy/deadlock"
)

// newDetector makes the detector of deadlocks over several shards; nil when it is off, or when there
// is one shard, which sees its own.
func (p *Proxy) newDetector() *deadlock.Detector {
	if p.cfg.DeadlockDetection == config.DetectionOff || len(p.shards) < 2 {
		return nil
	}
	o := deadlock.Options{
		Coordinator: p.cfg.Cluster + "." + p.cfg.Coordinator, Wait: p.cfg.DeadlockWait, MaxWaits: p.cfg.DeadlockMaxWaits,
		Logger: p.log, Broken: func(took time.Duration) { p.metrics.deadlockTime.Observe(took.Seconds()) },
	}
	at := map[string]int{} // by address: shards on one server share its lock waits
	for i, sh := range p.shards {
		address := p.cfg.Shards[i].Address
		j, known := at[address]
		if !known {
			j = len(o.Servers)
			at[address] = j
			o.Servers = append(o.Servers, deadlock.Server{Name: sh.Name(), Source: sh})
		}
		o.Servers[j].Shards = append(o.Servers[j].Shards, sh.Name())
	}
	return deadlock.New(o)
}

// watch tells the detector of a new branch. A transaction on one shard is nothing to it.
func (s *session) watch(b *branch) {
	t := s.tx
	if s.p.deadlocks == nil || len(t.branches) < 2 {
		return
	}
	if t.watched != nil {
		t.watched.Add(s.p.shards[b.shard].Name(), b.conn.ID())
		return
	}
	t.watched = s.p.deadlocks.Watch(t.named.GTRID(), t.trail.began, s)
	for _, b := range t.branches {
		t.watched.Add(s.p.shards[b.shard].Name(), b.conn.ID())
	}
}

// unwatch comes before any of the transaction's connections is given back.
func (t *transaction) unwatch() {
	t.watched.Done()
	t.watched = nil
}

// Running is the number of the statement that is under way on shards.
func (s *session) Running() (statement uint64, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.number, len(s.active) > 0
}

// EndStatement ends the statement of that number on its shards, as the victim of a deadlock; false: it is over.
func (s *session) EndStatement(statement uint64) bool {
	s.mu.Lock()
	if s.number != statement || len(s.active) == 0 {
		s.mu.Unlock()
		return false
	}
	s.victim = statement
	s.mu.Unlock()
	s.killStatementNumber(statement)
	return true
}

// deadlocked is the error of a deadlock in the place of the interruption by which its victim's statement
// was ended, or that of a time limit in the place of its interruption; nil for any other error. The caller ends the
// transaction after 1213, as always.
func (s *session) deadlocked(e *protocol.ServerError) *protocol.ServerError {
	if late := s.timedOut(e); late != nil {
		return late
	}
	if e.Code != erQueryInterrupted || s.tx == nil || s.tx.watched == nil {
		return nil
	}
	s.mu.Lock()
	victim := s.victim == s.number
	s.mu.Unlock()
	if !victim {
		return nil
	}
	s.tx.watched.Victim()
	return protocol.NewError(protocol.ErrLockDeadlock, "Deadlock found when trying to get lock; try restarting transaction")
}

// refusal is the server's error that a part met, if it is one; that of a deadlock's victim is changed to 1213.
func (s *session) refusal(p *part) *protocol.ServerError {
	var se *protocol.ServerError
	if !errors.As(p.err, &se) {
		return nil
	}
	if p.lease.conn == nil {
		return se // its branch could not be opened: nothing was ended
	}
	if told := s.deadlocked(se); told != nil {
		p.err = told
		return told
	}
	return se
}

// showDeadlocks lists the last deadlocks that were broken by rolling back a transaction of this proxy.
func (s *session) showDeadlocks() error {
	if err := s.mustAdministrate("SHOW LOCKSTEP DEADLOCKS"); err != nil {
		return err
	}
	var rows []row
	for _, d := range s.p.deadlocks.History() {
		rows = append(rows, row{d.Time.UTC().Format("2006-01-02 15:04:05.000"), d.Victim, d.Cycle, strconv.FormatInt(d.Took.Milliseconds(), 10)})
	}
	return s.sent(s.writeResult([]string{"time", "victim", "cycle", "milliseconds"}, rows))
}

// deadlockCollector shows the detector's counters as metrics.
type deadlockCollector struct{ p *Proxy }

var deadlockMetrics = func() map[string]*prometheus.Desc {
	m := map[string]*prometheus.Desc{}
	for name, help := range map[string]string{
		"lockstep_deadlock_watched":              "Transactions that are open on several shards now.",
		"lockstep_deadlock_readings_total":       "Readings of the shards' lock waits.",
		"lockstep_deadlock_stale_readings_total": "Readings that some server answered with old rows.",
		"lockstep_deadlock_cycles_total":         "Deadlocks over several shards that this proxy found.",
		"lockstep_deadlock_victims_total":        "Transactions of this proxy that were rolled back for a deadlock over several shards.",
		"lockstep_deadlock_asked_total":          "Victims that another proxy was asked to roll back.",
		"lockstep_deadlock_false_alarms_total":   "Victims that had their lock before they could be ended, and were left alone.",
	} {
		m[name] = prometheus.NewDesc(name, help, nil, nil)
	}
	return m
}()

func (c deadlockCollector) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range deadlockMetrics {
		ch <- d
	}
}

func (c deadlockCollector) Collect(ch chan<- prometheus.Metric) {
	st := c.p.deadlocks.Stats()
	for name, v := range map[string]uint64{
		"lockstep_deadlock_watched":              uint64(st.Watched),
		"lockstep_deadlock_readings_total":       st.Readings,
		"lockstep_deadlock_stale_readings_total": st.Stale,
		"lockstep_deadlock_cycles_total":         st.Cycles,
		"lockstep_deadlock_victims_total":        st.Victims,
		"lockstep_deadlock_asked_total":          st.Asked,
		"lockstep_deadlock_false_alarms_total":   st.Late,
	} {
		kind := prometheus.GaugeValue
		if strings.HasSuffix(name, "_total") {
			kind = prometheus.CounterValue
		}
		ch <- prometheus.MustNewConstMetric(deadlockMetrics[name], kind, float64(v))
	}
}
