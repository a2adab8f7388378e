package admin

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"lockstep/coordinator"
	"lockstep/txlog"
)

// Client carries out an operator's verbs through the admin port of a running proxy. Its methods
// answer as those of Operator do, with the same errors: *coordinator.RefusedError, *NotFoundError, *RequestError;
// and *UnreachableError where no proxy answers.
type Client struct {
	Address string // host:port, or a URL
	Token   string
}

// UnreachableError says that nothing answers at the address.
type UnreachableError struct {
	Address string
	Err     error
}

func (e *UnreachableError) Error() string {
	return fmt.Sprintf("no proxy answers at %s: %v", e.Address, e.Err)
}

func (e *UnreachableError) Unwrap() error { return e.Err }

const (
	clientTimeout = writeTimeout + 10*time.Second
	dialTimeout   = 5 * time.Second
	maxAnswer     = 1 << 30 // bytes; a log of a million decisions takes a third
)

var httpClient = &http.Client{
	Timeout:   clientTimeout,
	Transport: &http.Transport{DialContext: (&net.Dialer{Timeout: dialTimeout}).DialContext, DisableKeepAlives: true},
	// A token is for the address that was given, and for no other.
	CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
}

// List is Operator.List.
func (c *Client) List(ctx context.Context) (list TransactionList, err error) {
	err = c.call(ctx, http.MethodGet, "transactions", nil, &list)
	return list, err
}

// Show is Operator.Show.
func (c *Client) Show(ctx context.Context, gtrid string) (d TransactionDetail, err error) {
	err = c.call(ctx, http.MethodGet, "transactions/"+url.PathEscape(gtrid), nil, &d)
	return d, named(err, gtrid)
}

// Settle is Operator.Settle.
func (c *Client) Settle(ctx context.Context, gtrid string, v txlog.Verdict, r Request) (a Actions, err error) {
	if err := r.check(); err != nil {
		return a, err
	}
	err = c.call(ctx, http.MethodPost, "transactions/"+url.PathEscape(gtrid)+"/"+v.String(), r, &a)
	return a, named(err, gtrid)
}

// Forget is Operator.Forget.
func (c *Client) Forget(ctx context.Context, gtrid string, r Request) (a Actions, err error) {
	if err := r.check(); err != nil {
		return a, err
	}
	err = c.call(ctx, http.MethodPost, "transactions/"+url.PathEscape(gtrid)+"/forget", r, &a)
	return a, named(err, gtrid)
}

// Recover is Operator.Recover.
func (c *Client) Recover(ctx context.Context, dryRun bool) (a Actions, err error) {
	path := "recover"
	if dryRun {
		path += "?dry_run=1"
	}
	err = c.call(ctx, http.MethodPost, path, Request{}, &a)
	return a, err
}

// Contents is Operator.Contents.
func (c *Client) Contents(ctx context.Context, limit int) (l LogContents, err error) {
	err = c.call(ctx, http.MethodGet, "log?limit="+strconv.Itoa(limit), nil, &l)
	return l, err
}

func named(err error, gtrid string) error {
	if missing := new(NotFoundError); errors.As(err, &missing) {
		missing.GTRID = gtrid
	}
	return err
}

// call sends a request and reads the answer into out, also where it is an error.
func (c *Client) call(ctx context.Context, method, path string, body, out any) error {
	base := strings.TrimRight(c.Address, "/")
	if !strings.Contains(base, "://") {
		base = "http://" + base
	}
	var text io.Reader
	if body != nil {
		b, err := json.Marshal(body)
		if err != nil {
			return fmt.Errorf("write request: %w", err)
		}
		text = bytes.NewReader(b)
	}
	rq, err := http.NewRequestWithContext(ctx, method, base+"/api/v1/"+path, text)
	if err != nil {
		return fmt.Errorf("admin address %q: %w", c.Address, err)
	}
	if body != nil {
		rq.Header.Set("Content-Type", "application/json")
	}
	if c.Token != "" {
		rq.Header.Set("Authorization", "Bearer "+c.Token)
	}
	answer, err := httpClient.Do(rq)
	if err != nil {
		var u *url.Error
		if errors.As(err, &u) {
			err = u.Err
		}
		return &UnreachableError{c.Address, err}
	}
	defer answer.Body.Close()
	b, err := io.ReadAll(io.LimitReader(answer.Body, maxAnswer))
	if err != nil {
		return fmt.Errorf("read answer of %s: %w", c.Address, err)
	}
	return c.read(answer, b, out)
}

func (c *Client) read(answer *http.Response, b []byte, out any) error {
	if kind := answer.Header.Get("Content-Type"); !strings.HasPrefix(kind, "application/json") {
		return fmt.Errorf("%s is no admin port: it answers %s with %q", c.Address, answer.Status, kind)
	}
	if answer.StatusCode == http.StatusOK {
		if err := json.Unmarshal(b, out); err != nil {
			return fmt.Errorf("read answer of %s: %w", c.Address, err)
		}
		return nil
	}
	var e errorBody
	if err := json.Unmarshal(b, &e); err != nil || e.Error == "" {
		return fmt.Errorf("%s answers %s", c.Address, answer.Status)
	}
	if a, ok := out.(*Actions); ok { // what was done before it failed
		if err := json.Unmarshal(b, a); err != nil {
			return fmt.Errorf("read answer of %s: %w", c.Address, err)
		}
	}
	switch answer.StatusCode {
	case http.StatusConflict:
		return &coordinator.RefusedError{Reason: e.Error}
	case http.StatusNotFound:
		return &NotFoundError{}
	case http.StatusBadRequest:
		return &RequestError{e.Error}
	}
	return errors.New(e.Error)
}
