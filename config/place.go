package config

import (
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/token"
)

// tokenPlace is where a token starts.
func tokenPlace(t *token.Token) place {
	if t == nil || t.Position == nil {
		return place{}
	}
	return place{t.Position.Line, t.Position.Column}
}

// nodePlace is where a reader would look for a value: at a scalar itself, at the
// first key of a mapping, at the first entry of a list.
func nodePlace(n ast.Node) place {
	switch n := n.(type) {
	case *ast.MappingNode:
		if !n.IsFlowStyle && len(n.Values) > 0 {
			return nodePlace(n.Values[0])
		}
		return tokenPlace(n.Start)
	case *ast.MappingValueNode:
		return nodePlace(n.Key)
	case *ast.SequenceNode:
		return tokenPlace(n.Start)
	case *ast.LiteralNode:
		return tokenPlace(n.Start)
	case nil:
		return place{}
	}
	return tokenPlace(n.GetToken())
}
