package sharding

// Load is the way of a client's file to the shards (LOAD DATA LOCAL).
type Load struct {
	File      []byte   // the name that the client is asked for
	Variables []string // user variables that fields are read into, without '@', lower case
	Copies    bool     // every target gets every line
	// Lines tells which line goes to which target. nil: the file goes to every target as it is.
	Lines *LineSplitter
}

// loadPlanner plans LOAD DATA LOCAL.
type loadPlanner struct {
	whole planner // where the file goes as it is
	file  *Load
	lines *loadLines // nil: as it is
}

func (p *loadPlanner) plan(st *Statement, x *execution) error {
	if p.lines == nil {
		if err := p.whole.plan(st, x); err != nil {
			return err
		}
		x.plan.Load = p.file
		return nil
	}
	l, t := p.lines, p.lines.table
	charset := l.charset
	if charset == "" && x.in.FileCharset != nil {
		var err error
		if charset, err = x.in.FileCharset(); err != nil {
			return err
		}
	}
	x.plan.Write, x.plan.Why = true, "the shard key of each line names its shard"
	if t.Rule.Kind == Global {
		x.plan.SumAffected, x.plan.Why = false, "every shard has a copy of the table"
		x.plan.SameTime = len(t.Rule.Shards) > 1
	}
	split, err := newLineSplitter(l, charset, x.in)
	if err != nil {
		return err
	}
	head := l.head
	if charset != "" {
		head.pieces = append(head.pieces[:len(head.pieces):len(head.pieces)], piece{kind: pieceText, text: " CHARACTER SET " + charset})
	}
	shards := t.shards()
	for i := shards.first(); i >= 0; i = shards.next(i + 1) {
		at := len(x.texts)
		if x.texts, err = head.render(x.texts, x, i); err != nil {
			return err
		}
		if x.texts, err = l.tail.render(x.texts, x, i); err != nil {
			return err
		}
		split.targets[i] = len(x.plan.Targets)
		x.plan.Targets = append(x.plan.Targets, Target{Shard: i, SQL: x.texts[at:len(x.texts):len(x.texts)]})
	}
	x.plan.Load = &Load{File: p.file.File, Variables: p.file.Variables, Copies: p.file.Copies, Lines: split}
	return nil
}
