package apps

import (
	"bytes"
	"context"
	"errors"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// web is a web server that runs an application, as a process of its own.
type web struct {
	address string
	output  *said
}

// said is what a process has written so far.
type said struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (s *said) Write(b []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.Write(b)
}

func (s *said) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.String()
}

// serve starts a web server: {address} in the command stands for where it shall listen. It is ended with the test.
func serve(t *testing.T, dir string, env []string, command ...string) *web {
	t.Helper()
	w := &web{address: freeAddress(t), output: new(said)}
	for i := range command {
		command[i] = strings.ReplaceAll(command[i], "{address}", w.address)
	}
	cmd := exec.Command(command[0], command[1:]...)
	cmd.Dir, cmd.Env = dir, append(append(os.Environ(), "TZ=UTC", "LC_ALL=C.UTF-8", "PYTHONDONTWRITEBYTECODE=1"), env...)
	cmd.Stdout, cmd.Stderr = w.output, w.output
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL, Setpgid: true}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	t.Cleanup(func() {
		// The group: servers have workers.
		if err := syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL); err != nil && !errors.Is(err, syscall.ESRCH) {
			t.Errorf("end %s: %v", command[0], err)
		}
		<-ended
		if t.Failed() {
			t.Logf("%s said:\n%s", command[0], lastLines(w.output.String(), 150))
		}
	})
	deadline := time.Now().Add(20 * time.Second)
	for {
		nc, err := net.DialTimeout("tcp", w.address, time.Second)
		if err == nil {
			_ = nc.Close() // nothing was said
			return w
		}
		select {
		case err := <-ended:
			ended <- err
			t.Fatalf("%s ended: %v\n%s", command[0], err, w.output)
		case <-time.After(20 * time.Millisecond):
		}
		if time.Now().After(deadline) {
			t.Fatalf("%s does not serve", command[0])
		}
	}
}

func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

func lastLines(s string, n int) string {
	lines := strings.Split(strings.TrimRight(s, "\n"), "\n")
	var kept []string
	for _, l := range lines {
		// PHP's server tells of each connection.
		if !strings.HasSuffix(l, " Accepted") && !strings.HasSuffix(l, " Closing") && !strings.Contains(l, " [200]: ") && !strings.Contains(l, " [302]: ") {
			kept = append(kept, l)
		}
	}
	return strings.Join(kept[max(0, len(kept)-n):], "\n")
}

// siteHost is the name that both sides' web servers go by: pages have it in their links.
const siteHost = "site.test"

// transport brings requests for siteHost to the web server.
func (w *web) transport() http.RoundTripper {
	dialer := &net.Dialer{Timeout: 5 * time.Second}
	tr := http.DefaultTransport.(*http.Transport).Clone()
	tr.Proxy = nil
	tr.DisableKeepAlives = true
	tr.DialContext = func(ctx context.Context, network, address string) (net.Conn, error) {
		host, _, err := net.SplitHostPort(address)
		if err != nil {
			return nil, err
		}
		if host != siteHost {
			return nil, &net.AddrError{Err: "a page leads out of the site", Addr: address}
		}
		return dialer.DialContext(ctx, network, w.address)
	}
	return tr
}
