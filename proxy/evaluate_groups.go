package proxy

import (
	"errors"

	"lockstep/protocol"
	"lockstep/proxy/merge"
)

// groupEvaluator has the first shard of a scattered read compute what groups come to, once all parts have been read.
type groupEvaluator struct {
	s    *session
	part *part
}

var errGroupsLost = errors.New("the shard that computes the groups is lost")

// Evaluate implements merge.Evaluator.
func (e *groupEvaluator) Evaluate(sql []byte) (merge.Stream, error) {
	p := e.part
	e.s.partWarnings(p, p.computes) // the next query would take them off the connection
	p.computes = true
	rows, err := e.run(sql)
	if err != nil {
		p.err = err
		return nil, err
	}
	p.rows = rows
	return rows, nil
}

func (e *groupEvaluator) run(sql []byte) (*protocol.Rows, error) {
	l := &e.part.lease
	if !e.s.usable(l) {
		return nil, errGroupsLost
	}
	if err := l.conn.Wire().WriteCommand(protocol.ComQuery, sql); err != nil {
		return nil, err
	}
	if err := l.conn.Wire().Flush(); err != nil {
		return nil, err
	}
	return protocol.ReadRows(l.conn.Wire())
}
