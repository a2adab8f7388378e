package sharding

import (
	"fmt"
	"slices"
	"strings"

	"lockstep/config"
)

// A table can say by itself how it is sharded, in its comment:
//
//	CREATE TABLE orders (…) COMMENT 'lockstep: shard_key=customer_id, function=hash; what the shop has sold'
//
// The comment is part of the definition on every shard, so the rule is made, renamed, copied and dropped with the table, and
// every proxy reads it with the table. What follows the semicolon is the user's.

// Where a table's rule comes from.
const (
	fromConfiguration = "configuration"
	fromComment       = "comment"
	fromDefault       = "default rule"
	fromTables        = "its tables" // of views
)

const declaredPrefix = "lockstep:"

// DeclaredRule is the rule's text in a table's comment; "" without one.
func DeclaredRule(comment string) string {
	text := strings.TrimSpace(comment)
	if len(text) < len(declaredPrefix) || !strings.EqualFold(text[:len(declaredPrefix)], declaredPrefix) {
		return ""
	}
	text, _, _ = strings.Cut(text[len(declaredPrefix):], ";")
	if text = strings.TrimSpace(text); text == "" {
		return "-" // not a rule, and said so where the table is used
	}
	return text
}

// parseDeclared reads key=value, key=(value, value) …
func parseDeclared(text string) (*config.Rule, error) {
	for _, b := range []byte(text) {
		if b < ' ' || b >= 0x7f || strings.IndexByte("'\"\\`", b) >= 0 {
			return nil, fmt.Errorf("the rule in its comment may hold plain characters only, no quotes: %q", text)
		}
	}
	r := &config.Rule{}
	given := map[string]bool{}
	for text != "" {
		name, rest, ok := strings.Cut(text, "=")
		if name = strings.ToLower(strings.TrimSpace(name)); !ok {
			return nil, fmt.Errorf("the rule in its comment cannot be read at %q: shard_key=column, kind=global …", text)
		}
		if given[name] {
			return nil, fmt.Errorf("the rule in its comment says %s twice", name)
		}
		given[name] = true
		values, after, err := declaredValues(strings.TrimSpace(rest))
		if err != nil {
			return nil, fmt.Errorf("the rule in its comment cannot be read: %s: %w", name, err)
		}
		if err := setDeclared(r, name, values); err != nil {
			return nil, fmt.Errorf("the rule in its comment: %w", err)
		}
		text = after
	}
	return r, checkDeclared(r)
}

// declaredValues reads a value or a list in parentheses, and the comma behind it.
func declaredValues(text string) (values []string, rest string, err error) {
	list := ""
	if inner, isList := strings.CutPrefix(text, "("); isList {
		end := strings.IndexByte(inner, ')')
		if end < 0 {
			return nil, "", fmt.Errorf("the list has no end: %q", text)
		}
		list, rest = inner[:end], strings.TrimSpace(inner[end+1:])
		for v := range strings.SplitSeq(list, ",") {
			values = append(values, strings.TrimSpace(v))
		}
	} else {
		end := strings.IndexByte(text, ',')
		if end < 0 {
			end = len(text)
		}
		values, rest = []string{strings.TrimSpace(text[:end])}, text[end:]
	}
	if slices.Contains(values, "") {
		return nil, "", fmt.Errorf("a value is empty")
	}
	if rest == "" {
		return values, "", nil
	}
	rest, comma := strings.CutPrefix(rest, ",")
	if rest = strings.TrimSpace(rest); !comma || rest == "" {
		return nil, "", fmt.Errorf("a comma and another name should follow, not %q", rest)
	}
	return values, rest, nil
}

func setDeclared(r *config.Rule, name string, values []string) error {
	one := values[0]
	switch name {
	case "shard_key":
		r.ShardKey = values
		return nil
	case "shards":
		r.Shards = values
		return nil
	case "ranges", "lists":
		for _, v := range values {
			i := strings.LastIndexByte(v, ':')
			if i <= 0 || i == len(v)-1 {
				return fmt.Errorf("%s: %q should be value:shard", name, v)
			}
			value, shard := strings.TrimSpace(v[:i]), strings.TrimSpace(v[i+1:])
			if name == "ranges" {
				r.Ranges = append(r.Ranges, config.RangePart{LessThan: value, Shard: shard})
				continue
			}
			at := slices.IndexFunc(r.Lists, func(l config.ListPart) bool { return l.Shard == shard })
			if at < 0 {
				r.Lists, at = append(r.Lists, config.ListPart{Shard: shard}), len(r.Lists)
			}
			r.Lists[at].Values = append(r.Lists[at].Values, value)
		}
		return nil
	}
	if len(values) != 1 {
		return fmt.Errorf("%s takes one value", name)
	}
	switch name {
	case "kind":
		r.Kind = strings.ToLower(one)
	case "function":
		r.Function = strings.ToLower(one)
	case "group":
		r.Group = one
	case "shard":
		r.Shard = one
	default:
		return fmt.Errorf("%q is not known: there are shard_key, function, kind, shard, shards, ranges, lists and group", name)
	}
	return nil
}

