package apps

import (
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"
	"testing"
	"time"
)

// browser is one visitor of one side: it keeps cookies and follows redirects.
type browser struct {
	t      *testing.T
	client *http.Client
	header http.Header // that each request has
}

func (w *web) browser(t *testing.T) *browser {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return &browser{t: t, client: &http.Client{Transport: w.transport(), Jar: jar, Timeout: 60 * time.Second}, header: http.Header{}}
}

// page is an answer.
type page struct {
	status int
	url    string // where redirects led
	body   string
}

// request is what a visitor does: a path, and what is posted there.
type request struct {
	method string // GET, or POST where there is something to post
	path   string
	form   url.Values
	json   string
}

func (b *browser) do(r request) page {
	b.t.Helper()
	method, body, kind := r.method, "", ""
	switch {
	case r.form != nil:
		body, kind = r.form.Encode(), "application/x-www-form-urlencoded"
	case r.json != "":
		body, kind = r.json, "application/json"
	}
	if method == "" {
		method = http.MethodGet
		if body != "" {
			method = http.MethodPost
		}
	}
	target := r.path
	if !strings.HasPrefix(target, "http") {
		target = "http://" + siteHost + target
	}
	rq, err := http.NewRequestWithContext(b.t.Context(), method, target, strings.NewReader(body))
	if err != nil {
		b.t.Fatal(err)
	}
	for k, v := range b.header {
		rq.Header[k] = v
	}
	if kind != "" {
		rq.Header.Set("Content-Type", kind)
	}
	rq.Header.Set("Referer", target)
	resp, err := b.client.Do(rq)
	if err != nil {
		b.t.Fatalf("%s %s: %v", method, r.path, err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(io.LimitReader(resp.Body, 1<<26))
	if err != nil {
		b.t.Fatalf("%s %s: %v", method, r.path, err)
	}
	return page{status: resp.StatusCode, url: resp.Request.URL.String(), body: string(text)}
}
