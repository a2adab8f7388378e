package localdb

import (
	"fmt"
	"os"
	"path/filepath"
)

// Engine is a family of servers.
type Engine string

// The engines. MySQL means 8.0.29 or later.
const (
	MariaDB Engine = "mariadb"
	MySQL   Engine = "mysql"
)

// ParseEngine reads the name of an engine.
func ParseEngine(name string) (Engine, error) {
	switch e := Engine(name); e {
	case MariaDB, MySQL:
		return e, nil
	}
	return "", fmt.Errorf("unknown server engine %q: choose %q or %q", name, string(MariaDB), string(MySQL))
}

// String is the engine's name as its makers write it.
func (e Engine) String() string {
	if e == MySQL {
		return "MySQL"
	}
	return "MariaDB"
}

// program is the file name of the server.
func (e Engine) program() string {
	if e == MySQL {
		return "mysqld"
	}
	return "mariadbd"
}

// EngineError says that a folder belongs to the other engine, whose data this one must not touch.
type EngineError struct {
	Name      string // the server's
	Dir       string
	Has, Want Engine
}

func (e *EngineError) Error() string {
	return fmt.Sprintf("%s holds the data of a %s server: %s cannot be started as %s there", e.Dir, e.Has, e.Name, e.Want)
}

// engineOf tells by files that only one engine makes whose data directory it is, "" where there is none.
func engineOf(dataDir string) Engine {
	for file, engine := range map[string]Engine{"mysql.ibd": MySQL, "aria_log_control": MariaDB} {
		if _, err := os.Stat(filepath.Join(dataDir, file)); err == nil {
			return engine
		}
	}
	return ""
}
