package drivers

import (
	"net"
	osexec "os/exec"
	"strings"
	"testing"

	"lockstep/integration/cluster"
)

// script is a short visit in Python; it ends with "fine".
const script = `
import sys, datetime, decimal, pymysql
c = pymysql.connect(host=sys.argv[1], port=int(sys.argv[2]), user='app', password='app', database='d', charset='utf8mb4')
k = c.cursor()
k.execute("CREATE TABLE py (id INT PRIMARY KEY, s VARCHAR(20), d DECIMAL(10,2), t DATETIME(6), b BLOB)")
t = datetime.datetime(2024, 2, 29, 1, 2, 3, 4)
rows = [(i, 'ü%d' % i, decimal.Decimal('1.25') * i, t, bytes([0, 39, 92, i])) for i in range(20)]
assert k.executemany("INSERT INTO py VALUES (%s, %s, %s, %s, _binary %s)", rows) == 20
c.commit()
assert k.execute("SELECT * FROM py ORDER BY id") == 20
assert list(k.fetchall()) == rows
k.execute("UPDATE py SET s = 'x'"); c.rollback()
k.execute("SELECT s FROM py WHERE id = %s", (7,)); assert k.fetchone() == ('ü7',)
k.execute("SELECT SUM(d), COUNT(*) FROM py"); assert k.fetchone() == (decimal.Decimal('237.50'), 20)
try:
    k.execute("INSERT INTO py (id) VALUES (1)"); raise SystemExit('no error')
except pymysql.err.IntegrityError as e:
    assert e.args[0] == 1062, e
s = pymysql.cursors.SSCursor(c); s.execute("SELECT id FROM py"); assert len(s.fetchall()) == 20
c.select_db('d'); c.ping(reconnect=False); c.close()
print('fine')
`

func TestPyMySQL(t *testing.T) {
	const python = "/usr/bin/python3" // of the distribution, where its packages are
	if err := osexec.Command(python, "-c", "import pymysql").Run(); err != nil {
		t.Skipf("PyMySQL is not installed (apt-get install python3-pymysql): %v", err)
	}
	c := start(t, cluster.Options{})
	host, port, err := net.SplitHostPort(c.Listen)
	if err != nil {
		t.Fatal(err)
	}
	out, err := osexec.CommandContext(t.Context(), python, "-c", script, host, port).CombinedOutput()
	if err != nil || strings.TrimSpace(string(out)) != "fine" {
		t.Errorf("%v\n%s", err, out)
	}
}
