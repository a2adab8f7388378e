package main

import (
	"bufio"
	"bytes"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// TestMain lets tests run this program as a process of its own.
func TestMain(m *testing.M) {
	if os.Getenv("LOCKSTEP_TEST_MAIN") == "" {
		os.Exit(m.Run())
	}
	main()
}

// lockstepProcess is a lockstep that runs as a process.
type lockstepProcess struct {
	t     *testing.T
	cmd   *exec.Cmd
	lines chan string
	mu    sync.Mutex
	said  bytes.Buffer
	ended chan struct{}
}

func startLockstep(t *testing.T, args ...string) *lockstepProcess {
	t.Helper()
	p := &lockstepProcess{t: t, cmd: exec.Command(os.Args[0], args...), lines: make(chan string, 1000), ended: make(chan struct{})}
	p.cmd.Env = append(os.Environ(), "LOCKSTEP_TEST_MAIN=1")
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	r, w := io.Pipe()
	p.cmd.Stdout, p.cmd.Stderr = w, w
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		for s := bufio.NewScanner(r); s.Scan(); {
			p.mu.Lock()
			p.said.WriteString(s.Text() + "\n")
			p.mu.Unlock()
			p.lines <- s.Text()
		}
	}()
	go func() {
		_ = p.cmd.Wait() // tests look at the exit code
		w.Close()
		close(p.ended)
	}()
	t.Cleanup(func() { p.signal(syscall.SIGKILL); <-p.ended })
	return p
}

func (p *lockstepProcess) output() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.said.String()
}

// await answers the first line from now on that has that text.
func (p *lockstepProcess) await(text string) string {
	p.t.Helper()
	limit := time.After(60 * time.Second)
	for {
		select {
		case line := <-p.lines:
			if strings.Contains(line, text) {
				return line
			}
		case <-p.ended:
			select {
			case line := <-p.lines:
				if strings.Contains(line, text) {
					return line
				}
			case <-time.After(100 * time.Millisecond):
				p.t.Fatalf("ended without saying %q; it said\n%s", text, p.output())
			}
		case <-limit:
			p.t.Fatalf("did not say %q; it said\n%s", text, p.output())
		}
	}
}

// signal goes to the whole group, as a terminal's Ctrl-C does.
func (p *lockstepProcess) signal(s syscall.Signal) { _ = syscall.Kill(-p.cmd.Process.Pid, s) }

// end waits for the exit code.
func (p *lockstepProcess) end() int {
	p.t.Helper()
	select {
	case <-p.ended:
		return p.cmd.ProcessState.ExitCode()
	case <-time.After(60 * time.Second):
		p.t.Fatalf("did not end; it said\n%s", p.output())
		return -1
	}
}
