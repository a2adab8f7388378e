package cluster

import (
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
	"time"
)

// ProxyOptions of a further proxy. The zero value is one like the cluster's first.
type ProxyOptions struct {
	ID     string // coordinator id; default p2, p3 …
	Config string // further YAML for its file; default the cluster's
	LogDir string // of its decision log; default a folder of its own
	Shards int    // how many of the cluster's it has, the first ones; default all
}

// Proxy is one proxy over the cluster's shards: its configuration, and its process while it runs.
type Proxy struct {
	ID     string // coordinator id
	Listen string // the client address
	Admin  string // the admin address

	c       *Cluster
	shards  int // of the cluster's, the first ones; 0: all
	dir     string
	logDir  string
	mu      sync.Mutex
	process *process
}

func (c *Cluster) newProxy(id, dir, logDir string) *Proxy {
	c.t.Helper()
	return &Proxy{ID: id, Listen: freeAddress(c.t), Admin: freeAddress(c.t), c: c, dir: dir, logDir: logDir}
}

// AddProxy writes the configuration of a further proxy over the same shards; Start starts it. It is
// ended with the test.
func (c *Cluster) AddProxy(o ProxyOptions) *Proxy {
	c.t.Helper()
	if o.ID == "" {
		o.ID = fmt.Sprintf("p%d", len(c.further)+2)
	}
	if o.Config == "" {
		o.Config = c.o.Config
	}
	dir := filepath.Join(c.Dir, fmt.Sprintf("proxy%d", len(c.further)+2))
	if err := os.Mkdir(dir, 0o700); err != nil {
		c.t.Fatal(err)
	}
	if o.LogDir == "" {
		o.LogDir = dir
	}
	p := c.newProxy(o.ID, dir, o.LogDir)
	p.shards = o.Shards
	c.further = append(c.further, p)
	p.WriteConfig(o.Config)
	return p
}

// Proxies are all of the cluster's, the first one in front.
func (c *Cluster) Proxies() []*Proxy { return append([]*Proxy{c.Proxy}, c.further...) }

// ConfigPath is the proxy's configuration file.
func (p *Proxy) ConfigPath() string { return filepath.Join(p.dir, "lockstep.yaml") }

// LogPath is the proxy's decision log.
func (p *Proxy) LogPath() string { return filepath.Join(p.logDir, "decisions.db") }

// WriteConfig writes the proxy's file with extra YAML at its end.
func (p *Proxy) WriteConfig(extra string) {
	p.c.t.Helper()
	var b strings.Builder
	fmt.Fprintf(&b, "listen: %s\nadmin:\n  listen: %s\ncluster: test\ncoordinator: %s\nlog:\n  path: %s\n", p.Listen, p.Admin, p.ID, p.LogPath())
	fmt.Fprintf(&b, "users:\n  - name: %s\n    password: %s\n", User, Password)
	for u := range strings.Lines(p.c.o.Users) {
		fmt.Fprintf(&b, "  - %s\n", strings.TrimSpace(u))
	}
	b.WriteString("shards:\n")
	shards := p.c.Shards
	if p.shards > 0 {
		shards = shards[:p.shards]
	}
	for _, s := range shards {
		fmt.Fprintf(&b, "  - name: %s\n    address: %s\n    user: %s\n    password: %s\n", s.Name, s.Address(), User, Password)
		if p.c.o.ShardTLS != "" {
			fmt.Fprintf(&b, "    tls: {%s}\n", p.c.o.ShardTLS)
		}
		if p.c.o.Pool != "" {
			fmt.Fprintf(&b, "    pool: {%s}\n", p.c.o.Pool)
		}
	}
	if !strings.Contains(extra, "default_rule:") {
		b.WriteString("default_rule:\n  function: hash\n  shard_key: primary_key\n")
	}
	b.WriteString(extra)
	if err := os.WriteFile(p.ConfigPath(), []byte(b.String()), 0o600); err != nil {
		p.c.t.Fatal(err)
	}
}

// OutputPath is a file with all that the proxy has said since the cluster was made.
func (p *Proxy) OutputPath() string { return filepath.Join(p.dir, p.ID+".log") }

// DeleteLog removes the decision log of a proxy that does not run, as a lost disk would.
func (p *Proxy) DeleteLog() {
	p.c.t.Helper()
	if p.Running() {
		p.c.t.Fatalf("delete the log of proxy %s: it runs", p.ID)
	}
	if err := os.Remove(p.LogPath()); err != nil {
		p.c.t.Fatalf("delete the log of proxy %s: %v", p.ID, err)
	}
}

// DSN is the address of a database behind the proxy, for go-sql-driver/mysql.
func (p *Proxy) DSN(database string, params ...string) string { return dsn(p.Listen, database, params) }

// DB is a pool of connections to the proxy, closed with the test.
func (p *Proxy) DB(database string, params ...string) *sql.DB {
	p.c.t.Helper()
	return p.c.open(p.DSN(database, params...))
}

// Start starts the proxy and waits until it serves. env adds to the environment, e.g. LOCKSTEP_FAILPOINT.
func (p *Proxy) Start(env ...string) {
	p.c.t.Helper()
	if err := p.TryStart(env...); err != nil {
		p.c.t.Fatal(err)
	}
}

