package localdb

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// templateVersion changes when what makeDataDir does changes.
const templateVersion = "3"

// ensureDataDir makes the data directory where there is none, by copying the
// template. It appears under its name only when it is complete.
func ensureDataDir(ctx context.Context, p programs, dataDir string) (created bool, err error) {
	if _, err := os.Stat(dataDir); err == nil {
		return false, nil
	} else if !errors.Is(err, fs.ErrNotExist) {
		return false, fmt.Errorf("look for the data directory: %w", err)
	}
	unfinished := dataDir + ".new"
	if err := os.RemoveAll(unfinished); err != nil {
		return false, fmt.Errorf("remove an unfinished data directory: %w", err)
	}
	template, err := ensureTemplate(ctx, p)
	switch {
	case err != nil:
		return false, err
	case template == "": // nowhere to keep one
		err = makeDataDir(ctx, p, unfinished)
	default:
		err = os.CopyFS(unfinished, os.DirFS(template))
	}
	if err == nil {
		err = os.Chmod(unfinished, 0o700)
	}
	if err == nil {
		err = os.Rename(unfinished, dataDir)
	}
	if err != nil {
		return false, fmt.Errorf("create the data directory %s: %w", dataDir, err)
	}
	return true, nil
}

// ensureTemplate makes a data directory in the user's cache once for each
// installed server version. It answers "" for a user without a cache folder.
func ensureTemplate(ctx context.Context, p programs) (string, error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", nil // without a home there is no cache: not an error
	}
	cache = filepath.Join(cache, "lockstep")
	if err := os.MkdirAll(cache, 0o700); err != nil {
		return "", nil // nor where it cannot be written
	}
	server, err := filepath.EvalSymlinks(p.server) // another version may come to stand at the same path
	if err != nil {
		return "", fmt.Errorf("look at the server program: %w", err)
	}
	binary, err := os.Stat(server)
	if err != nil {
		return "", fmt.Errorf("look at the server program: %w", err)
	}
	key := sha256.Sum256(fmt.Appendf(nil, "%s %s %d %d", templateVersion, server, binary.Size(), binary.ModTime().UnixNano()))
	template := filepath.Join(cache, fmt.Sprintf("%s-template-%x", string(p.engine), key[:6]))

	lock, err := os.OpenFile(template+".lock", os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return "", fmt.Errorf("open the template's lock: %w", err)
	}
	defer lock.Close() // which unlocks
	if err := unix.Flock(int(lock.Fd()), unix.LOCK_EX); err != nil {
		return "", fmt.Errorf("lock the template: %w", err)
	}
	if _, err := os.Stat(template); err == nil {
		return template, nil
	}
	unfinished := template + ".new"
	if err := os.RemoveAll(unfinished); err != nil {
		return "", fmt.Errorf("remove an unfinished template: %w", err)
	}
	if err := makeDataDir(ctx, p, unfinished); err != nil {
		return "", err
	}
	if err := os.Rename(unfinished, template); err != nil {
		return "", fmt.Errorf("put the template into place: %w", err)
	}
	return template, nil
}

// makeDataDir initialises a data directory whose only account is root over the
// socket, without a password.
func makeDataDir(ctx context.Context, p programs, dir string) error {
	// A server removes all that looks like a temporary table from its tmpdir when it starts,
	// also what others that share it are using.
	tmp := dir + ".tmp"
	if err := os.MkdirAll(tmp, 0o700); err != nil {
		return fmt.Errorf("make a folder for temporary tables: %w", err)
	}
	initialise := makeMariaDB
	if p.engine == MySQL {
		initialise = makeMySQL
	}
	if err := initialise(ctx, p, dir, tmp); err != nil {
		return err
	}
	if err := os.RemoveAll(tmp); err != nil {
		return fmt.Errorf("remove the folder for temporary tables: %w", err)
	}
	return nil
}

// asRoot is what a server needs to be told before it runs as root.
func asRoot() []string {
	if os.Geteuid() == 0 {
		return []string{"--user=root"}
	}
	return nil
}

// run runs a program to its end and puts what it said into the error.
func run(ctx context.Context, input, program string, args ...string) error {
	c := exec.CommandContext(ctx, program, args...)
	c.Stdin = strings.NewReader(input)
	c.WaitDelay = 5 * time.Second // the installer is a script: its server may outlive it for a moment
	said, err := c.CombinedOutput()
	if err == nil {
		return nil
	}
	if ctx.Err() != nil {
		err = context.Cause(ctx)
	}
	// After this the installer has general advice only.
	said, _, _ = bytes.Cut(said, []byte("Installation of system tables failed!"))
	return fmt.Errorf("%s: %w\n%s", filepath.Base(program), err, lastLines(bytes.TrimSpace(said), tailLines))
}
