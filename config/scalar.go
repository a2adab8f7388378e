package config

import (
	"errors"
	"reflect"
	"strconv"
	"strings"
	"time"

	"github.com/goccy/go-yaml/ast"
)

// text decodes a string. Numbers are taken as they are written, so that
// less_than: 1000 and values: [1, 2] need no quotes; words that YAML turns into
// something else do.
func (d *decoder) text(n ast.Node, v reflect.Value, path string) {
	switch n := n.(type) {
	case *ast.StringNode:
		v.SetString(n.Value)
	case *ast.LiteralNode:
		v.SetString(n.Value.Value)
	case *ast.IntegerNode, *ast.FloatNode:
		v.SetString(n.GetToken().Value)
	case *ast.BoolNode, *ast.InfinityNode, *ast.NanNode:
		word := n.GetToken().Value
		d.reject(path, "%s needs text, and YAML reads %s as something else: write %q", lastName(path), word, word)
	default:
		d.wrongType(n, path, "text")
	}
}

func (d *decoder) integer(n ast.Node, v reflect.Value, path string) {
	i, ok := n.(*ast.IntegerNode)
	if !ok {
		// The parser takes digits that fit no integer type for text.
		if _, err := strconv.ParseInt(n.GetToken().Value, 10, 64); errors.Is(err, strconv.ErrRange) {
			d.reject(path, "%s is too large", lastName(path))
			return
		}
		d.wrongType(n, path, "a whole number")
		return
	}
	switch value := i.Value.(type) {
	case int64:
		v.SetInt(value)
	case uint64:
		if value > 1<<63-1 {
			d.reject(path, "%s is too large", lastName(path))
			return
		}
		v.SetInt(int64(value))
	default:
		d.reject(path, "%s is too large", lastName(path))
	}
}

func (d *decoder) duration(n ast.Node, v reflect.Value, path string) {
	var text string
	switch n := n.(type) {
	case *ast.StringNode:
		text = n.Value
	case *ast.IntegerNode, *ast.FloatNode:
		text = n.GetToken().Value
	default:
		d.wrongType(n, path, "a duration such as 10s")
		return
	}
	t, err := time.ParseDuration(text)
	if err == nil {
		v.SetInt(int64(t))
		return
	}
	if _, number := strconv.ParseFloat(text, 64); number == nil || errors.Is(number, strconv.ErrRange) {
		d.reject(path, "%s needs a unit: write %ss for seconds (ms, s, m, h)", lastName(path), text)
		return
	}
	d.reject(path, "%q is not a duration: write it such as 500ms, 10s or 1h30m", text)
}

// wrongType adds the finding for a value whose form does not fit.
func (d *decoder) wrongType(n ast.Node, path, want string) {
	d.reject(path, "%s needs %s, not %s", lastName(path), want, kindOf(n))
}

// kindOf names the form of a value in a reader's words.
func kindOf(n ast.Node) string {
	switch n.Type() {
	case ast.MappingType, ast.MappingValueType:
		return "a mapping"
	case ast.SequenceType:
		return "a list"
	case ast.StringType, ast.LiteralType:
		return "text"
	case ast.FloatType:
		return "a number with a fraction"
	case ast.IntegerType, ast.InfinityType, ast.NanType:
		return "a number"
	case ast.BoolType:
		return "true or false"
	}
	return strings.ToLower(n.Type().YAMLName())
}
