package localdb

import (
	"context"
	"fmt"
	"net"
	"path/filepath"
	"strconv"
	"time"

	"golang.org/x/sys/unix"
)

// Server is a running server, or one that ran. Safe for concurrent use.
type Server struct {
	Name    string
	Engine  Engine
	Dir     string // absolute
	Port    int    // on 127.0.0.1
	Socket  string
	Pid     int
	Adopted bool // it ran already when Start came
	Created bool // Start made its data directory

	dataDir string
	exited  chan struct{} // closed when our own child has ended and was reaped; nil for an adopted server
}

// Address is where clients connect, host:port.
func (s *Server) Address() string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(s.Port)) }

// ErrorLog is the path of the server's log.
func (s *Server) ErrorLog() string { return filepath.Join(s.Dir, "error.log") }

// Running says whether the process is there.
func (s *Server) Running() bool {
	if s.exited != nil {
		select {
		case <-s.exited:
			return false
		default:
			return true
		}
	}
	return serverOf(s.Pid, s.dataDir) != nil
}

// Find answers the server that runs for a folder, or nil where none does.
func Find(dir string) (*Server, error) {
	o, err := Options{Dir: dir}.withDefaults()
	if err != nil {
		return nil, fmt.Errorf("find the server of %s: %w", dir, err)
	}
	return find(o)
}

func find(o Options) (*Server, error) {
	s := &Server{Name: o.Name, Dir: o.Dir, Adopted: true, dataDir: filepath.Join(o.Dir, "data")}
	p, err := findServer([]string{s.pidFile(MariaDB), s.pidFile(MySQL)}, s.dataDir)
	if err != nil {
		return nil, fmt.Errorf("find the server of %s: %w", o.Dir, err)
	}
	if p == nil {
		return nil, nil
	}
	s.Engine, s.Pid, s.Port, s.Socket = p.engine, p.pid, p.port, p.socket
	return s, nil
}

func (s *Server) pidFile(e Engine) string { return filepath.Join(s.Dir, string(e)+".pid") }

// tmpDir is the server's own: at its start a server removes all temporary tables
// from its tmpdir, also those of others that share it.
func (s *Server) tmpDir() string { return filepath.Join(s.Dir, "tmp") }

// Stop shuts the server down in order and waits for its end, or for the end of ctx,
// after which the server may still be shutting down. Stopping one that is not running is no error.
func (s *Server) Stop(ctx context.Context) error { return s.end(ctx, unix.SIGTERM) }

// Kill ends the server as a crash would, and waits until it is gone.
func (s *Server) Kill() error {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	return s.end(ctx, unix.SIGKILL)
}
