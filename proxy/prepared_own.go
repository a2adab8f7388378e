package proxy

import (
	"slices"

	"lockstep/protocol"
	"lockstep/sharding"
)

// writtenOut says whether a prepared statement with parameters runs as text with their values
// in it: statements that the proxy answers itself.
func writtenOut(k sharding.Kind) bool { return k == sharding.KindSet || k == sharding.KindLockstep }

// changesApart says whether a statement is a change that no shard can prepare, since none has all its tables.
func changesApart(parsed *sharding.Statement) bool {
	switch parsed.Kind {
	case sharding.KindInsert, sharding.KindUpdate, sharding.KindDelete:
	default:
		return false
	}
	if len(parsed.Tables) == 0 || parsed.Returns {
		return false // the columns are those that a shard tells
	}
	return !slices.ContainsFunc(parsed.Tables[0].Rule.Shards, func(shard int) bool {
		for _, t := range parsed.Tables {
			if !slices.Contains(t.Rule.Shards, shard) {
				return false
			}
		}
		return true
	})
}

// describeOwn describes a statement that no shard prepares.
func (s *session) describeOwn(st *prepared, params int) error {
	s.out = protocol.AppendPrepareOK(s.out[:0], protocol.PrepareOK{StatementID: st.id, Params: uint16(params)})
	if err := s.client.WritePacket(s.out); err != nil || params == 0 {
		return err
	}
	for range params {
		s.out = protocol.AppendColumn(s.out[:0], &protocol.Column{Name: "?", Type: protocol.TypeVarString, Charset: utf8mb4GeneralCI})
		if err := s.client.WritePacket(s.out); err != nil {
			return err
		}
	}
	return s.writeEndOfColumns()
}

// runWrittenOut writes the parameters into the text and runs that.
func (s *session) runWrittenOut(st *prepared, parsed *sharding.Statement) error {
	var text []byte
	from := 0
	for i, at := range parsed.Marks {
		text = append(text, st.sql[from:at]...)
		var err error
		if text, err = s.appendParam(text, &st.execute.Params[i]); err != nil {
			return err
		}
		from = at + 1
	}
	text = append(text, st.sql[from:]...)
	return s.runText(text)
}

// runText runs the text of a prepared statement with its values written out.
func (s *session) runText(text []byte) error {
	st, lits, err := s.planner().Parse(&s.env, text, s.literals[:0])
	if err != nil {
		return err
	}
	s.literals = lits
	return s.run(st, &request{sql: text, lits: lits})
}

// appendParam prefers a plain quoted string, which is a literal that statements of the proxy's own take.
func (s *session) appendParam(text []byte, p *protocol.Param) ([]byte, error) {
	if v := routingValue(p); v.Kind == sharding.ValString || v.Kind == sharding.ValBytes {
		if word, ok := plain("'" + string(v.B) + "'"); ok {
			return append(text, word...), nil
		}
	}
	return protocol.AppendParamLiteral(text, p, s.vars.charset())
}
