package admin

import "net/http"

// livez says that the process answers, nothing more: to restart it heals none of
// what readyz reports.
func (s *Server) livez(w http.ResponseWriter, _ *http.Request) {
	writeJSON(w, http.StatusOK, map[string]string{"status": "alive"})
}

func (s *Server) readyz(w http.ResponseWriter, _ *http.Request) {
	r := s.o.Proxy.Readiness().filled()
	status := http.StatusOK
	if !r.Ready {
		status = http.StatusServiceUnavailable
	}
	writeJSON(w, status, r)
}

// filled has lists where there is nothing, for programs.
func (r Readiness) filled() Readiness {
	r.Reasons, r.Down = append([]string{}, r.Reasons...), append([]string{}, r.Down...)
	return r
}

func (s *Server) status(w http.ResponseWriter, _ *http.Request) {
	st := s.o.Proxy.Status()
	st.Readiness = st.filled()
	writeJSON(w, http.StatusOK, st)
}

func (s *Server) shards(w http.ResponseWriter, _ *http.Request) {
	writeJSON(w, http.StatusOK, append([]Shard{}, s.o.Proxy.Shards()...))
}

func (s *Server) sessions(w http.ResponseWriter, _ *http.Request) {
	writeJSON(w, http.StatusOK, append([]Session{}, s.o.Proxy.Sessions()...))
}
