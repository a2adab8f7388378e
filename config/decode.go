package config

import (
	"fmt"
	"reflect"
	"strings"
	"time"

	"github.com/goccy/go-yaml/ast"
)

// decoder fills Go values from a syntax tree, strictly, and goes on after a
// finding. The target types are finite (no type holds itself), so the walk ends
// even where aliases run in a circle.
type decoder struct {
	*source
	anchors map[string]ast.Node
}

// decode fills c from the tree.
func (s *source) decode(root ast.Node, c *Config) {
	d := decoder{source: s, anchors: make(map[string]ast.Node)}
	ast.Walk(anchorCollector{d.anchors}, root)
	d.value(root, reflect.ValueOf(c).Elem(), "")
}

// anchorCollector gathers the anchors that aliases may refer to.
type anchorCollector struct{ anchors map[string]ast.Node }

func (a anchorCollector) Visit(n ast.Node) ast.Visitor {
	if anchor, ok := n.(*ast.AnchorNode); ok && anchor.Name != nil {
		a.anchors[anchor.Name.GetToken().Value] = anchor.Value
	}
	return a
}

// maxAliasDepth bounds chains of aliases to aliases.
const maxAliasDepth = 16

// resolve follows anchors and aliases to the value itself.
func (d *decoder) resolve(n ast.Node) (ast.Node, bool) {
	for range maxAliasDepth {
		switch v := n.(type) {
		case *ast.AnchorNode:
			n = v.Value
		case *ast.AliasNode:
			target, ok := d.anchors[v.Value.GetToken().Value]
			if !ok {
				d.at(nodePlace(v), "no anchor &%s in this file", v.Value.GetToken().Value)
				return nil, false
			}
			n = target
		case *ast.TagNode:
			d.at(nodePlace(v), "YAML tags have no meaning here: remove %s", v.Start.Value)
			return nil, false
		default:
			return n, true
		}
	}
	d.at(nodePlace(n), "an alias that refers to itself")
	return nil, false
}

var durationType = reflect.TypeFor[time.Duration]()

// value decodes one node into v and notes where it stands.
func (d *decoder) value(n ast.Node, v reflect.Value, path string) {
	d.places[path] = nodePlace(n)
	n, ok := d.resolve(n)
	if !ok {
		d.broken[path] = true
		return
	}
	if n == nil || n.Type() == ast.NullType {
		// "tables:" with nothing after it is an empty list; a scalar must say something.
		switch v.Kind() {
		case reflect.Slice, reflect.Struct, reflect.Pointer:
			delete(d.places, path)
		default:
			d.reject(path, "%s has no value: write one, or leave the line out", lastName(path))
		}
		return
	}
	switch {
	case v.Kind() == reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		d.value(n, v.Elem(), path)
	case v.Kind() == reflect.Struct:
		d.mapping(n, v, path)
	case v.Type() == keyType:
		d.key(n, v, path)
	case v.Kind() == reflect.Slice:
		d.sequence(n, v, path)
	case v.Type() == durationType:
		d.duration(n, v, path)
	case v.Kind() == reflect.Int:
		d.integer(n, v, path)
	case v.Kind() == reflect.String:
		d.text(n, v, path)
	default:
		panic("config: no decoding for " + v.Type().String()) // a field type added without it: every test fails
	}
}

var keyType = reflect.TypeFor[Key]()

// key decodes a list of columns, or the one column that stands for a list of itself.
func (d *decoder) key(n ast.Node, v reflect.Value, path string) {
	if n.Type() == ast.SequenceType {
		d.sequence(n, v, path)
		return
	}
	v.Set(reflect.ValueOf(Key{""}))
	d.text(n, v.Index(0), path)
}

func (d *decoder) sequence(n ast.Node, v reflect.Value, path string) {
	seq, ok := n.(*ast.SequenceNode)
	if !ok {
		d.wrongType(n, path, "a list")
		return
	}
	v.Set(reflect.MakeSlice(v.Type(), len(seq.Values), len(seq.Values)))
	for i, entry := range seq.Values {
		d.value(entry, v.Index(i), fmt.Sprintf("%s[%d]", path, i))
	}
}

func (d *decoder) mapping(n ast.Node, v reflect.Value, path string) {
	var entries []*ast.MappingValueNode
	switch m := n.(type) {
	case *ast.MappingNode:
		entries = m.Values
	case *ast.MappingValueNode:
		entries = []*ast.MappingValueNode{m}
	default:
		d.wrongType(n, path, "a mapping (name: value)")
		return
	}
	fields := make(map[string]reflect.Value)
	names := yamlFields(v, fields)
	seen := make(map[string]place)
	for _, e := range entries {
		key, at := e.Key.GetToken().Value, nodePlace(e.Key)
		if e.Key.IsMergeKey() {
			d.at(at, "merge keys (<<) are not supported: write the fields out")
			continue
		}
		if first, dup := seen[key]; dup {
			d.at(at, "%s is given twice: first in line %d", key, first.line)
			continue
		}
		seen[key] = at
		field, ok := fields[key]
		if !ok {
			d.at(at, "unknown field %q%s: %s takes %s", key, didYouMean(key, names), lastName(path), strings.Join(names, ", "))
			continue
		}
		d.value(e.Value, field, joinPath(path, key))
	}
}

// yamlFields gathers the fields of a struct by their YAML names, inlined ones
// included, and returns the names in the order of the type.
func yamlFields(v reflect.Value, fields map[string]reflect.Value) []string {
	var names []string
	for i := range v.NumField() {
		name, option, _ := strings.Cut(v.Type().Field(i).Tag.Get("yaml"), ",")
		if option == "inline" {
			names = append(names, yamlFields(v.Field(i), fields)...)
			continue
		}
		fields[name] = v.Field(i)
		names = append(names, name)
	}
	return names
}

func joinPath(path, name string) string {
	if path == "" {
		return name
	}
	return path + "." + name
}

// lastName is what a message calls the value at a path: its field name, or for an
// entry of a list "an entry of <field>".
func lastName(path string) string {
	if path == "" {
		return "the file"
	}
	name := path[strings.LastIndexByte(path, '.')+1:]
	if list, _, ok := strings.Cut(name, "["); ok {
		return "an entry of " + list
	}
	return name
}
