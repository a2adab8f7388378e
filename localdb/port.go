package localdb

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// Ports are chosen below the range from which Linux takes the local ports of
// outgoing connections: one of those could sit on a server's port at its next start.
const firstPort, lastPort = 17000, 31999

// PortError says that a port is taken by another program.
type PortError struct {
	Name string // the server that wanted it
	Port int
}

func (e *PortError) Error() string {
	return fmt.Sprintf("port %d of server %s is used by another program", e.Port, e.Name)
}

// choosePort answers the port that a server gets: the one it is told to take, the
// one it had before, or a free one.
func choosePort(ctx context.Context, o Options) (int, error) {
	if o.Port != 0 {
		if !portFree(ctx, o.Port) {
			return 0, &PortError{o.Name, o.Port}
		}
		return o.Port, nil
	}
	port, err := readPort(o.Dir)
	if err != nil {
		return 0, err
	}
	if port != 0 {
		if portFree(ctx, port) {
			return port, nil
		}
		o.Logger.Warn("port is used by another program, taking another one", "server", o.Name, "port", port)
	}
	for range 200 {
		if port := firstPort + rand.IntN(lastPort-firstPort+1); portFree(ctx, port) {
			return port, nil
		}
	}
	return 0, fmt.Errorf("no free port for server %s from %d to %d", o.Name, firstPort, lastPort)
}

func portFree(ctx context.Context, port int) bool {
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
	if err != nil {
		return false
	}
	return l.Close() == nil
}

// readPort answers 0 for a folder that has had no server yet.
func readPort(dir string) (int, error) {
	text, err := os.ReadFile(filepath.Join(dir, "port"))
	if errors.Is(err, fs.ErrNotExist) {
		return 0, nil
	}
	if err != nil {
		return 0, fmt.Errorf("read the server's port: %w", err)
	}
	port, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil || port < 1 || port > 65535 {
		return 0, nil //nolint:nilerr // half-written: as good as none
	}
	return port, nil
}

func writePort(dir string, port int) error {
	if err := os.WriteFile(filepath.Join(dir, "port"), fmt.Appendf(nil, "%d\n", port), 0o600); err != nil {
		return fmt.Errorf("keep the server's port: %w", err)
	}
	return nil
}
