package drivers

import (
	"os"
	osexec "os/exec"
	"path/filepath"
	"strings"
	"testing"

	"lockstep/localdb"
)

// debianPython is the distribution's interpreter, which has the distribution's packages.
const debianPython = "/usr/bin/python3"

// Lines that may differ in each program.
var (
	version  = may("^server: ", "the proxy's version has its name at the end, and not the 5.5.5- in front that MariaDB has for old replicas")
	syntax   = may("1064.*You have an error in your SQL syntax", "the proxy's own parser says where the error is; the number and the SQLSTATE are the server's")
	readOnly = may("1792", "the proxy's own text, without the full stop")
	charset  = may("charset numbers: ", "texts have the number of their character set's default collation, not of the one named at the login")
)

const jsonType = "a MariaDB server marks JSON columns for clients that ask for its extended types; through the proxy they are texts"

const texts = "DATABASE() and USER() are the session's, written into the statement as texts: their length and that they are not NULL is known"

// programs are all that TestPrograms runs. README.md says what each of them does.
var programs = []driver{
	{name: "pymysql", command: python("pymysql"), differ: []difference{version, syntax, may("^SELECT DATABASE", texts)}},
	{name: "mysqlclient", command: python("MySQLdb"), differ: []difference{version, syntax}},
	{name: "mysqli", command: php("mysqli"), differ: []difference{version, readOnly.only(localdb.MySQL),
		may("^warnings:", "shards tell of duplicates one after the other, and not in the order of rows, which the messages do not name")}},
	{name: "mysql2", command: interpreted("main.js", "node"), differ: []difference{charset,
		may("^too few: .* 1210 ", "the proxy says how many there are"),
		may("^SHOW STATUS LIKE 'nothing'", "of no row it does not show whether it would be the session's or the server's").only(localdb.MySQL),
		may(`^(query|execute) row: .*"js":`, jsonType).only(localdb.MariaDB)}},
	{name: "mariadbjs", command: interpreted("main.js", "node"), differ: []difference{version,
		may("^SELECT table_name AS t, engine AS e FROM information_schema", "the rows are gathered in a temporary table, whose names are told").only(localdb.MySQL)}},
	{name: "sequelize", command: interpreted("main.js", "node")},
	{name: "sqlalchemy", command: python("sqlalchemy", "pymysql", "MySQLdb")},
	{name: "dbd", command: interpreted("main.pl", "perl"), differ: []difference{version}},
	{name: "pdo", command: php("pdo_mysql"), differ: []difference{version}},
	{name: "libmariadb", command: compiledC("libmariadb"), differ: []difference{version,
		may("^  column (Level|Code|Message) ", "SHOW WARNINGS is the proxy's own: its columns' widths and decimals are not told apart by server family")}},
	{name: "jdbc", command: compiledJava, differ: []difference{version,
		may("^text column: [ste] ", "this version of the driver does not know the number of MySQL's default collation, and measures texts in bytes").only(localdb.MySQL)}},
	{name: "carrays", command: compiledC("carrays"), differ: []difference{
		may("^tracked after SET NAMES", "a MariaDB server tells of variables in any order").only(localdb.MariaDB).byChance(),
		may("^tracked after SET session_track_system_variables", "MySQL does not count this variable as a change of state").only(localdb.MySQL)}},
}

// php is a program that needs an extension.
func php(extension string) func(*testing.T, string) []string {
	return func(t *testing.T, _ string) []string {
		t.Helper()
		builds(t, "php", "-r", "exit(extension_loaded('"+extension+"') ? 0 : 1);")
		return []string{"php", "-d", "display_errors=stderr", "-d", "error_reporting=-1", "main.php"}
	}
}

// python is a program that needs modules.
func python(modules ...string) func(*testing.T, string) []string {
	return func(t *testing.T, _ string) []string {
		t.Helper()
		for _, m := range modules {
			builds(t, debianPython, "-c", "import "+m)
		}
		return []string{debianPython, "main.py"}
	}
}

// compiledC is a program in C that is built with MariaDB's library.
func compiledC(name string) func(*testing.T, string) []string {
	return func(t *testing.T, dir string) []string {
		t.Helper()
		out, err := osexec.CommandContext(t.Context(), "mariadb_config", "--cflags", "--libs").Output()
		if err != nil {
			t.Fatalf("mariadb_config: %v (make install-test-deps)", err)
		}
		main := filepath.Join(dir, "main")
		builds(t, append([]string{"cc", "-Wall", "-Werror", "-O1", "-o", main, "programs/" + name + "/main.c"}, strings.Fields(string(out))...)...)
		return []string{main}
	}
}

// compiledJava is a program in Java with MariaDB's JDBC driver.
func compiledJava(t *testing.T, dir string) []string {
	t.Helper()
	const driver = "/usr/share/java/mariadb-java-client.jar"
	if _, err := os.Stat(driver); err != nil {
		t.Fatalf("%v (make install-test-deps)", err)
	}
	needs(t, "java")
	builds(t, "javac", "-encoding", "UTF-8", "-d", dir, "programs/jdbc/Main.java")
	return []string{"java", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-cp", driver + ":" + dir, "Main"}
}
