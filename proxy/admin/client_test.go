package admin

import (
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func TestClientSaysWhatIsThere(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	nobody := l.Addr().String()
	l.Close()
	var unreachable *UnreachableError
	if _, err := (&Client{Address: nobody}).List(t.Context()); !errors.As(err, &unreachable) || !strings.Contains(err.Error(), nobody) {
		t.Errorf("nobody: %v", err)
	}
	for name, c := range map[string]struct {
		answer   http.HandlerFunc
		contains string
	}{
		"a web server": {func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("Content-Type", "text/html") }, "is no admin port"},
		"a redirect": {func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "http://elsewhere.example/", http.StatusFound)
		}, "is no admin port"},
		"not an object": {func(w http.ResponseWriter, _ *http.Request) { writeJSON(w, 200, "x") }, "read answer"},
		"no reason":     {func(w http.ResponseWriter, _ *http.Request) { writeJSON(w, 500, "x") }, "500 Internal Server Error"},
		"a reason":      {func(w http.ResponseWriter, _ *http.Request) { writeJSON(w, 500, errorBody{"disk full"}) }, "disk full"},
	} {
		t.Run(name, func(t *testing.T) {
			s := httptest.NewServer(c.answer)
			defer s.Close()
			if _, err := (&Client{Address: s.URL, Token: "t"}).List(t.Context()); err == nil || !strings.Contains(err.Error(), c.contains) {
				t.Error(err)
			}
		})
	}
	w := newWorld(t, func(o *Options) { o.Token = "secret" })
	if _, err := (&Client{Address: w.server.Addr(), Token: "wrong"}).List(t.Context()); err == nil || !strings.Contains(err.Error(), "bearer token") {
		t.Errorf("wrong token: %v", err)
	}
	if _, err := w.client.List(t.Context()); err != nil {
		t.Error(err)
	}
}
