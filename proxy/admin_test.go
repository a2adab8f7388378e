package proxy

import (
	"encoding/json"
	"io"
	"log/slog"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"lockstep/config"
	"lockstep/proxy/admin"
)

// adminProxy is a proxy without any shard that answers, and without clients.
func adminProxy(t *testing.T) *Proxy {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	nobody := l.Addr().String()
	l.Close()
	cfg, err := config.Parse(filepath.Join(t.TempDir(), "lockstep.yaml"), []byte(`
listen: 127.0.0.1:0
admin: {listen: "127.0.0.1:0"}
users: [{name: app, password: app}]
shards: [{name: s1, address: "`+nobody+`", user: u, password: p}]
default_rule: {kind: sharded}
timeouts: {dial: 100ms}
`))
	if err != nil {
		t.Fatal(err)
	}
	p, err := New(cfg, Options{Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := p.Close(); err != nil {
			t.Error(err)
		}
	})
	if err := p.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	return p
}

func adminGet(t *testing.T, p *Proxy, path string) (int, string) {
	t.Helper()
	resp, err := http.Get("http://" + p.AdminAddr() + path)
	if err != nil {
		t.Fatal(err)
	}
	defer http.DefaultClient.CloseIdleConnections()
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(b)
}

func TestAdminPortOfAProxyWithoutShards(t *testing.T) {
	p := adminProxy(t)
	status, body := adminGet(t, p, "/readyz")
	var r admin.Readiness
	if err := json.Unmarshal([]byte(body), &r); err != nil {
		t.Fatal(err)
	}
	if status != http.StatusServiceUnavailable || r.Ready || len(r.Reasons) != 2 || len(r.Down) != 1 || r.Down[0] != "s1" {
		t.Errorf("readyz: %d %s", status, body)
	}
	if status, body := adminGet(t, p, "/livez"); status != http.StatusOK {
		t.Errorf("livez: %d %s", status, body)
	}
	var st admin.Status
	_, body = adminGet(t, p, "/api/v1/status")
	if err := json.Unmarshal([]byte(body), &st); err != nil || st.Cluster != "lockstep" || st.Epoch != p.epoch || st.Clients != p.Addr() || st.Ready {
		t.Errorf("status: %s %v", body, err)
	}
	if _, body := adminGet(t, p, "/api/v1/shards"); !strings.Contains(body, `"up": false`) {
		t.Errorf("shards: %s", body)
	}
}

func TestMetricsOfTheParts(t *testing.T) {
	p := adminProxy(t)
	conn, err := net.Dial("tcp", p.Addr())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	wants := []string{
		`lockstep_shard_up{shard="s1"} 0`, `lockstep_shard_connections{shard="s1",state="idle"} 0`, "lockstep_shard_dial_errors_total",
		`lockstep_xa_verbs_total{outcome="ok",shard="s1",verb="prepare"} 0`, `lockstep_transactions_total{outcome="committed"} 0`,
		`lockstep_log_batch_decisions_bucket{le="1"} 0`, `lockstep_log_batch_decisions_bucket{le="3"} 0`, "lockstep_log_failed 0", "lockstep_ready 0",
		`lockstep_recovery_passes_total{result="failed"}`, "lockstep_sessions 1", "lockstep_logins_total 0", "go_goroutines", "process_open_fds",
	}
	deadline := time.Now().Add(5 * time.Second)
	for {
		status, body := adminGet(t, p, "/metrics")
		var missing []string
		for _, want := range wants {
			if !strings.Contains(body, want) {
				missing = append(missing, want)
			}
		}
		if status == http.StatusOK && len(missing) == 0 {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%d, missing %q in\n%s", status, missing, body)
		}
		time.Sleep(10 * time.Millisecond)
	}
}
