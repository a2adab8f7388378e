package deadlock

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/datadriven"
	"pgregory.net/rapid"

	"lockstep/backend"
)

var zero = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

func at(ms int) time.Time { return zero.Add(time.Duration(ms) * time.Millisecond) }

// scene is read from a test file, one thing a line:
//
//	member NAME began=N since=MS seen=MS SERVER:CONNECTION …
//	held SERVER from=MS to=MS WAITER>BLOCKER …    where each is TRANSACTION or TRANSACTION/CONNECTION
type scene struct {
	members []Member
	held    []Held
	names   []string
}

func (s *scene) server(name string) int {
	i := slices.Index(s.names, name)
	if i < 0 {
		i = len(s.names)
		s.names = append(s.names, name)
		s.held = append(s.held, Held{})
	}
	return i
}

func parseScene(t *testing.T, text string) *scene {
	t.Helper()
	s := &scene{}
	for line := range strings.Lines(text) {
		words := strings.Fields(line)
		var err error
		scan := func(word, format string, into ...any) {
			if _, e := fmt.Sscanf(word, format, into...); e != nil {
				err = fmt.Errorf("%q: %w", word, e)
			}
		}
		switch words[0] {
		case "member":
			m := Member{GTRID: words[1]}
			var since, seen int
			scan(words[2], "began=%d", &m.Began)
			scan(words[3], "since=%d", &since)
			scan(words[4], "seen=%d", &seen)
			m.Since, m.Seen = at(since), at(seen)
			for _, w := range words[5:] {
				server, id, _ := strings.Cut(w, ":")
				c := Connection{Server: s.server(server)}
				scan(id, "%d", &c.ID)
				m.Connections = append(m.Connections, c)
			}
			s.members = append(s.members, m)
		case "held":
			i := s.server(words[1])
			var from, to int
			scan(words[2], "from=%d", &from)
			scan(words[3], "to=%d", &to)
			s.held[i].From, s.held[i].To = at(from), at(to)
			for _, w := range words[4:] {
				a, b, _ := strings.Cut(w, ">")
				party := func(text string) (p backend.LockParty) {
					id, connection, has := strings.Cut(text, "/")
					scan(id, "%d", &p.Transaction)
					if has {
						scan(connection, "%d", &p.Connection)
					}
					return p
				}
				s.held[i].Waits = append(s.held[i].Waits, backend.LockWait{Waiter: party(a), Blocker: party(b), Wait: w})
			}
		default:
			err = fmt.Errorf("unknown word %q", words[0])
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return s
}

// Each case of testdata/graph is a scene and the deadlocks that are in it.
func TestDeadlocks(t *testing.T) {
	datadriven.RunTest(t, "testdata/graph", func(t *testing.T, d *datadriven.TestData) string {
		s := parseScene(t, d.Input)
		found, suspects := Deadlocks(s.members, s.held, s.names)
		var b strings.Builder
		for _, c := range found {
			fmt.Fprintf(&b, "%s: victim %s, closed at %d\n", c.String(), c.Victim.GTRID, c.Since.Sub(zero).Milliseconds())
		}
		if suspects {
			b.WriteString("suspects\n")
		}
		if b.Len() == 0 {
			return "none\n"
		}
		return b.String()
	})
}

// random draws a scene: some members on some servers, some other transactions, some waits.
func random(t *rapid.T) (members []Member, held []Held, names []string) {
	servers := rapid.IntRange(1, 4).Draw(t, "servers")
	n := rapid.IntRange(0, 7).Draw(t, "members")
	others := rapid.IntRange(0, 4).Draw(t, "others")
	for i := range n {
		m := Member{GTRID: fmt.Sprint("t", i), Began: rapid.Int64Range(0, 3).Draw(t, "began"), Since: at(0), Seen: at(100)}
		for server := range servers {
			m.Connections = append(m.Connections, Connection{server, uint32(i + 1)})
		}
		members = append(members, m)
	}
	for server := range servers {
		names = append(names, fmt.Sprint("s", server))
		h := Held{From: at(10), To: at(90)}
		for range rapid.IntRange(0, 10).Draw(t, "waits") {
			party := func(what string) backend.LockParty {
				i := rapid.IntRange(0, n+others).Draw(t, what)
				p := backend.LockParty{Transaction: uint64(100 + i)}
				if i < n {
					p.Connection = uint32(i + 1)
				}
				return p
			}
			h.Waits = append(h.Waits, backend.LockWait{Waiter: party("waiter"), Blocker: party("blocker")})
		}
		held = append(held, h)
	}
	return members, held, names
}

// vertex names a party in the plain graph that the answers are checked against.
func vertex(members []Member, server int, p backend.LockParty) string {
	if p.Connection != 0 {
		return members[p.Connection-1].GTRID
	}
	return fmt.Sprint(server, "/", p.Transaction)
}

// plain is the graph as a map, without some vertices.
func plain(members []Member, held []Held, without map[string]bool) map[string][]string {
	g := map[string][]string{}
	for server, h := range held {
		for _, w := range h.Waits {
			a, b := vertex(members, server, w.Waiter), vertex(members, server, w.Blocker)
			if !without[a] && !without[b] {
				g[a] = append(g[a], b)
			}
		}
	}
	return g
}

// reaches says whether there is a way of at least one edge.
func reaches(g map[string][]string, from, to string) bool {
	seen := map[string]bool{}
	var visit func(string) bool
	visit = func(v string) bool {
		for _, next := range g[v] {
			if next == to {
				return true
			}
			if !seen[next] {
				seen[next] = true
				if visit(next) {
					return true
				}
			}
		}
		return false
	}
	return visit(from)
}

// Every victim is part of a cycle, is the youngest of it, and without the victims no member is part of
// any cycle. The order in which members and waits are listed changes nothing that matters.
func TestDeadlocksAreBroken(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		members, held, names := random(t)
		found, suspects := Deadlocks(members, held, names)
		if suspects {
			t.Fatal("suspects, though everything was so at one moment")
		}
		gone := map[string]bool{}
		for _, c := range found {
			g := plain(members, held, gone)
			if !reaches(g, c.Victim.GTRID, c.Victim.GTRID) {
				t.Fatalf("victim %s of %s waits for itself nowhere", c.Victim.GTRID, &c)
			}
			for _, m := range c.Members {
				if younger(m, c.Victim) < 0 {
					t.Fatalf("victim %s of %s is older than %s", c.Victim.GTRID, &c, m.GTRID)
				}
			}
			if len(c.Members) == 0 || len(c.Nodes) < len(c.Members) {
				t.Fatalf("cycle %s of %d members", &c, len(c.Members))
			}
			gone[c.Victim.GTRID] = true
		}
		g := plain(members, held, gone)
		for i := range members {
			if name := members[i].GTRID; !gone[name] && reaches(g, name, name) {
				t.Fatalf("%s is still in a cycle after %d victims", name, len(found))
			}
		}
	})
}

