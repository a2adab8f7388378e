package proxy

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// socketListener is a Unix socket for clients. Close removes its file, unless another one is there by now.
type socketListener struct {
	net.Listener
	path string
	made fs.FileInfo
}

// listenSocket makes the socket. One that nobody listens on is left from a proxy that was killed, and is replaced; any
// other file is left alone and is an error.
func listenSocket(ctx context.Context, path string, mode fs.FileMode) (net.Listener, error) {
	if err := removeStale(ctx, path); err != nil {
		return nil, err
	}
	l, err := new(net.ListenConfig).Listen(ctx, "unix", path)
	if err != nil {
		return nil, err
	}
	l.(*net.UnixListener).SetUnlinkOnClose(false)
	s := &socketListener{Listener: l, path: path}
	if err := os.Chmod(path, mode); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	if s.made, err = os.Lstat(path); err != nil {
		return nil, errors.Join(err, l.Close())
	}
	return s, nil
}

func removeStale(ctx context.Context, path string) error {
	info, err := os.Lstat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if info.Mode().Type() != fs.ModeSocket {
		return fmt.Errorf("%s is there, and is no socket", path)
	}
	nc, err := new(net.Dialer).DialContext(ctx, "unix", path)
	switch {
	case err == nil:
		_ = nc.Close() // nothing was said
		return fmt.Errorf("%s: %w", path, unix.EADDRINUSE)
	case !errors.Is(err, syscall.ECONNREFUSED):
		return fmt.Errorf("look who listens on %s: %w", path, err)
	}
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("remove the socket that nobody listens on: %w", err)
	}
	return nil
}

// Close ends the listener and removes the file.
func (s *socketListener) Close() error {
	err := s.Listener.Close()
	if errors.Is(err, net.ErrClosed) {
		return err
	}
	now, statErr := os.Lstat(s.path)
	if statErr != nil || s.made == nil || !os.SameFile(now, s.made) {
		return err
	}
	return errors.Join(err, os.Remove(s.path))
}

// listeners are where clients come in.
func (p *Proxy) listeners() []net.Listener {
	var list []net.Listener
	for _, l := range []net.Listener{p.listener, p.socket} {
		if l != nil {
			list = append(list, l)
		}
	}
	return list
}

// closeListeners may be called again.
func (p *Proxy) closeListeners() error {
	var errs []error
	for _, l := range p.listeners() {
		if err := l.Close(); err != nil && !errors.Is(err, net.ErrClosed) {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}
