package admin

import (
	"crypto/sha256"
	"crypto/subtle"
	"net"
	"net/http"
	"strings"
)

// guard lets only operators through: who has the token, or, on a port without
// one, programs on this machine. There a web page that the operator happens to have open is
// kept out: by its origin, and by the host name under which it found this port.
func (s *Server) guard(next http.Handler) http.Handler {
	if s.o.Token == "" {
		return onlyLocalNames(http.NewCrossOriginProtection().Handler(next))
	}
	want := sha256.Sum256([]byte(s.o.Token)) // of equal length, whatever is offered
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
		have := sha256.Sum256([]byte(token))
		if subtle.ConstantTimeCompare(have[:], want[:]) != 1 || !strings.EqualFold(scheme, "Bearer") {
			w.Header().Set("WWW-Authenticate", `Bearer realm="lockstep"`)
			s.fail(w, http.StatusUnauthorized, "a bearer token is needed (admin.token of the configuration)")
			return
		}
		next.ServeHTTP(w, r)
	})
}

func onlyLocalNames(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		host, _, err := net.SplitHostPort(r.Host)
		if err != nil {
			host = r.Host
		}
		if ip := net.ParseIP(strings.Trim(host, "[]")); host != "localhost" && !ip.IsLoopback() {
			writeJSON(w, http.StatusForbidden, errorBody{"this port answers only to requests for localhost; set admin.token to reach it under other names"})
			return
		}
		next.ServeHTTP(w, r)
	})
}

// bounded refuses requests past the limit instead of queueing them.
func (s *Server) bounded(next http.Handler) http.Handler {
	places := make(chan struct{}, s.o.MaxRequests)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		select {
		case places <- struct{}{}:
			defer func() { <-places }()
			r.Body = http.MaxBytesReader(w, r.Body, s.o.MaxBody)
			next.ServeHTTP(w, r)
		default:
			w.Header().Set("Retry-After", "1")
			s.fail(w, http.StatusServiceUnavailable, "too many admin requests at once")
		}
	})
}
