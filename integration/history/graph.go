package history

// kind of an edge; together, a mask.
type kind uint8

const (
	ww kind = 1 << iota
	wr
	rw
	rt
)

func (k kind) String() string {
	switch k {
	case ww:
		return "ww"
	case wr:
		return "wr"
	case rw:
		return "rw"
	case rt:
		return "rt"
	}
	return "mixed"
}

type edge struct {
	from, to int
	kind     kind
	key      int // of the list; not of rt
}

// graph of dependencies. Nodes are numbers from 0.
type graph struct{ out [][]edge }

func newGraph(nodes int) *graph { return &graph{out: make([][]edge, nodes)} }

func (g *graph) add(e edge) {
	if e.from != e.to {
		g.out[e.from] = append(g.out[e.from], e)
	}
}

// components are the strongly connected ones of two nodes and more, over the edges of a mask (Tarjan's
// algorithm, with a stack of its own: paths here are as long as a history).
func (g *graph) components(mask kind) [][]int {
	index := make([]int, len(g.out)) // from 1; 0: not seen
	low := make([]int, len(g.out))
	onStack := make([]bool, len(g.out))
	type frame struct{ node, next int }
	var stack []int
	var found [][]int
	count := 0
	for root := range g.out {
		if index[root] != 0 {
			continue
		}
		work := []frame{{root, 0}}
		for len(work) > 0 {
			f := &work[len(work)-1]
			v := f.node
			if f.next == 0 {
				count++
				index[v], low[v] = count, count
				stack = append(stack, v)
				onStack[v] = true
			}
			deeper := false
			for f.next < len(g.out[v]) && !deeper {
				e := g.out[v][f.next]
				f.next++
				switch {
				case e.kind&mask == 0:
				case index[e.to] == 0:
					work = append(work, frame{e.to, 0})
					deeper = true
				case onStack[e.to]:
					low[v] = min(low[v], index[e.to])
				}
			}
			if deeper {
				continue
			}
			// A node without edges comes here at its first look.
			work = work[:len(work)-1]
			if len(work) > 0 {
				low[work[len(work)-1].node] = min(low[work[len(work)-1].node], low[v])
			}
			if low[v] != index[v] {
				continue
			}
			var component []int
			for {
				w := stack[len(stack)-1]
				stack = stack[:len(stack)-1]
				onStack[w] = false
				component = append(component, w)
				if w == v {
					break
				}
			}
			if len(component) > 1 {
				found = append(found, component)
			}
		}
	}
	return found
}

// path is a shortest one over the edges of a mask inside a component, nil if there is none.
func (g *graph) path(from, to int, mask kind, inside map[int]bool) []edge {
	came := map[int]edge{}
	queue := []int{from}
	for len(queue) > 0 {
		v := queue[0]
		queue = queue[1:]
		for _, e := range g.out[v] {
			if _, seen := came[e.to]; seen || e.kind&mask == 0 || !inside[e.to] {
				continue
			}
			came[e.to] = e
			if e.to == to {
				var path []edge
				for at := to; ; at = came[at].from {
					path = append([]edge{came[at]}, path...)
					if came[at].from == from {
						return path
					}
				}
			}
			queue = append(queue, e.to)
		}
	}
	return nil
}
