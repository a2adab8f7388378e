package proxy

import (
	"errors"

	"lockstep/protocol"
	"lockstep/sharding"
)

// judged is the error of a statement that the parser cannot read. Where a server finds it wrong too, its own words are the
// answer: it is asked to prepare the statement, which runs nothing. Where it finds it right, the refusal stands.
func (s *session) judged(sql []byte, err error) error {
	var refused *sharding.Error
	if !errors.As(err, &refused) || !refused.Judge || s.p.mapped() {
		return err // names of databases are not the shards'
	}
	conn, aerr := s.p.shards[s.anyShard()].Acquire(s.ctx, s.vars.state(s.anyShard()), true)
	if aerr != nil {
		return err
	}
	defer conn.Release()
	_, perr := conn.Prepare(s.ctx, string(sql))
	var said *protocol.ServerError
	if errors.As(perr, &said) && said.Code != erUnsupportedPS {
		return said
	}
	return err
}
