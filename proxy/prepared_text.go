package proxy

import (
	"strings"

	"lockstep/protocol"
	"lockstep/sharding"
)

// preparedText answers PREPARE, EXECUTE, DEALLOCATE PREPARE and EXECUTE IMMEDIATE as SQL text. The session holds the
// statements; one that is executed runs as text with the values in it, wherever it belongs by these.
func (s *session) preparedText(p *sharding.TextPrepare) error {
	name := strings.ToLower(p.Name)
	switch p.Verb {
	case "prepare":
		delete(s.texts, name) // even where the new one is refused
		st, err := s.prepareFrom(p)
		if err != nil {
			return err
		}
		if s.texts == nil {
			s.texts = map[string]*prepared{}
		}
		s.texts[name] = st
		s.rowCount = 0
		return s.sent(s.writeOK(protocol.OK{Info: "Statement prepared", Warnings: s.diag.count()}))
	case "deallocate":
		if s.texts[name] == nil {
			return unknownText(p.Name, "DEALLOCATE PREPARE")
		}
		delete(s.texts, name)
		return s.okAfter(nil)
	case "immediate":
		st, err := s.prepareFrom(p)
		if err != nil {
			return err
		}
		return s.executeText(st, p.Using)
	}
	st := s.texts[name]
	if st == nil {
		return unknownText(p.Name, "EXECUTE")
	}
	return s.executeText(st, p.Using)
}

func unknownText(name, verb string) error {
	return protocol.NewError(erUnknownStmtHandler, "Unknown prepared statement handler (%s) given to %s", name, verb)
}

// prepareFrom makes a statement of the text that an expression gives. A shard prepares it too, so that what is wrong with it
// is said now.
func (s *session) prepareFrom(p *sharding.TextPrepare) (*prepared, error) {
	if err := s.oneMoreStatement(); err != nil {
		return nil, err
	}
	text := p.Text
	if !p.Plain {
		value, err := s.evaluate(p.From, &s.vars)
		if err != nil {
			return nil, err
		}
		if strings.EqualFold(value, "NULL") {
			value = "'NULL'" // as servers read it
		}
		var ok bool
		if text, ok = sharding.LiteralText(value); !ok {
			return nil, notSupported("PREPARE from a value of this type")
		}
	}
	st := &prepared{sql: text, text: []byte(text), database: s.vars.database}
	parsed, err := st.analysis(s)
	if err != nil {
		return nil, err
	}
	switch parsed.Kind {
	case sharding.KindPrepareText, sharding.KindLoad:
		return nil, protocol.NewError(erUnsupportedPS, "This command is not supported in the prepared statement protocol yet")
	}
	if onTables(parsed.Kind) {
		if _, err := s.prepareSomewhere(parsed); err != nil {
			return nil, err
		}
	}
	return st, nil
}

// executeText runs a statement with the values of expressions in the places of its marks.
func (s *session) executeText(st *prepared, using []string) error {
	if st.database != s.vars.database {
		defer s.visit(st.database)()
	}
	parsed, err := st.analysis(s)
	if err != nil {
		return err
	}
	if len(using) != parsed.Params {
		return protocol.NewError(erWrongArguments, "Incorrect arguments to EXECUTE")
	}
	var text []byte
	from := 0
	for i, at := range parsed.Marks {
		value, err := s.usingValue(using[i])
		if err != nil {
			return err
		}
		text = append(text, st.sql[from:at]...)
		text = append(text, value...)
		from = at + 1
	}
	text = append(text, st.sql[from:]...)
	return s.runText(text)
}

// usingValue is the value of one expression, as a literal. A user variable is the session's own.
func (s *session) usingValue(expression string) (string, error) {
	name := strings.ToLower(expression)
	if strings.HasPrefix(name, "@") && !strings.HasPrefix(name, "@@") && !strings.ContainsAny(name, "`'\" \t\n+-*/():=") {
		if value, ok := s.vars.vars[name]; ok {
			return value, nil
		}
		return "NULL", nil
	}
	return s.evaluate(expression, &s.vars)
}
