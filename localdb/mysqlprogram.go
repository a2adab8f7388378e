package localdb

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

const (
	mysqlCache    = ".cache/mysql/current/bin/mysqld" // where "make mysql" puts it
	mysqlVariable = "LOCKSTEP_MYSQLD"                 // names a mysqld, before all others
)

// findMySQL looks for MySQL's server: where the environment says, in the cache of the source folder that
// the working directory or this program is in, and among the installed programs.
func findMySQL(folders []string) (programs, error) {
	p := programs{engine: MySQL}
	if path := os.Getenv(mysqlVariable); path != "" {
		if _, err := exec.LookPath(path); err != nil {
			return p, fmt.Errorf("find the MySQL server that %s names: %w", mysqlVariable, err)
		}
		var err error
		p.server, err = filepath.Abs(path)
		return p, err
	}
	var starts []string
	if dir, err := os.Getwd(); err == nil {
		starts = append(starts, dir)
	}
	if path, err := os.Executable(); err == nil {
		starts = append(starts, filepath.Dir(path))
	}
	for _, start := range starts {
		path, err := cachedMySQL(start)
		if err != nil {
			return p, err
		}
		if path != "" {
			p.server = path
			return p, nil
		}
	}
	if path, err := findProgram(MySQL.program(), folders); err == nil && isMySQL(path) {
		p.server = path
		return p, nil
	}
	return p, &NotInstalledError{Engine: MySQL, Missing: []string{MySQL.program()}}
}

// cachedMySQL looks in a folder and in those above it, and answers "" where there is none.
func cachedMySQL(folder string) (string, error) {
	for ; ; folder = filepath.Dir(folder) {
		path := filepath.Join(folder, mysqlCache)
		info, err := os.Stat(path)
		switch st, _ := infoSys(info); {
		case err == nil && st != nil && st.Uid != 0 && int(st.Uid) != os.Geteuid():
			// A folder that all may write to, such as /tmp, may be above us.
			return "", fmt.Errorf("the MySQL server %s belongs to another user (id %d) and is not run; let %s name it if it is to be trusted", path, st.Uid, mysqlVariable)
		case err == nil:
			return path, nil
		case !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, syscall.ENOTDIR) && !errors.Is(err, fs.ErrPermission):
			return "", fmt.Errorf("look for a MySQL server: %w", err)
		case folder == filepath.Dir(folder):
			return "", nil
		}
	}
}

func infoSys(info fs.FileInfo) (*syscall.Stat_t, bool) {
	if info == nil {
		return nil, false
	}
	st, ok := info.Sys().(*syscall.Stat_t)
	return st, ok
}

// isMySQL tells a MySQL from MariaDB, which some distributions also have under the name mysqld.
func isMySQL(path string) bool {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	said, err := exec.CommandContext(ctx, path, "--no-defaults", "--version").Output()
	return err == nil && strings.Contains(string(said), " Ver ") && !strings.Contains(string(said), "MariaDB")
}

// MySQLClient is the path of MySQL's command line, which is kept beside its server. Errors: those of
// MySQL.Installed, or a wrapped fs.ErrNotExist.
func MySQLClient() (string, error) {
	p, err := findPrograms(MySQL, programFolders)
	if err != nil {
		return "", err
	}
	path := filepath.Join(filepath.Dir(p.server), "mysql")
	if _, err := os.Stat(path); err != nil {
		return "", fmt.Errorf("find MySQL's command line: %w", err)
	}
	return path, nil
}
