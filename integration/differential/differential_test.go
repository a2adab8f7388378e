package differential

import (
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"testing"

	"lockstep/integration/cluster"
	"lockstep/localdb"
)

func TestMain(m *testing.M) { cluster.Main(m) }

func setting(t *testing.T, name string, otherwise uint64) uint64 {
	t.Helper()
	s := os.Getenv(name)
	if s == "" {
		return otherwise
	}
	n, err := strconv.ParseUint(s, 10, 64)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return n
}

// oracle starts the plain server.
func oracle(t *testing.T) string {
	return cluster.PlainServer(t, cluster.Engine(t)).Address()
}

// pair holds the two servers and what was counted.
type pair struct {
	t              *testing.T
	plain, proxy   server
	typesByPlace   bool // MySQL: a parameter gets its type from where it stands, a literal has its own
	asked, refused int
	reasons        map[string]int
	wrong          int
}

const wrongLimit = 20 // differences shown before it gives up

// ask runs a statement on both. The proxy comes first: what it refuses must change nothing on the plain server.
func (p *pair) ask(q statement) {
	p.t.Helper()
	p.asked++
	got, err := p.proxy.ask(q)
	if err != nil {
		p.t.Fatalf("proxy: %v\n%s", err, q)
	}
	if got.code == refused {
		p.refused++
		p.reasons[got.message]++
		if os.Getenv("LOCKSTEP_DIFF_SHOW") != "" {
			p.t.Logf("refused: %s\n  %s", got.message, q)
		}
		return
	}
	want, err := p.plain.ask(q)
	if err != nil {
		p.t.Fatalf("plain: %v\n%s", err, q)
	}
	d := differences(want, got)
	if d != "" && q.prepared && p.typesByPlace {
		// Where several shards answer, the proxy writes parameters into the text: it may then answer as for literals.
		if want, err = p.plain.ask(q.inlined()); err != nil {
			p.t.Fatalf("plain: %v\n%s", err, q)
		}
		unnamed := got
		want.columns, unnamed.columns = withoutNames(want.columns), withoutNames(got.columns) // which show the parameters
		if differences(want, unnamed) == "" {
			d = ""
		}
	}
	if d != "" {
		p.t.Errorf("%s\n%s\n", q, d)
		if p.wrong++; p.wrong == wrongLimit {
			p.t.Fatal("too many differences")
		}
	}
}

func (p *pair) tables() {
	p.t.Helper()
	for _, t := range all {
		p.ask(statement{sql: "SELECT * FROM " + t.name + " ORDER BY " + t.columns[0].name, ordered: true})
	}
}

// withoutNames leaves of the columns what describe says after their names.
func withoutNames(columns string) string {
	lines := strings.Split(columns, "\n")
	for i, l := range lines {
		lines[i] = l[max(0, strings.LastIndex(l, " type ")):]
	}
	return strings.Join(lines, "\n")
}

func TestDifferential(t *testing.T) {
	seed := setting(t, "LOCKSTEP_DIFF_SEED", 1)
	count := int(setting(t, "LOCKSTEP_DIFF_STATEMENTS", 1500))
	c := cluster.Start(t, cluster.Options{Shards: 3, Config: schemas})
	c.StartProxy()
	plain := oracle(t)
	for _, address := range []string{plain, c.Listen} {
		if _, err := dial(t, address, "").conn.Execute("CREATE DATABASE d"); err != nil {
			t.Fatal(err)
		}
	}
	p := &pair{t: t, plain: dial(t, plain, "d"), proxy: dial(t, c.Listen, "d"), reasons: map[string]int{}, typesByPlace: cluster.Engine(t) == localdb.MySQL}
	g := &generator{r: rand.New(rand.NewPCG(seed, 1)), textChanges: p.typesByPlace}
	for _, d := range definitions {
		p.ask(statement{sql: d})
	}
	for _, table := range all {
		for range 12 {
			p.ask(statement{sql: "INSERT IGNORE INTO " + table.name + " VALUES " + g.rows(table)})
		}
	}
	inside := 0 // statements that the transaction still takes
	for n := 0; n < count; n++ {
		switch {
		case inside == 0 && g.chance(4):
			p.ask(statement{sql: pick(g, "BEGIN", "START TRANSACTION")})
			inside = g.r.IntN(10) + 2
		case inside == 1:
			p.ask(statement{sql: pick(g, "ROLLBACK", "ROLLBACK", "COMMIT")})
			inside = 0
		case inside > 1:
			inside--
			p.ask(g.statement())
		default:
			p.ask(g.statement())
		}
		if inside == 0 && n%100 == 99 {
			p.tables()
		}
	}
	if inside > 0 {
		p.ask(statement{sql: "ROLLBACK"})
	}
	p.tables()
	t.Logf("seed %d: %d statements, %d refused (%.1f %%), %d wrong", seed, p.asked, p.refused, 100*float64(p.refused)/float64(p.asked), p.wrong)
	for reason, n := range p.reasons {
		t.Logf("  refused %d: %s", n, reason)
	}
}
