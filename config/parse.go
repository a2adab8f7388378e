package config

import (
	"errors"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
)

// parse turns the text into a syntax tree. It answers false where there is
// nothing to decode; then there is a finding.
func (s *source) parse(text []byte) (root ast.Node, ok bool) {
	// The YAML parser is foreign code with a history of panics on malformed
	// input; a broken file must end in a message all the same.
	defer func() {
		if r := recover(); r != nil {
			s.at(place{}, "not valid YAML: the parser gave up (%v)", r)
			root, ok = nil, false
		}
	}()
	// Duplicate keys are found while decoding, together with everything else.
	f, err := parser.ParseBytes(text, 0, parser.AllowDuplicateMapKey())
	if err != nil {
		var syntax *yaml.SyntaxError
		if errors.As(err, &syntax) && syntax.Token != nil {
			s.at(tokenPlace(syntax.Token), "not valid YAML: %s", syntax.Message)
		} else {
			s.at(place{}, "not valid YAML: %v", err)
		}
		return nil, false
	}
	var bodies []ast.Node
	for _, d := range f.Docs {
		if d.Body != nil && d.Body.Type() != ast.CommentGroupType && d.Body.Type() != ast.CommentType {
			bodies = append(bodies, d.Body)
		}
	}
	switch len(bodies) {
	case 0:
		s.at(place{}, "the file is empty: it needs at least users and shards")
		return nil, false
	case 1:
		return bodies[0], true
	}
	s.at(nodePlace(bodies[1]), "a second YAML document: a configuration is one document")
	return nil, false
}
