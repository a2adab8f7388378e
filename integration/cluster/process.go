package cluster

import (
	"bytes"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// process is a running proxy.
type process struct {
	cmd    *exec.Cmd
	output *tail
	ended  chan struct{}
	err    error // of Wait, valid once ended is closed
}

var binary struct {
	once sync.Once
	path string
	err  error
}

// Binary builds bin/lockstep once per test process, with failpoints.
func Binary(t testing.TB) string {
	t.Helper()
	binary.once.Do(func() {
		dir, err := os.MkdirTemp("", "lockstep-bin-")
		if err != nil {
			binary.err = err
			return
		}
		binary.path = filepath.Join(dir, "lockstep")
		args := []string{"build", "-tags", "failpoint", "-o", binary.path}
		if raceEnabled {
			args = append(args, "-race")
		}
		out, err := exec.Command("go", append(args, "lockstep/cmd/lockstep")...).CombinedOutput()
		if err != nil {
			binary.err = fmt.Errorf("build the proxy: %w\n%s", err, out)
		}
	})
	if binary.err != nil {
		t.Fatal(binary.err)
	}
	return binary.path
}

// RemoveBinary is for TestMain, after the tests.
func RemoveBinary() {
	if binary.path != "" {
		_ = os.RemoveAll(filepath.Dir(binary.path)) // left-overs in the temporary folder harm nobody
	}
}

// StartProxy starts the proxy and waits until it serves. env adds to the
// environment, e.g. LOCKSTEP_FAILPOINT.
func (c *Cluster) StartProxy(env ...string) {
	c.t.Helper()
	if err := c.TryProxy(env...); err != nil {
		c.t.Fatal(err)
	}
}

// TryProxy is StartProxy for a proxy that may refuse to start: the error holds what it said.
func (c *Cluster) TryProxy(env ...string) error {
	if c.proxyRuns() {
		return errors.New("start the proxy: one runs already")
	}
	cmd := exec.Command(Binary(c.t), "serve", "--config", c.ConfigPath())
	cmd.Env = append(append(os.Environ(), "GORACE=atexit_sleep_ms=0"), env...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	p := &process{cmd: cmd, output: &tail{limit: 1 << 20}, ended: make(chan struct{})}
	cmd.Stdout, cmd.Stderr = p.output, p.output
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("start the proxy: %w", err)
	}
	go func() {
		p.err = cmd.Wait()
		close(p.ended)
	}()
	c.mu.Lock()
	c.proxy = p
	c.mu.Unlock()
	deadline := time.After(30 * time.Second)
	for {
		select {
		case <-p.ended:
			return fmt.Errorf("proxy ended: %w\n%s", errOr(p.err), p.output)
		case <-deadline:
			return fmt.Errorf("proxy does not serve after 30s\n%s", p.output)
		case <-time.After(5 * time.Millisecond):
		}
		if answers(c.Listen) && answers(c.Admin) { // the clients' port opens first
			return nil
		}
	}
}

func answers(address string) bool {
	nc, err := net.DialTimeout("tcp", address, time.Second)
	if err != nil {
		return false
	}
	_ = nc.Close() // nothing was said
	return true
}

func (c *Cluster) proxyRuns() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.proxy == nil {
		return false
	}
	select {
	case <-c.proxy.ended:
		return false
	default:
		return true
	}
}

func errOr(err error) error {
	if err == nil {
		return errors.New("exit status 0")
	}
	return err
}

// KillProxy ends the proxy with SIGKILL and waits until it is gone.
func (c *Cluster) KillProxy() { c.signal(syscall.SIGKILL) }

// StopProxy ends the proxy with SIGTERM and waits until it is gone; without one it does nothing.
func (c *Cluster) StopProxy() { c.signal(syscall.SIGTERM) }

// Signal sends a signal (SIGSTOP, SIGCONT …) without waiting for anything.
func (c *Cluster) Signal(sig syscall.Signal) error {
	c.mu.Lock()
	p := c.proxy
	c.mu.Unlock()
	return p.cmd.Process.Signal(sig)
}

func (c *Cluster) signal(sig syscall.Signal) {
	c.mu.Lock()
	p := c.proxy
	c.proxy = nil
	c.mu.Unlock()
	if p == nil {
		return
	}
	if err := p.cmd.Process.Signal(sig); err != nil && !errors.Is(err, os.ErrProcessDone) {
		c.t.Errorf("signal the proxy: %v", err)
	}
	select {
	case <-p.ended:
	case <-time.After(30 * time.Second):
		c.t.Errorf("proxy does not end after %v\n%s", sig, p.output)
		_ = p.cmd.Process.Kill()
		<-p.ended
	}
	if said := p.output.String(); strings.Contains(said, "WARNING: DATA RACE") || strings.Contains(said, "\npanic: ") {
		c.t.Errorf("the proxy has a fault:\n%s", said)
	}
}

// ProxyEnded is closed when the proxy process is gone.
func (c *Cluster) ProxyEnded() <-chan struct{} {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.proxy.ended
}

// ProxyPid is the process id of the running proxy.
func (c *Cluster) ProxyPid() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.proxy.cmd.Process.Pid
}

// ProxyOutput is what the running proxy has said, its end.
func (c *Cluster) ProxyOutput() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.proxy == nil {
		return ""
	}
	return c.proxy.output.String()
}

// WaitReady waits until /readyz says that recovery is complete.
func (c *Cluster) WaitReady(limit time.Duration) error {
	deadline := time.Now().Add(limit)
	for {
		status, body, err := c.get("/readyz")
		if err == nil && status == http.StatusOK {
			return nil
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("proxy is not ready after %v: %d %s %w", limit, status, body, errOr(err))
		}
		time.Sleep(5 * time.Millisecond)
	}
}

func (c *Cluster) get(path string) (status int, body string, err error) {
	client := http.Client{Timeout: 5 * time.Second}
	resp, err := client.Get("http://" + c.Admin + path)
	if err != nil {
		return 0, "", err
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	return resp.StatusCode, string(b), err
}

// Prepared lists the prepared branches of a shard, as XA RECOVER's data column.
func (c *Cluster) Prepared(shard int) ([]string, error) {
	db, err := sql.Open("mysql", dsn(c.Shards[shard].Address(), "", nil))
	if err != nil {
		return nil, err
	}
	defer db.Close()
	rows, err := db.Query("XA RECOVER")
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var list []string
	for rows.Next() {
		var format, g, b int64
		var data string
		if err := rows.Scan(&format, &g, &b, &data); err != nil {
			return nil, err
		}
		list = append(list, data)
	}
	return list, rows.Err()
}

// Run runs a command of the binary ("txn", "list", …) and returns what it printed and its exit code.
func (c *Cluster) Run(args ...string) (stdout, stderr string, code int) {
	c.t.Helper()
	cmd := exec.Command(Binary(c.t), args...)
	var o, e bytes.Buffer
	cmd.Stdout, cmd.Stderr = &o, &e
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		c.t.Fatalf("run lockstep %v: %v", args, err)
	}
	return o.String(), e.String(), cmd.ProcessState.ExitCode()
}

func freeAddress(t testing.TB) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// tail keeps the end of what is written to it.
type tail struct {
	mu    sync.Mutex
	buf   []byte
	limit int
}

func (t *tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.buf = append(t.buf, p...)
	if over := len(t.buf) - t.limit; over > 0 {
		t.buf = append(t.buf[:0], t.buf[over:]...)
	}
	return len(p), nil
}

func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return string(t.buf)
}
