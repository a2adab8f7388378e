package proxy

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"lockstep/proxy/definition"
)

// showDDL lists the statements of all proxies that are changing definitions, or that were done on some of their shards only:
// a line for each shard.
func (s *session) showDDL() error {
	ctx, cancel := context.WithTimeout(s.ctx, definitionTime)
	defer cancel()
	lists, errs := make([][]definition.Record, len(s.p.idShards)), make([]error, len(s.p.idShards))
	var wait sync.WaitGroup
	for i, sh := range s.p.idShards {
		wait.Go(func() { lists[i], errs[i] = definition.Read(ctx, sh) })
	}
	wait.Wait()
	var rows []row
	for i, list := range lists {
		if errs[i] != nil {
			s.diag.warn(erUnknown, "Incomplete: "+errs[i].Error())
		}
		for _, r := range list {
			if slices.ContainsFunc(r.Objects, func(o definition.Object) bool { return !s.may(o.Database) }) {
				continue
			}
			state := string(r.State)
			if r.Running {
				state = "running"
			}
			var objects []string
			for _, o := range r.Objects {
				objects = append(objects, o.String())
			}
			rows = append(rows, row{r.ID, r.Coordinator, strings.Join(objects, ", "), r.Shard, state, r.Progress,
				strconv.FormatInt(int64(max(0, time.Since(r.Started)).Seconds()), 10), r.Error, r.Received})
		}
	}
	sortRows(rows)
	return s.sent(s.writeResult([]string{"id", "proxy", "objects", "shard", "state", "progress", "seconds", "error", "statement"}, rows))
}

// definitionCollector shows what is known of definitions as metrics.
type definitionCollector struct{ p *Proxy }

var (
	descDefinitionsRunning = desc("definitions_running", "Statements of this proxy that change definitions now.")
	descDefinitionsPartial = desc("definitions_partial_total", "Statements of this proxy that were done on some of their shards only.")
	descDefinitionsDiffer  = desc("definitions_differing", "Tables that were not the same on all shards when the catalog was read last.")
)

func (c definitionCollector) Describe(ch chan<- *prometheus.Desc) {
	ch <- descDefinitionsRunning
	ch <- descDefinitionsPartial
	ch <- descDefinitionsDiffer
}

func (c definitionCollector) Collect(ch chan<- prometheus.Metric) {
	e := emitter{ch}
	e.gauge(descDefinitionsRunning, float64(c.p.definitions.running.Load()))
	e.counter(descDefinitionsPartial, c.p.definitions.failed.Load())
	e.gauge(descDefinitionsDiffer, float64(c.p.definitions.differ.Load()))
}