// TryStart is Start for a proxy that may refuse to start: the error holds what it said.
func (p *Proxy) TryStart(env ...string) error {
	if p.Running() {
		return fmt.Errorf("start proxy %s: it runs already", p.ID)
	}
	cmd := exec.Command(Binary(p.c.t), "serve", "--config", p.ConfigPath())
	cmd.Env = append(append(os.Environ(), "GORACE=atexit_sleep_ms=0"), env...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	r := &process{cmd: cmd, output: &tail{limit: 1 << 20}, ended: make(chan struct{})}
	// All that it ever said, in its earlier lives too, is in a file.
	said, err := os.OpenFile(p.OutputPath(), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("start proxy %s: %w", p.ID, err)
	}
	cmd.Stdout = io.MultiWriter(r.output, said)
	cmd.Stderr = cmd.Stdout
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("start proxy %s: %w", p.ID, errors.Join(err, said.Close()))
	}
	go func() {
		r.err = errors.Join(cmd.Wait(), said.Close())
		close(r.ended)
	}()
	p.mu.Lock()
	p.process = r
	p.mu.Unlock()
	deadline := time.After(30 * time.Second)
	for {
		select {
		case <-r.ended:
			return fmt.Errorf("proxy %s ended: %w\n%s", p.ID, errOr(r.err), r.output)
		case <-deadline:
			return fmt.Errorf("proxy %s does not serve after 30s\n%s", p.ID, r.output)
		case <-time.After(5 * time.Millisecond):
		}
		if answers(p.Listen) && answers(p.Admin) { // the clients' port opens first
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

// Running says whether the proxy's process is there, paused or not.
func (p *Proxy) Running() bool {
	r := p.current()
	if r == nil {
		return false
	}
	select {
	case <-r.ended:
		return false
	default:
		return true
	}
}

func (p *Proxy) current() *process {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.process
}

func errOr(err error) error {
	if err == nil {
		return errors.New("exit status 0")
	}
	return err
}

// Kill ends the proxy with SIGKILL and waits until it is gone.
func (p *Proxy) Kill() { p.end(syscall.SIGKILL) }

// Stop ends the proxy with SIGTERM, a paused one too, and waits until it is gone; where none runs it does nothing.
func (p *Proxy) Stop() { p.end(syscall.SIGTERM) }

// Freeze stops the process where it is (SIGSTOP): its connections stay open and it says nothing.
func (p *Proxy) Freeze() {
	p.c.t.Helper()
	if err := p.Signal(syscall.SIGSTOP); err != nil {
		p.c.t.Fatalf("freeze proxy %s: %v", p.ID, err)
	}
}

// Thaw lets a frozen process go on (SIGCONT).
func (p *Proxy) Thaw() {
	p.c.t.Helper()
	if err := p.Signal(syscall.SIGCONT); err != nil {
		p.c.t.Fatalf("thaw proxy %s: %v", p.ID, err)
	}
}

// Signal sends a signal without waiting for anything.
func (p *Proxy) Signal(sig syscall.Signal) error {
	r := p.current()
	if r == nil {
		return fmt.Errorf("signal proxy %s: it does not run", p.ID)
	}
	return r.cmd.Process.Signal(sig)
}

func (p *Proxy) end(sig syscall.Signal) {
	p.mu.Lock()
	r := p.process
	p.process = nil
	p.mu.Unlock()
	if r == nil {
		return
	}
	for _, s := range []syscall.Signal{sig, syscall.SIGCONT} { // a frozen process would not see SIGTERM
		if err := r.cmd.Process.Signal(s); err != nil && !errors.Is(err, os.ErrProcessDone) {
			p.c.t.Errorf("signal proxy %s: %v", p.ID, err)
		}
	}
	select {
	case <-r.ended:
	case <-time.After(30 * time.Second):
		p.c.t.Errorf("proxy %s does not end after %v\n%s", p.ID, sig, r.output)
		_ = r.cmd.Process.Kill()
		<-r.ended
	}
	if said := r.output.String(); strings.Contains(said, "WARNING: DATA RACE") || strings.Contains(said, "\npanic: ") {
		p.c.t.Errorf("proxy %s has a fault:\n%s", p.ID, said)
	}
}

// Ended is closed when the proxy's process is gone.
func (p *Proxy) Ended() <-chan struct{} { return p.current().ended }

// ExitCode is the code of a process that has ended by itself; -1: it has not, or a signal ended it.
func (p *Proxy) ExitCode() int {
	r := p.current()
	if r == nil || r.cmd.ProcessState == nil || p.Running() {
		return -1
	}
	return r.cmd.ProcessState.ExitCode()
}

// Pid is the process id of the running proxy.
func (p *Proxy) Pid() int { return p.current().cmd.Process.Pid }

// Output is what the proxy has said since its start, the end of it.
func (p *Proxy) Output() string {
	r := p.current()
	if r == nil {
		return ""
	}
	return r.output.String()
}

// WaitReady waits until /readyz says that recovery is complete.
func (p *Proxy) WaitReady(limit time.Duration) error {
	deadline := time.Now().Add(limit)
	for {
		status, body, err := p.Text("/readyz")
		if err == nil && status == http.StatusOK {
			return nil
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("proxy %s is not ready after %v: %d %s %w", p.ID, limit, status, body, errOr(err))
		}
		time.Sleep(5 * time.Millisecond)
	}
}
