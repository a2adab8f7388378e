package proxy

import (
	"lockstep/backend"
	"lockstep/sharding"
)

// prepareSomewhere has a server prepare a statement for its description: a shard that has its tables or, where none has all
// of them, one that gets empty temporary tables for the others.
func (s *session) prepareSomewhere(parsed *sharding.Statement) (*backend.Prepared, error) {
	apart := parsed.Apart(s.p.physical)
	if apart == nil || !s.vars.scratch {
		shard := s.describer(parsed)
		text, err := parsed.Described(shard, s.p.physical)
		if err != nil {
			return nil, err
		}
		return s.prepareOn(shard, text)
	}
	text, err := parsed.Described(apart.Shard, s.p.physical)
	if err != nil {
		return nil, err
	}
	leave, err := s.enterScratch()
	if err != nil {
		return nil, err
	}
	defer leave()
	d, err := s.openDesk(apart)
	if err != nil {
		return nil, err
	}
	for i := range apart.Loads {
		if load := &apart.Loads[i]; !load.InPlace {
			if _, err := d.define(load); err != nil {
				return nil, d.failed(err)
			}
		}
	}
	if err := d.l.conn.SetState(s.ctx, s.vars.state(d.l.shard)); err != nil {
		return nil, d.failed(d.verb(err))
	}
	defer s.done(&d.l)
	return d.l.conn.Prepare(s.ctx, text)
}
