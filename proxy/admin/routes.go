package admin

import (
	"log/slog"
	"net/http"
	"net/http/pprof"
	"slices"
	"strings"

	"github.com/prometheus/client_golang/prometheus/promhttp"

	"lockstep/txlog"
)

// methods are the handlers of one path; others get 405. HEAD is GET.
type methods map[string]http.HandlerFunc

func (m methods) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	method := r.Method
	if method == http.MethodHead {
		method = http.MethodGet
	}
	if h := m[method]; h != nil {
		h(w, r)
		return
	}
	var allowed []string
	for name := range m {
		allowed = append(allowed, name)
	}
	slices.Sort(allowed)
	w.Header().Set("Allow", strings.Join(allowed, ", "))
	writeJSON(w, http.StatusMethodNotAllowed, errorBody{r.Method + " is not possible here, only " + strings.Join(allowed, ", ")})
}

func (s *Server) handler() http.Handler {
	inner := http.NewServeMux()
	get := func(path string, h http.HandlerFunc) { inner.Handle(path, methods{http.MethodGet: h}) }
	post := func(path string, h http.HandlerFunc) { inner.Handle(path, methods{http.MethodPost: h}) }

	get("/api/v1/status", s.status)
	get("/api/v1/shards", s.shards)
	get("/api/v1/sessions", s.sessions)
	get("/api/v1/log", s.contents)
	get("/api/v1/transactions", s.transactions)
	get("/api/v1/transactions/{gtrid}", s.transaction)
	post("/api/v1/transactions/{gtrid}/commit", s.settle(txlog.Commit))
	post("/api/v1/transactions/{gtrid}/rollback", s.settle(txlog.Rollback))
	post("/api/v1/transactions/{gtrid}/forget", s.forget)
	post("/api/v1/recover", s.recover)

	get("/metrics", promhttp.HandlerFor(s.o.Metrics, promhttp.HandlerOpts{
		ErrorLog: slog.NewLogLogger(s.o.Logger.Handler(), slog.LevelWarn), Timeout: s.o.ListTimeout,
	}).ServeHTTP)

	get("/debug/pprof/", pprof.Index)
	get("/debug/pprof/cmdline", pprof.Cmdline)
	get("/debug/pprof/profile", pprof.Profile)
	get("/debug/pprof/trace", pprof.Trace)
	inner.Handle("/debug/pprof/symbol", methods{http.MethodGet: pprof.Symbol, http.MethodPost: pprof.Symbol})
	inner.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		s.fail(w, http.StatusNotFound, "there is nothing at "+r.URL.Path)
	})

	outer := http.NewServeMux()
	outer.Handle("/livez", methods{http.MethodGet: s.livez})
	outer.Handle("/readyz", methods{http.MethodGet: s.readyz})
	outer.Handle("/", s.guard(s.bounded(inner)))
	return outer
}
