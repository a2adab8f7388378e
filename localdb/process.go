package localdb

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// process is a running server as its command line shows it.
type process struct {
	pid    int
	engine Engine
	port   int
	socket string
}

// findServer answers the server of that data directory, nil where none runs. The
// pid files that it may have are looked at first; there is none yet while a server starts, so
// all processes are looked at after them.
func findServer(pidFiles []string, dataDir string) (*process, error) {
	for _, file := range pidFiles {
		text, err := os.ReadFile(file)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf("read the pid file: %w", err)
		}
		if pid, err := strconv.Atoi(strings.TrimSpace(string(text))); err == nil {
			if p := serverOf(pid, dataDir); p != nil {
				return p, nil
			}
		}
	}
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return nil, fmt.Errorf("list processes: %w", err)
	}
	for _, e := range entries {
		if pid, err := strconv.Atoi(e.Name()); err == nil {
			if p := serverOf(pid, dataDir); p != nil {
				return p, nil
			}
		}
	}
	return nil, nil
}

// serverOf looks at a process and answers nil unless it is a live server of that
// data directory. A process that is gone, also as a zombie, has no command line.
func serverOf(pid int, dataDir string) *process {
	if pid <= 1 {
		return nil
	}
	line, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
	if err != nil {
		return nil
	}
	args := strings.Split(string(line), "\x00")
	engine := engineOfCommand(args)
	if engine == "" || slices.Contains(args, "--bootstrap") || slices.Contains(args, "--initialize-insecure") || !slices.Contains(args, "--datadir="+dataDir) {
		return nil
	}
	p := &process{pid: pid, engine: engine}
	for _, a := range args[1:] {
		if port, ok := strings.CutPrefix(a, "--port="); ok {
			p.port, _ = strconv.Atoi(port) // a server would not run with a port that is no number
		}
		if socket, ok := strings.CutPrefix(a, "--socket="); ok {
			p.socket = socket
		}
	}
	return p
}

// engineOfCommand tells a server's engine by its command line, "" where it is no server. Before
// the server's name there may be the dynamic loader or the shell that starts it, and after it always our first argument.
func engineOfCommand(args []string) Engine {
	at := slices.Index(args, "--no-defaults")
	if at < 1 {
		return ""
	}
	for _, e := range []Engine{MariaDB, MySQL} {
		if filepath.Base(args[at-1]) == e.program() {
			return e
		}
	}
	return ""
}
