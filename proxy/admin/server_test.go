package admin

import (
	"encoding/json"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"
)

func TestPaths(t *testing.T) {
	w := newWorld(t, nil)
	big := `{"reason":"` + strings.Repeat("x", 80<<10) + `"}`
	asJSON := []string{"Content-Type", "application/json"}
	for _, c := range []struct {
		method, path, body string
		header             []string
		status             int
		contains           string
	}{
		{"GET", "/livez", "", nil, 200, "alive"},
		{"GET", "/metrics", "", nil, 200, "lockstep_test_total"},
		{"GET", "/debug/pprof/", "", nil, 200, "goroutine"},
		{"GET", "/debug/pprof/goroutine?debug=1", "", nil, 200, "goroutine profile"},
		{"GET", "/api/v1/status", "", nil, 200, `"cluster": "c"`},
		{"HEAD", "/api/v1/status", "", nil, 200, ""},
		{"GET", "/api/v1/shards", "", nil, 200, `"name": "s1"`},
		{"GET", "/api/v1/sessions", "", nil, 200, "[]"},
		{"GET", "/api/v1/log", "", nil, 200, `"epochs": [`},
		{"GET", "/api/v1/log?limit=-1", "", nil, 400, "limit"},
		{"GET", "/api/v1/transactions", "", nil, 200, `"transactions": []`},
		{"GET", "/api/v1/transactions/nobody", "", nil, 404, "does not know it"},
		{"GET", "/api/v1/nothing", "", nil, 404, `"error"`},
		{"GET", "/", "", nil, 404, `"error"`},
		{"POST", "/api/v1/shards", "", nil, 405, `"error"`},
		{"GET", "/api/v1/recover", "", nil, 405, "only POST"},
		{"POST", "/livez", "", nil, 405, `"error"`},
		{"POST", "/api/v1/recover", "", nil, 200, `"actions": []`},
		{"POST", "/api/v1/recover?dry_run=1", "", nil, 200, `"dry_run": true`},
		{"POST", "/api/v1/recover?dry_run=perhaps", "", nil, 400, "neither 0 nor 1"},
		{"POST", "/api/v1/transactions/x/commit", `{"force":true}`, asJSON, 400, "force needs a reason"},
		{"POST", "/api/v1/transactions/x/commit", `{"force":true,"reason":"r"}`, asJSON, 400, "who"},
		{"POST", "/api/v1/transactions/x/commit", `{"forse":true}`, asJSON, 400, "unknown field"},
		{"POST", "/api/v1/transactions/x/commit", `{} {}`, asJSON, 400, "goes on"},
		{"POST", "/api/v1/transactions/x/commit", `[`, asJSON, 400, "read the body"},
		{"POST", "/api/v1/transactions/x/commit", `{}`, []string{"Content-Type", "text/plain"}, 400, "application/json"},
		{"POST", "/api/v1/transactions/x/commit", big, asJSON, 413, "too large"},
		{"POST", "/api/v1/transactions/x/commit", `{"reason":"` + strings.Repeat("x", 2000) + `"}`, asJSON, 400, "more than 1024"},
		{"POST", "/api/v1/transactions/x/commit", `{}`, asJSON, 409, "strangers are never touched"},
		{"POST", "/api/v1/transactions/x/forget", `{}`, asJSON, 404, "does not know it"},
	} {
		status, body, header := w.request(t, c.method, c.path, c.body, c.header...)
		if status != c.status || !strings.Contains(body, c.contains) {
			t.Errorf("%s %s %.40s: %d %s", c.method, c.path, c.body, status, body)
		}
		if status >= 400 {
			var e struct{ Error string }
			if err := json.Unmarshal([]byte(body), &e); err != nil || e.Error == "" || header.Get("Content-Type") != "application/json" {
				t.Errorf("%s %s: error is not JSON: %q", c.method, c.path, body)
			}
		}
		if status == http.StatusMethodNotAllowed && header.Get("Allow") == "" {
			t.Errorf("%s %s: no Allow", c.method, c.path)
		}
	}
}

func TestReadyz(t *testing.T) {
	w := newWorld(t, func(o *Options) { o.Token = "secret" }) // open all the same
	w.proxy.ready = Readiness{Reasons: []string{"recovery after start is not complete"}, Down: []string{"s2"}}
	status, body, _ := w.request(t, "GET", "/readyz", "")
	var r Readiness
	if err := json.Unmarshal([]byte(body), &r); err != nil {
		t.Fatal(err)
	}
	if status != http.StatusServiceUnavailable || r.Ready || len(r.Reasons) != 1 || len(r.Down) != 1 {
		t.Errorf("%d %s", status, body)
	}
	w.proxy.mu.Lock()
	w.proxy.ready = Readiness{Ready: true, Down: []string{"s2"}}
	w.proxy.mu.Unlock()
	if status, body, _ := w.request(t, "GET", "/readyz", ""); status != http.StatusOK || !strings.Contains(body, `"reasons": []`) || !strings.Contains(body, "s2") {
		t.Errorf("%d %s", status, body)
	}
	if status, _, _ := w.request(t, "GET", "/livez", ""); status != http.StatusOK {
		t.Errorf("livez %d", status)
	}
}

