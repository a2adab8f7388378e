package localdb

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

// Start takes over the server of a folder if it runs, and otherwise starts it,
// making its data directory first where there is none. It returns when the
// server answers. Errors: *NotInstalledError, *EngineError, *PortError, *StartError, or a wrapped
// system error. When ctx ends, a server that this call started is killed.
func Start(ctx context.Context, o Options) (*Server, error) {
	o, err := o.withDefaults()
	if err != nil {
		return nil, fmt.Errorf("start a server: %w", err)
	}
	ctx, cancel := context.WithTimeoutCause(ctx, o.StartTimeout, fmt.Errorf("not ready after %s", o.StartTimeout))
	defer cancel()
	p, err := findPrograms(o.Engine, programFolders)
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(o.Dir, 0o700); err != nil {
		return nil, fmt.Errorf("make the folder of server %s: %w", o.Name, err)
	}
	s, err := find(o)
	if err != nil {
		return nil, err
	}
	has := engineOf(filepath.Join(o.Dir, "data"))
	if s != nil {
		has = s.Engine
	}
	if has != "" && has != o.Engine {
		return nil, &EngineError{Name: o.Name, Dir: o.Dir, Has: has, Want: o.Engine}
	}
	if s != nil {
		if o.Port != 0 && o.Port != s.Port {
			return nil, fmt.Errorf("server %s runs already, on port %d and not on %d: stop it first", o.Name, s.Port, o.Port)
		}
		if err := s.awaitReady(ctx, 0); err != nil {
			return nil, err
		}
		return s, nil
	}
	created, err := ensureDataDir(ctx, p, filepath.Join(o.Dir, "data"))
	if err != nil {
		return nil, fmt.Errorf("start server %s: %w", o.Name, err)
	}
	for {
		s, err = launch(ctx, o, p)
		var start *StartError
		// Somebody may take the port between choosing it and the server's bind.
		if err != nil && o.Port == 0 && errors.As(err, &start) && strings.Contains(start.Tail, "Bind on TCP/IP port") && ctx.Err() == nil {
			continue
		}
		if err != nil {
			return nil, err
		}
		s.Created = created
		return s, nil
	}
}

// launch starts the process and waits until it is ready.
func launch(ctx context.Context, o Options, p programs) (*Server, error) {
	port, err := choosePort(ctx, o)
	if err != nil {
		return nil, err
	}
	socket, err := socketPath(o.Dir, o.Engine)
	if err != nil {
		return nil, err
	}
	s := &Server{
		Name: o.Name, Engine: o.Engine, Dir: o.Dir, Port: port, Socket: socket,
		dataDir: filepath.Join(o.Dir, "data"), exited: make(chan struct{}),
	}
	if err := os.MkdirAll(s.tmpDir(), 0o700); err != nil {
		return nil, fmt.Errorf("make the temporary folder of server %s: %w", o.Name, err)
	}
	if err := writePort(o.Dir, port); err != nil {
		return nil, err
	}
	if err := os.Remove(socket + ".lock"); err != nil && !errors.Is(err, fs.ErrNotExist) {
		// MySQL leaves it when it is killed, and would not start if its process id is in use again.
		return nil, fmt.Errorf("remove the lock of server %s's socket: %w", o.Name, err)
	}
	from, err := logSize(s.ErrorLog())
	if err != nil {
		return nil, fmt.Errorf("look at the log of server %s: %w", o.Name, err)
	}
	said, err := os.OpenFile(s.ErrorLog(), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open the log of server %s: %w", o.Name, err)
	}
	defer said.Close()
	// Not CommandContext: the server outlives ctx.
	cmd := exec.Command(p.server, s.args(o)...) //nolint:noctx // see above
	cmd.Dir = "/"
	cmd.Stdout, cmd.Stderr = said, said
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("start server %s: %w", o.Name, err)
	}
	s.Pid = cmd.Process.Pid
	go func() {
		_ = cmd.Wait() // its exit code is in its log; this reaps it
		close(s.exited)
	}()
	if err := s.awaitReady(ctx, from); err != nil {
		return nil, errors.Join(err, s.Kill())
	}
	return s, nil
}

// args is the server's command line; it starts with all that findServer looks for.
func (s *Server) args(o Options) []string {
	args := []string{
		"--no-defaults",
		"--datadir=" + s.dataDir,
		"--socket=" + s.Socket,
		"--pid-file=" + s.pidFile(o.Engine),
		"--tmpdir=" + s.tmpDir(),
		"--log-error=" + s.ErrorLog(),
		"--bind-address=127.0.0.1",
		"--port=" + strconv.Itoa(s.Port),
		"--skip-name-resolve",
		"--max-connections=600",
		"--max-allowed-packet=64M",
		"--innodb-flush-log-at-trx-commit=1",
		"--innodb-buffer-pool-size=64M",
		"--server-id=" + strconv.Itoa(o.ServerID),
	}
	if o.Engine == MySQL {
		args = append(args, s.mysqlArgs(o)...)
	} else {
		args = append(args, s.mariadbArgs(o)...)
	}
	return append(append(args, asRoot()...), o.ExtraArgs...)
}

// awaitReady returns when root can run a statement. from is where this start
// began to write to the log.
func (s *Server) awaitReady(ctx context.Context, from int64) error {
	failed := func(reason string, cause error) error {
		return &StartError{Name: s.Name, Reason: reason, Err: cause, Log: s.ErrorLog(), Tail: logTail(s.ErrorLog(), from)}
	}
	db, err := s.Root()
	if err != nil {
		return err
	}
	defer db.Close()
	for {
		err := db.PingContext(ctx)
		if err == nil {
			return nil
		}
		select {
		case <-time.After(10 * time.Millisecond):
		case <-ctx.Done():
			return failed(fmt.Sprintf("%v (last answer: %v)", context.Cause(ctx), err), context.Cause(ctx))
		}
		if !s.Running() {
			return failed("it ended", nil)
		}
	}
}

// StartAll starts servers at the same time. ready is called for each that answers, one call at a time; it
// may be nil. Where one fails, those that this call started are killed, and the error holds all failures.
func StartAll(ctx context.Context, servers []Options, ready func(*Server)) ([]*Server, error) {
	started := make([]*Server, len(servers))
	errs := make([]error, len(servers))
	var wg sync.WaitGroup
	var mu sync.Mutex
	for i, o := range servers {
		wg.Go(func() {
			started[i], errs[i] = Start(ctx, o)
			if errs[i] == nil && ready != nil {
				mu.Lock()
				defer mu.Unlock()
				ready(started[i])
			}
		})
	}
	wg.Wait()
	var missing *NotInstalledError
	for _, err := range errs {
		if errors.As(err, &missing) {
			return nil, missing // once is enough
		}
	}
	if err := errors.Join(errs...); err != nil {
		for _, s := range started {
			if s != nil && !s.Adopted {
				err = errors.Join(err, s.Kill())
			}
		}
		return nil, err
	}
	return started, nil
}
