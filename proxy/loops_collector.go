package proxy

import (
	"sync/atomic"

	"github.com/prometheus/client_golang/prometheus"

	"lockstep/eventloop"
)

// loopCollector tells what the event loops have asked of the kernel. Statements that goroutines serve are in it too, where
// their connections are a loop's.
type loopCollector struct{ p *Proxy }

var loopCalls = prometheus.NewDesc("lockstep_loop_system_calls_total", "System calls of event loops and their connections; sleeps are those waits that had to last.", []string{"call"}, nil)

// Describe is for the registry.
func (loopCollector) Describe(to chan<- *prometheus.Desc) { to <- loopCalls }

// Collect adds the loops up.
func (c loopCollector) Collect(to chan<- prometheus.Metric) {
	for _, of := range []struct {
		call string
		n    func(*eventloop.Stats) *atomic.Uint64
	}{
		{"wait", func(s *eventloop.Stats) *atomic.Uint64 { return &s.Waits }},
		{"sleep", func(s *eventloop.Stats) *atomic.Uint64 { return &s.Sleeps }},
		{"read", func(s *eventloop.Stats) *atomic.Uint64 { return &s.Reads }},
		{"write", func(s *eventloop.Stats) *atomic.Uint64 { return &s.Writes }},
	} {
		var sum uint64
		for _, l := range c.p.front.loops {
			sum += of.n(l.loop.Stats()).Load()
		}
		to <- prometheus.MustNewConstMetric(loopCalls, prometheus.CounterValue, float64(sum), of.call)
	}
}
