package localdb

import (
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
)

// Places where distributions put server programs that a user's PATH may not have.
var programFolders = []string{"/usr/sbin", "/usr/libexec", "/usr/local/sbin", "/usr/local/libexec", "/usr/bin", "/usr/local/bin", "/opt/homebrew/bin"}

// NotInstalledError says which programs of an engine are missing and how to get them.
type NotInstalledError struct {
	Engine  Engine
	Missing []string
}

func (e *NotInstalledError) Error() string {
	if e.Engine == MySQL {
		return fmt.Sprintf(`No MySQL server found (looked in %s of this folder, of this program's and of those above them, then for a mysqld
that is not MariaDB's in PATH, %s).
In Lockstep's source folder, "make mysql" gets one, which is not installed system-wide. Or install a MySQL server, 8.0.29 or later;
or let %s name its mysqld.`, mysqlCache, strings.Join(programFolders, ", "), mysqlVariable)
	}
	return fmt.Sprintf(`%s not found (looked in PATH, %s). Install a MariaDB server, 10.6 or later:
  Debian, Ubuntu:  sudo apt-get install --no-install-recommends mariadb-server-core mariadb-client
  Fedora, RHEL:    sudo dnf install mariadb-server
  Arch:            sudo pacman -S mariadb
  Alpine:          sudo apk add mariadb mariadb-client
The server need not be started: private ones are started from its programs.`,
		strings.Join(e.Missing, " and "), strings.Join(programFolders, ", "))
}

// programs are the paths of what this package runs.
type programs struct {
	engine            Engine
	server, installer string // MySQL's server is its own installer
}

func findPrograms(engine Engine, folders []string) (programs, error) {
	if engine == MySQL {
		return findMySQL(folders)
	}
	p := programs{engine: engine}
	var missing []string
	for name, path := range map[string]*string{"mariadbd": &p.server, "mariadb-install-db": &p.installer} {
		found, err := findProgram(name, folders)
		if err != nil {
			missing = append(missing, name)
		}
		*path = found
	}
	if len(missing) > 0 {
		return p, &NotInstalledError{Engine: engine, Missing: missing}
	}
	return p, nil
}

func findProgram(name string, folders []string) (string, error) {
	// A relative PATH entry gives ErrDot: such a program is not run.
	if path, err := exec.LookPath(name); err == nil {
		return filepath.Abs(path)
	}
	for _, folder := range folders {
		if path, err := exec.LookPath(filepath.Join(folder, name)); err == nil {
			return path, nil
		}
	}
	return "", errors.New("not found")
}

// Installed answers nil where MariaDB's programs are there, and otherwise a *NotInstalledError.
func Installed() error { return MariaDB.Installed() }

// Installed answers nil where the engine's programs are there, and otherwise a
// *NotInstalledError or why the one that is there cannot be used.
func (e Engine) Installed() error {
	_, err := findPrograms(e, programFolders)
	return err
}
