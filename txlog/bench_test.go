package txlog

import (
	"context"
	"path/filepath"
	"sync/atomic"
	"testing"
)

// Clients that commit and forget, as a proxy does.
func BenchmarkAppend(b *testing.B) {
	l := open(b, filepath.Join(b.TempDir(), "log"))
	var n atomic.Int64
	b.SetParallelism(16)
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			d := decision(int(n.Add(1)))
			if err := l.Append(context.Background(), d); err != nil {
				b.Error(err)
				return
			}
			l.Forget(d.GTRID)
		}
	})
	s := l.Stats()
	b.ReportMetric(float64(s.Syncs)/float64(s.Appends), "syncs/append")
}
