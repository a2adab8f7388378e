package introspection

import (
	"bytes"
	"net"
	"os/exec"
	"regexp"
	"strings"
	"testing"

	gomysql "github.com/go-mysql-org/go-mysql/client"

	"lockstep/integration/cluster"
	"lockstep/localdb"
)

// run runs a client program on a server and returns what it printed.
func run(t *testing.T, conn *gomysql.Conn, input, name string, args ...string) string {
	t.Helper()
	host, port, err := net.SplitHostPort(conn.RemoteAddr().String())
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), name, append([]string{"--no-defaults", "-h" + host, "-P" + port, "-u" + cluster.User, "-p" + cluster.Password}, args...)...)
	var out, errs bytes.Buffer
	cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader(input), &out, &errs
	if err := cmd.Run(); err != nil {
		t.Fatalf("%s %v: %v\n%s", name, args, err, errs.String())
	}
	return out.String()
}

// served is what a dump says of its server and its time.
var served = regexp.MustCompile(`(?m)^-- (Host|Server version|Dump completed|MariaDB dump|MySQL dump).*\n|^/\*M?!999999.*\n`)

// A database is dumped as from one server, and the dump, loaded through the proxy into another one, gives the same again.
func TestDump(t *testing.T) {
	for _, program := range []string{"mariadb-dump", "mariadb"} {
		if _, err := exec.LookPath(program); err != nil {
			t.Fatalf("%v (make install-test-deps)", err)
		}
	}
	p, _ := start(t, strings.Replace(strings.TrimPrefix(schemas, "\nschemas:\n"), "shop", "copy", 1))
	dump := func(conn *gomysql.Conn, database string) string {
		return served.ReplaceAllString(run(t, conn, "", "mariadb-dump", "--single-transaction", "--skip-add-locks", "--no-tablespaces", "--hex-blob", "--order-by-primary",
			"--routines", "--triggers", "--events", database), "")
	}
	plain, proxy := dump(p.plain, "shop"), dump(p.proxy, "shop")
	if plain != proxy {
		t.Errorf("the dumps differ:\n%s\nand through the proxy\n%s", plain, proxy)
	}
	if !strings.Contains(proxy, "INSERT INTO `customer`") || !strings.Contains(proxy, "CONSTRAINT `of_customer`") {
		t.Fatalf("the dump has not all of it:\n%s", proxy)
	}
	if p.engine == localdb.MySQL {
		return // MariaDB's program writes values of generated columns, which MySQL does not take
	}
	for _, conn := range []*gomysql.Conn{p.plain, p.proxy} {
		execute(t, conn, "CREATE DATABASE copy")
		run(t, conn, proxy, "mariadb", "copy")
	}
	// There the default rule places tables, and a foreign key needs both of its tables' rows on one shard.
	again := strings.ReplaceAll(dump(p.proxy, "copy"), "database 'copy'", "database 'shop'")
	if again != proxy {
		t.Errorf("the copy's dump differs:\n%s\nfrom\n%s", again, proxy)
	}
}
