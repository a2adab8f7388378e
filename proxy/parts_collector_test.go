package proxy

import (
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"lockstep/txlog"
)

// The log counts batches by powers of two; a histogram's buckets are cumulative.
func TestBatchHistogram(t *testing.T) {
	st := txlog.Stats{Batches: 6, Appends: 40}
	st.BatchSize[0], st.BatchSize[1], st.BatchSize[4], st.BatchSize[15] = 3, 1, 1, 1
	reg := prometheus.NewRegistry()
	reg.MustRegister(oneMetric{batchHistogram(st)})
	families, err := reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	h := families[0].GetMetric()[0].GetHistogram()
	if h.GetSampleCount() != 6 || h.GetSampleSum() != 40 || len(h.GetBucket()) != 15 {
		t.Errorf("%v", h)
	}
	for bound, want := range map[float64]uint64{1: 3, 3: 4, 7: 4, 15: 4, 31: 5, 32767: 5} {
		found := false
		for _, b := range h.GetBucket() {
			if b.GetUpperBound() == bound {
				found = true
				if b.GetCumulativeCount() != want {
					t.Errorf("up to %v: %d, expected %d", bound, b.GetCumulativeCount(), want)
				}
			}
		}
		if !found {
			t.Errorf("no bucket up to %v", bound)
		}
	}
}

type oneMetric struct{ m prometheus.Metric }

func (o oneMetric) Describe(ch chan<- *prometheus.Desc) { ch <- o.m.Desc() }
func (o oneMetric) Collect(ch chan<- prometheus.Metric) { ch <- o.m }
