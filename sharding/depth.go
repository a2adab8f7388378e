package sharding

// maxDepth bounds how deep an expression may be nested: reading one takes stack for each level, and a stack that is used
// up ends the process. The text alone could have millions of levels.
const maxDepth = 200_000

// depthGauge is an upper bound of the depth of the syntax tree: in each open parenthesis, the tokens since the last comma.
type depthGauge struct {
	open    []int
	chain   int // in the innermost parenthesis
	total   int // in all of them
	deepest int
}

func (d *depthGauge) token() {
	d.chain++
	d.total++
	d.deepest = max(d.deepest, d.total)
}

func (d *depthGauge) punct(b byte) {
	switch b {
	case '(':
		d.token()
		d.open = append(d.open, d.chain)
		d.chain = 0
	case ')':
		d.total -= d.chain
		d.chain = 0
		if n := len(d.open); n > 0 {
			d.chain = d.open[n-1]
			d.open = d.open[:n-1]
		}
	case ',', ';':
		d.total -= d.chain
		d.chain = 0
	default:
		d.token()
	}
}
