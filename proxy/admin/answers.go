package admin

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"

	"lockstep/coordinator"
	"lockstep/txlog"
)

// errorBody is the answer to what failed. Actions are those that were tried before.
type errorBody struct {
	Error string `json:"error"`
}

// writeJSON answers. That the client is gone changes nothing.
func writeJSON(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	_ = e.Encode(body)
}

func (s *Server) fail(w http.ResponseWriter, status int, message string) {
	writeJSON(w, status, errorBody{message})
}

// failed answers with an error of the operator's verbs.
func (s *Server) failed(w http.ResponseWriter, r *http.Request, err error) {
	status := statusOf(err)
	if status >= http.StatusInternalServerError {
		s.o.Logger.Warn("admin request failed", "method", r.Method, "path", r.URL.Path, "err", err)
	}
	s.fail(w, status, err.Error())
}

func statusOf(err error) int {
	var refused *coordinator.RefusedError
	var conflict *txlog.ConflictError
	var missing *NotFoundError
	var request *RequestError
	var large *http.MaxBytesError
	switch {
	case errors.As(err, &refused), errors.As(err, &conflict):
		return http.StatusConflict
	case errors.As(err, &missing):
		return http.StatusNotFound
	case errors.As(err, &large):
		return http.StatusRequestEntityTooLarge
	case errors.As(err, &request):
		return http.StatusBadRequest
	case errors.Is(err, txlog.ErrQueueFull), errors.Is(err, txlog.ErrClosed), errors.Is(err, context.Canceled):
		return http.StatusServiceUnavailable
	case errors.Is(err, context.DeadlineExceeded):
		return http.StatusGatewayTimeout
	}
	return http.StatusInternalServerError
}