// checkDeclared finds what contradicts itself; what is wrong with a function's parts is found where it is placed.
func checkDeclared(r *config.Rule) error {
	sharded := r.Kind == "" || r.Kind == config.Sharded
	switch {
	case !sharded && r.Kind != config.Global && r.Kind != config.Single:
		return fmt.Errorf("the rule in its comment: kind %q is not known: sharded, global or single", r.Kind)
	case !sharded && (len(r.ShardKey) > 0 || r.Function != "" || r.Group != "" || r.Ranges != nil || r.Lists != nil):
		return fmt.Errorf("the rule in its comment: a %s table has no shard key, function or group", r.Kind)
	case sharded && len(r.ShardKey) == 0:
		return fmt.Errorf("the rule in its comment names no shard_key")
	case r.Shard != "" && r.Kind != config.Single:
		return fmt.Errorf("the rule in its comment: shard is for kind=single")
	case r.Shards != nil && r.Kind == config.Single:
		return fmt.Errorf("the rule in its comment: kind=single takes shard, not shards")
	case r.Ranges != nil && r.Function != config.Range, r.Lists != nil && r.Function != config.List:
		return fmt.Errorf("the rule in its comment: ranges are for function=range, lists for function=list")
	case r.Shards != nil && (r.Function == config.Range || r.Function == config.List):
		return fmt.Errorf("the rule in its comment: ranges and lists name their shards themselves")
	}
	return nil
}

// ruleOf is the rule of a table that is there or will be: that of the configuration, or of its comment, or the default
// rule. One that both say must be the same.
func (s *Schema) ruleOf(info *TableInfo) (r *config.Rule, source string, err error) {
	r, byDefault := s.ruleFor(info.Database, info.Name)
	if info.Declared == "" {
		if byDefault {
			return r, fromDefault, nil
		}
		return r, fromConfiguration, nil
	}
	declared, err := parseDeclared(info.Declared)
	if err != nil || byDefault {
		return declared, fromComment, err
	}
	a, b := emptyTable(info), emptyTable(info)
	if err := s.placeBy(a, r, false); err != nil {
		return nil, "", err
	}
	if err := s.placeBy(b, declared, false); err != nil {
		return nil, "", err
	}
	if !a.placedLike(b) {
		return nil, "", fmt.Errorf("the rule in its comment (%s) is not that of the configuration", info.Declared)
	}
	return r, fromConfiguration, nil
}

// placedLike says whether the rows of two definitions of one table are on the same shards.
func (t *Table) placedLike(o *Table) bool {
	return t.Rule.Kind == o.Rule.Kind && t.Rule.Key == o.Rule.Key && t.shards() == o.shards() && (t.place == nil || t.place.same(o.place))
}

// Source says where the table's rule comes from: configuration, comment, default rule; of a view: its tables.
func (t *Table) Source() string { return t.source }

// tableComment is the token of a table's comment among its options from token i to end; false without one.
func (c *compiler) tableComment(i, end int) (token int, ok bool) {
	at := c.find(i, end, "COMMENT")
	if at == end {
		return 0, false
	}
	at++
	if c.punct(at, '=') {
		at++
	}
	if at < end && c.isString(c.toks[at]) {
		return at, true
	}
	return 0, false
}

// stringValue is the value of a string literal; ok is false where its characters are not plainly those of the text.
func (c *compiler) stringValue(i int) (text string, ok bool) {
	t := c.toks[i]
	v, _ := decodeLiteral(nil, []byte(c.textOf(i)), t.lit, false, c.env.NoBackslash)
	return string(v.B), v.Kind == ValString
}

// declares reads the rule that a table's options declare.
func (c *compiler) declares(i int, info *TableInfo) error {
	at, ok := c.tableComment(i, len(c.toks))
	if !ok {
		return nil
	}
	text, ok := c.stringValue(at)
	if !ok {
		return nil
	}
	if info.Declared = DeclaredRule(text); info.Declared == "" {
		return nil
	}
	if _, err := parseDeclared(info.Declared); err != nil {
		return refuse("%v", err)
	}
	return nil
}

// recomment is ALTER TABLE … COMMENT: the rule in the old comment stays, another one is refused, as rows would have to move.
func (c *compiler) recomment(t *Table, i, end int) error {
	at, ok := c.tableComment(i, end)
	if !ok {
		return nil
	}
	text, ok := c.stringValue(at)
	if !ok {
		if t.Declared != "" {
			return refuse("the comment of %s holds its rule, and the new one cannot be read", t.Name)
		}
		return nil
	}
	switch declared := DeclaredRule(text); declared {
	case t.Declared:
		return nil
	case "":
		// The rule stays in front of what the user says.
		literal := c.textOf(at)
		c.edits = append(c.edits, edit{start: c.startOf(at), end: c.endOf(at), with: []piece{{kind: pieceText, text: literal[:1] + declaredPrefix + " " + t.Declared + "; " + literal[1:]}}})
		c.edited = true
		return nil
	}
	info := t.TableInfo
	info.Declared = DeclaredRule(text)
	after, err := c.schema.newTable(&info)
	if err != nil {
		return refuse("%v", err)
	}
	if t.problem == "" && !t.placedLike(after) {
		return refuse("the rule in the new comment of %s would have its rows on other shards; make a new table with it, and fill that", t.Name)
	}
	return nil
}
