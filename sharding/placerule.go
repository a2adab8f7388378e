package sharding

import (
	"fmt"
	"strings"

	"lockstep/config"
)

// newPlacement reads a rule for a shard key of these columns.
func newPlacement(r *config.Rule, keys []*keyType, index map[string]int, all []int) (*placement, error) {
	p := &placement{}
	var err error
	t := keys[0]
	if len(keys) > 1 && r.Function != "" && r.Function != config.Hash {
		return nil, fmt.Errorf("function %s places rows by one column: a shard key of several columns needs function hash", r.Function)
	}
	switch r.Function {
	case "", config.Hash, config.Mod, config.Year, config.Month, config.Day:
		if p.fn, err = placeFunction(r.Function, t); err != nil {
			return nil, err
		}
		if p.shards, err = shardIndexes(r.Shards, index, all); err != nil {
			return nil, err
		}
	case config.Range:
		p.fn = placeRange
		if !t.ordered() {
			return nil, fmt.Errorf("function range needs a shard key of whole numbers, DATE or DATETIME: the order of other types is not certain here")
		}
		if err = p.setRanges(r.Ranges, t, index); err != nil {
			return nil, err
		}
	case config.List:
		p.fn = placeList
		if err = p.setLists(r.Lists, t, index); err != nil {
			return nil, err
		}
	default:
		return nil, fmt.Errorf("function %q is not known", r.Function)
	}
	if len(p.shards) == 0 {
		return nil, fmt.Errorf("no shard is named")
	}
	for _, s := range p.shards {
		p.all.add(s)
	}
	return p, nil
}

// placeFunction is a function that needs no list of values.
func placeFunction(name string, t *keyType) (placeFunc, error) {
	switch name {
	case config.Mod:
		if t.class != keyInt {
			return 0, fmt.Errorf("function mod needs a whole-number shard key")
		}
		return placeMod, nil
	case config.Year, config.Month, config.Day:
		if t.class != keyDate && t.class != keyMoment {
			return 0, fmt.Errorf("function %s needs a shard key of type DATE or DATETIME", name)
		}
		return map[string]placeFunc{config.Year: placeYear, config.Month: placeMonth, config.Day: placeDay}[name], nil
	}
	return placeHash, nil
}

func (p *placement) setRanges(parts []config.RangePart, t *keyType, index map[string]int) error {
	for i, part := range parts {
		shard, ok := index[part.Shard]
		if !ok {
			return fmt.Errorf("shard %q is not known", part.Shard)
		}
		p.shards = append(p.shards, shard)
		if strings.EqualFold(part.LessThan, "max") {
			if i != len(parts)-1 {
				return fmt.Errorf("only the last range may end at max")
			}
			p.last = true
			continue
		}
		k, ok := t.bound(part.LessThan)
		if !ok {
			return fmt.Errorf("range bound %q is not of the shard key's type", part.LessThan)
		}
		if n := len(p.bounds); n > 0 && p.bounds[n-1].compare(k) >= 0 {
			return fmt.Errorf("range bound %s is not above the one before it", part.LessThan)
		}
		p.bounds = append(p.bounds, k)
	}
	return nil
}

func (p *placement) setLists(parts []config.ListPart, t *keyType, index map[string]int) error {
	p.list = make(map[string]int)
	for _, part := range parts {
		shard, ok := index[part.Shard]
		if !ok {
			return fmt.Errorf("shard %q is not known", part.Shard)
		}
		p.shards = append(p.shards, shard)
		for _, text := range part.Values {
			v := Value{Kind: ValString, B: []byte(text)}
			k, _, fit := t.convert(nil, &v, charsetUTF8, storing)
			if fit != fitExact {
				return fmt.Errorf("list value %q does not fit the shard key's type", text)
			}
			name := string(k.text)
			if k.integer {
				name = string(appendIntKey(nil, &k))
			}
			if other, taken := p.list[name]; taken && other != shard {
				return fmt.Errorf("list value %q belongs to two shards (values are compared as the column compares them)", text)
			}
			p.list[name] = shard
		}
	}
	return nil
}

func shardIndexes(names []string, index map[string]int, all []int) ([]int, error) {
	if len(names) == 0 {
		return all, nil
	}
	out := make([]int, 0, len(names))
	for _, n := range names {
		i, ok := index[n]
		if !ok {
			return nil, fmt.Errorf("shard %q is not known", n)
		}
		out = append(out, i)
	}
	return out, nil
}
