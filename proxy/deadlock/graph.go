package deadlock

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"lockstep/backend"
)

// Connection is a server connection: the server's position in Options.Servers, and its id there.
type Connection struct {
	Server int
	ID     uint32
}

// Member is a transaction over several shards with a statement under way.
type Member struct {
	GTRID       string
	Coordinator string // whose it is
	Began       int64  // microseconds since 1970
	Statement   uint64 // its number in the session
	Connections []Connection
	// The statement was under way, on these connections, at both moments and so all the time between.
	Since, Seen time.Time
}

// younger orders members by age, the youngest first, whoever compares them.
func younger(a, b *Member) int {
	return cmp.Or(cmp.Compare(b.Began, a.Began), cmp.Compare(b.GTRID, a.GTRID))
}

// Held are the lock waits of one server that were there from one moment to another.
type Held struct {
	Waits    []backend.LockWait
	From, To time.Time
}

// Cycle is a deadlock.
type Cycle struct {
	Victim  *Member
	Members []*Member
	Nodes   []string  // in the order in which each waits for the next
	Since   time.Time // when the last of the members began to wait, as far as it is known
}

// String shows the cycle as a line of text.
func (c *Cycle) String() string { return strings.Join(c.Nodes, " -> ") }

// node is a vertex: a member, or a transaction of one server.
type node struct {
	member      *Member
	server      int
	party       backend.LockParty
	out         []edge
	in          int // edges that come from nodes which are left
	outs        int // edges that go to nodes which are left
	gone        bool
	from        int // of the search: the node that it was reached from
	seen        int // of the search: its number
	predecessor []int
}

type edge struct {
	to     int
	server int
}

// graph is who waits for whom over all servers.
type graph struct {
	nodes  []node
	held   []Held
	names  []string // of the servers
	search int
}

// Deadlocks finds the cycles that were there at one moment, and chooses for each the youngest of its
// members as the victim; a victim breaks all cycles that it is part of. suspects says that there are
// cycles for which such a moment is not known yet. held is by server; names are the servers' names, for texts.
func Deadlocks(members []Member, held []Held, names []string) (found []Cycle, suspects bool) {
	g := newGraph(members, held, names)
	g.trim()
	var order []int
	for i := range g.nodes {
		if g.nodes[i].member != nil && !g.nodes[i].gone {
			order = append(order, i)
		}
	}
	slices.SortFunc(order, func(a, b int) int { return younger(g.nodes[a].member, g.nodes[b].member) })
	for _, start := range order {
		for !g.nodes[start].gone {
			path := g.cycleThrough(start)
			if path == nil {
				break
			}
			c, sure := g.judge(path)
			if !sure {
				suspects = true
				break
			}
			found = append(found, c)
			for i := range g.nodes {
				if g.nodes[i].member == c.Victim {
					g.remove(i)
				}
			}
			g.trim()
		}
	}
	return found, suspects
}

func newGraph(members []Member, held []Held, names []string) *graph {
	g := &graph{held: held, names: names}
	at := map[Connection]int{}
	for i := range members {
		m := &members[i]
		g.nodes = append(g.nodes, node{member: m})
		for _, c := range m.Connections {
			// A connection that two claim is the later one's: the other's claim is old.
			if j, taken := at[c]; !taken || m.Since.After(g.nodes[j].member.Since) {
				at[c] = i
			}
		}
	}
	type transaction struct {
		server int
		id     uint64
	}
	others := map[transaction]int{}
	find := func(server int, p backend.LockParty) int {
		if i, ok := at[Connection{server, p.Connection}]; ok && p.Connection != 0 {
			return i
		}
		key := transaction{server, p.Transaction}
		i, ok := others[key]
		if !ok {
			i = len(g.nodes)
			others[key] = i
			g.nodes = append(g.nodes, node{server: server, party: p})
		}
		return i
	}
	type pair struct{ from, to, server int }
	known := map[pair]bool{}
	for server := range held {
		for _, w := range held[server].Waits {
			p := pair{find(server, w.Waiter), find(server, w.Blocker), server}
			if known[p] {
				continue
			}
			known[p] = true
			g.nodes[p.from].out = append(g.nodes[p.from].out, edge{p.to, server})
			g.nodes[p.from].outs++
			g.nodes[p.to].in++
			g.nodes[p.to].predecessor = append(g.nodes[p.to].predecessor, p.from)
		}
	}
	return g
}

// remove takes a node and its edges out.
func (g *graph) remove(i int) {
	n := &g.nodes[i]
	if n.gone {
		return
	}
	n.gone = true
	for _, e := range n.out {
		g.nodes[e.to].in--
	}
	for _, p := range n.predecessor {
		g.nodes[p].outs--
	}
}

// trim takes out what cannot be part of a cycle: who waits for nobody, and whom nobody waits for.
func (g *graph) trim() {
	var loose []int
	check := func(i int) {
		if n := &g.nodes[i]; !n.gone && (n.in == 0 || n.outs == 0) {
			loose = append(loose, i)
		}
	}
	for i := range g.nodes {
		check(i)
	}
	for len(loose) > 0 {
		i := loose[len(loose)-1]
		loose = loose[:len(loose)-1]
		if g.nodes[i].gone {
			continue
		}
		g.remove(i)
		for _, e := range g.nodes[i].out {
			check(e.to)
		}
		for _, p := range g.nodes[i].predecessor {
			check(p)
		}
	}
}

// step is one edge of a path.
type step struct {
	node   int // where it leads
	server int
}

// cycleThrough is a shortest way from a node back to itself; nil: none.
func (g *graph) cycleThrough(start int) []step {
	g.search++
	via := map[int]int{} // by node: the server of the edge that reached it
	queue := []int{start}
	for len(queue) > 0 {
		i := queue[0]
		queue = queue[1:]
		for _, e := range g.nodes[i].out {
			n := &g.nodes[e.to]
			if n.gone || n.seen == g.search {
				continue
			}
			n.seen, n.from = g.search, i
			via[e.to] = e.server
			if e.to == start {
				path := []step{{start, e.server}}
				for at := n.from; at != start; at = g.nodes[at].from {
					path = append(path, step{at, via[at]})
				}
				slices.Reverse(path)
				return path
			}
			queue = append(queue, e.to)
		}
	}
	return nil
}

// judge makes a cycle of a path, and says whether there was a moment at which all of it was so.
func (g *graph) judge(path []step) (c Cycle, sure bool) {
	var from, to time.Time // the moments that are left
	narrow := func(a, b time.Time) {
		if a.After(from) {
			from = a
		}
		if to.IsZero() || b.Before(to) {
			to = b
		}
	}
	for _, s := range path {
		n := &g.nodes[s.node]
		narrow(g.held[s.server].From, g.held[s.server].To)
		if n.member == nil {
			c.Nodes = append(c.Nodes, fmt.Sprintf("%s/connection %d", g.names[n.server], n.party.Connection))
			continue
		}
		narrow(n.member.Since, n.member.Seen)
		c.Nodes = append(c.Nodes, n.member.GTRID)
		c.Members = append(c.Members, n.member)
		if c.Victim == nil || younger(n.member, c.Victim) < 0 {
			c.Victim = n.member
		}
		if n.member.Since.After(c.Since) {
			c.Since = n.member.Since
		}
	}
	return c, !from.After(to)
}
