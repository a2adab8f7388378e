package admin

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net"
	"net/http"
	"strconv"

	"lockstep/txlog"
)

func (s *Server) transactions(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), s.o.ListTimeout)
	defer cancel()
	list, err := s.o.Operator.List(ctx)
	if err != nil {
		s.failed(w, r, err)
		return
	}
	writeJSON(w, http.StatusOK, list)
}

func (s *Server) transaction(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), s.o.ListTimeout)
	defer cancel()
	detail, err := s.o.Operator.Show(ctx, r.PathValue("gtrid"))
	if err != nil {
		s.failed(w, r, err)
		return
	}
	writeJSON(w, http.StatusOK, detail)
}

func (s *Server) settle(v txlog.Verdict) http.HandlerFunc {
	return s.verb(func(ctx context.Context, gtrid string, rq Request) (Actions, error) {
		return s.o.Operator.Settle(ctx, gtrid, v, rq)
	})
}

func (s *Server) forget(w http.ResponseWriter, r *http.Request) {
	s.verb(s.o.Operator.Forget)(w, r)
}

// verb carries something out. It is not broken off when its client goes: what was begun
// for one branch is to be done for all.
func (s *Server) verb(do func(context.Context, string, Request) (Actions, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		rq, err := readRequest(r)
		if err != nil {
			s.failed(w, r, err)
			return
		}
		ctx, cancel := context.WithTimeout(s.ctx, s.o.SettleTimeout)
		defer cancel()
		done, err := do(ctx, r.PathValue("gtrid"), rq)
		s.answerActions(w, r, done, err)
	}
}

func (s *Server) recover(w http.ResponseWriter, r *http.Request) {
	dry := false
	if text := r.URL.Query().Get("dry_run"); text != "" {
		var err error
		if dry, err = strconv.ParseBool(text); err != nil {
			s.failed(w, r, &RequestError{fmt.Sprintf("dry_run=%q is neither 0 nor 1", text)})
			return
		}
	}
	if _, err := readRequest(r); err != nil {
		s.failed(w, r, err)
		return
	}
	ctx, cancel := context.WithTimeout(s.ctx, s.o.SettleTimeout)
	defer cancel()
	done, err := s.o.Operator.Recover(ctx, dry)
	s.answerActions(w, r, done, err)
}

// answerActions tells what was done, also beside an error.
func (s *Server) answerActions(w http.ResponseWriter, r *http.Request, done Actions, err error) {
	if done.Actions == nil {
		done.Actions = []Action{}
	}
	if err == nil {
		writeJSON(w, http.StatusOK, done)
		return
	}
	status := statusOf(err)
	if status >= http.StatusInternalServerError {
		s.o.Logger.Warn("admin request failed", "method", r.Method, "path", r.URL.Path, "err", err)
	}
	done.Error = err.Error()
	writeJSON(w, status, done)
}

// readRequest reads the body of a verb; none is an empty request.
func readRequest(r *http.Request) (Request, error) {
	var rq Request
	if r.ContentLength != 0 {
		if kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || kind != "application/json" {
			return rq, &RequestError{"the body must be of type application/json"}
		}
	}
	d := json.NewDecoder(r.Body)
	d.DisallowUnknownFields()
	err := d.Decode(&rq)
	switch large := new(http.MaxBytesError); {
	case errors.Is(err, io.EOF):
	case errors.As(err, &large):
		return rq, err
	case err != nil:
		return rq, &RequestError{fmt.Sprintf("read the body: %v", err)}
	case d.More():
		return rq, &RequestError{"the body goes on after its end"}
	}
	if err := rq.check(); err != nil {
		return rq, err
	}
	if rq.Who != "" {
		host, _, err := net.SplitHostPort(r.RemoteAddr)
		if err != nil {
			host = r.RemoteAddr
		}
		rq.Who = cut(rq.Who, maxWho-len(host)-len(" from ")) + " from " + host
	}
	return rq, nil
}

// contents limits the decisions that are listed: ?limit=N.
func (s *Server) contents(w http.ResponseWriter, r *http.Request) {
	limit := DefaultDecisions
	if text := r.URL.Query().Get("limit"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil || n < 0 || n > MaxDecisions {
			s.failed(w, r, &RequestError{fmt.Sprintf("limit=%q is not a number from 0 to %d", text, MaxDecisions)})
			return
		}
		limit = n
	}
	c, err := s.o.Operator.Contents(r.Context(), limit)
	if err != nil {
		s.failed(w, r, err)
		return
	}
	writeJSON(w, http.StatusOK, c)
}

// Limits of the decisions in one answer.
const (
	DefaultDecisions = 10_000
	MaxDecisions     = 1_000_000
)