// Without edges in a ring nobody is a victim: waits go from the larger to the smaller transaction only.
func TestNoVictimWithoutCycle(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		members, held, names := random(t)
		for i := range held {
			held[i].Waits = slices.DeleteFunc(held[i].Waits, func(w backend.LockWait) bool { return w.Waiter.Transaction <= w.Blocker.Transaction })
		}
		if found, suspects := Deadlocks(members, held, names); len(found) > 0 || suspects {
			t.Fatalf("found %v, suspects %v", found, suspects)
		}
	})
}

// What was so at no common moment is never acted on, whatever the edges.
func TestNoVictimWithoutMoment(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		members, held, names := random(t)
		for i := range members {
			members[i].Seen = at(9) // before the first reading was over
		}
		if found, _ := Deadlocks(members, held, names); len(found) > 0 {
			t.Fatalf("found %v", found)
		}
	})
}

func TestCommon(t *testing.T) {
	a := backend.LockWait{Waiter: backend.LockParty{Transaction: 1, Connection: 2}, Blocker: backend.LockParty{Transaction: 3, Connection: 4}, Wait: "x"}
	b, c := a, a
	b.Wait = "another wait for the same transaction"
	c.Blocker.Transaction = 5
	if got := common([]backend.LockWait{a, b}, []backend.LockWait{c, a}); !slices.Equal(got, []backend.LockWait{a}) {
		t.Errorf("common is %v", got)
	}
	if got := common(nil, []backend.LockWait{a}); got != nil {
		t.Errorf("common with nothing is %v", got)
	}
}