func TestToken(t *testing.T) {
	w := newWorld(t, func(o *Options) { o.Token = "secret" })
	for _, path := range []string{"/metrics", "/debug/pprof/", "/api/v1/status", "/api/v1/transactions", "/anything"} {
		for _, auth := range []string{"", "secret", "Bearer", "Bearer ", "Bearer secre", "Bearer secrets", "Basic secret"} {
			status, body, header := w.request(t, "GET", path, "", "Authorization", auth)
			if status != http.StatusUnauthorized || header.Get("WWW-Authenticate") == "" || strings.Contains(body, "secret") {
				t.Errorf("%s with %q: %d %s", path, auth, status, body)
			}
		}
	}
	if status, _, _ := w.request(t, "GET", "/api/v1/status", "", "Authorization", "bearer secret", "Host", "elsewhere.example"); status != http.StatusOK {
		t.Errorf("with the token: %d", status)
	}
}

// Without a token a web page in the operator's browser must not get through.
func TestWebPagesAreKeptOut(t *testing.T) {
	w := newWorld(t, nil)
	for _, c := range []struct {
		method, path string
		header       []string
		status       int
	}{
		{"POST", "/api/v1/recover", []string{"Sec-Fetch-Site", "cross-site"}, 403},
		{"POST", "/api/v1/recover", []string{"Origin", "http://evil.example"}, 403},
		{"GET", "/api/v1/transactions", []string{"Host", "evil.example"}, 403},
		{"GET", "/metrics", []string{"Host", "evil.example:4001"}, 403},
		{"POST", "/api/v1/recover", []string{"Host", "localhost:4001"}, 200},
		{"GET", "/metrics", []string{"Host", "[::1]:4001"}, 200},
		{"GET", "/metrics", []string{"Host", "127.0.0.1"}, 200},
	} {
		if status, body, _ := w.request(t, c.method, c.path, "", c.header...); status != c.status {
			t.Errorf("%s %s %v: %d %s", c.method, c.path, c.header, status, body)
		}
	}
}

func TestOpenPortNeedsToken(t *testing.T) {
	s, err := Start(Options{Listen: "0.0.0.0:0"})
	if err == nil {
		s.Close()
		t.Fatal("listens for everyone without a token")
	}
	if !strings.Contains(err.Error(), "token") {
		t.Error(err)
	}
}

func TestTooManyRequestsAtOnce(t *testing.T) {
	w := newWorld(t, func(o *Options) { o.MaxRequests = 1; o.ListTimeout = 300 * time.Millisecond })
	w.s1.hang = true
	first := make(chan int)
	begin := func() {
		status, _, _ := w.request(t, "GET", "/api/v1/transactions", "")
		first <- status
	}
	go begin()
	for refused := false; !refused; {
		select {
		case status := <-first:
			if status == http.StatusServiceUnavailable { // it came second itself
				go begin()
				continue
			}
			t.Fatalf("no second request was refused, the first: %d", status)
		default:
			status, _, _ := w.request(t, "GET", "/api/v1/status", "")
			refused = status == http.StatusServiceUnavailable
		}
	}
	if status := <-first; status != http.StatusOK { // a shard that hangs is a warning
		t.Errorf("first: %d", status)
	}
}

func TestTooManyConnectionsWait(t *testing.T) {
	w := newWorld(t, func(o *Options) { o.MaxConnections = 1 })
	held, err := net.Dial("tcp", w.server.Addr())
	if err != nil {
		t.Fatal(err)
	}
	defer held.Close()
	answered := make(chan int, 1)
	go func() {
		status, _, _ := w.request(t, "GET", "/livez", "")
		answered <- status
	}()
	select {
	case <-answered:
		t.Fatal("a second connection was served")
	case <-time.After(50 * time.Millisecond):
	}
	held.Close()
	if status := <-answered; status != http.StatusOK {
		t.Error(status)
	}
}

func TestCloseEndsRequests(t *testing.T) {
	w := newWorld(t, nil)
	w.s1.hang = true
	done := make(chan struct{})
	go func() {
		defer close(done)
		_, _ = w.client.Recover(t.Context(), true)
	}()
	time.Sleep(30 * time.Millisecond)
	begin := time.Now()
	if err := w.server.Close(); err != nil {
		t.Error(err)
	}
	if took := time.Since(begin); took > 3*time.Second {
		t.Errorf("took %v", took)
	}
	<-done
}
