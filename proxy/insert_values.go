package proxy

import (
	"errors"

	"lockstep/protocol"
	"lockstep/sharding"
)

// evaluateFirst has a server work out the values that a statement cannot be planned without, and plans it again with them. It
// returns what ends the statement's own time.
func (s *session) evaluateFirst(st *sharding.Statement, rq *request) (resume func(), err error) {
	c := s.plan.Evaluate
	resume = func() {}
	if c.Clock {
		resume = s.stopClock()
	}
	values, err := s.evaluated(c)
	if err == nil {
		s.inputs.Evaluated = values
		err = s.planned(st, rq)
		s.inputs.Evaluated = nil
	}
	if err != nil {
		resume()
		return nil, err
	}
	return resume, nil
}

// evaluated asks for the values.
func (s *session) evaluated(c *sharding.Evaluation) ([]sharding.Evaluated, error) {
	charset := s.vars.charset()
	rows := &innerRows{limit: 2}
	answer, err := s.runInner(innerQuery{sql: c.Query, vars: map[string]string{"character_set_results": quote(charset)}}, rows)
	var se *protocol.ServerError
	switch {
	case errors.As(err, &se) && se.Code == erBadField:
		return nil, notSupported("a value that has to be known before the row is placed uses what is known in the row only (%s)", se.Message)
	case err != nil:
		return nil, err
	case len(rows.Rows) != 1 || len(rows.Rows[0]) != len(c.Columns):
		return nil, protocol.NewError(1241, "Operand should contain 1 column(s)")
	}
	if err := s.keepReading(answer, c.Strict); err != nil {
		return nil, err
	}
	values := make([]sharding.Evaluated, len(c.Columns))
	for i, f := range rows.Rows[0] {
		p, err := readValue(&rows.Result.Columns[i], f, c.Columns[i])
		if err != nil {
			return nil, err
		}
		values[i].Value = routingValue(&p)
		if values[i].Text, err = protocol.AppendParamLiteral(nil, &p, charset); err != nil {
			return nil, err
		}
	}
	return values, nil
}

// keepReading makes the conditions of what a statement reads its own: in strict mode a warning of a statement that changes
// something is its error.
func (s *session) keepReading(answer innerAnswer, strict bool) error {
	for _, w := range answer.warnings {
		if strict && w.level == "Warning" {
			return protocol.NewError(w.code, "%s", w.text)
		}
		s.diag.add(w.level, w.code, w.text)
	}
	return nil
}
