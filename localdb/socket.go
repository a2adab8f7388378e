package localdb

import (
	"crypto/sha256"
	"fmt"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// maxSocketPath is what fits into a sockaddr_un, its zero byte left out.
const maxSocketPath = 107

// socketPath is where a server's socket lives: in its folder, or, where that path
// would be too long for a socket, in a folder of the user's own below the
// temporary one.
func socketPath(dir string, e Engine) (string, error) {
	path := filepath.Join(dir, string(e)+".sock")
	if len(path) <= maxSocketPath {
		return path, nil
	}
	private := filepath.Join(os.TempDir(), fmt.Sprintf("lockstep-%d", os.Geteuid()))
	if err := os.Mkdir(private, 0o700); err != nil && !os.IsExist(err) {
		return "", fmt.Errorf("make a folder for sockets: %w", err)
	}
	// The name can be guessed: another user may have made it first.
	var st unix.Stat_t
	if err := unix.Lstat(private, &st); err != nil {
		return "", fmt.Errorf("look at the folder for sockets: %w", err)
	}
	if st.Mode&unix.S_IFMT != unix.S_IFDIR || int(st.Uid) != os.Geteuid() || st.Mode&0o077 != 0 {
		return "", fmt.Errorf("the folder for sockets %s is not ours alone: remove it, or choose a shorter folder than %s", private, dir)
	}
	key := sha256.Sum256([]byte(dir))
	return filepath.Join(private, fmt.Sprintf("%x.sock", key[:8])), nil
}
