package sharding

import (
	"strconv"

	"github.com/pingcap/tidb/pkg/parser/ast"
)

// Texts up to this length are put in order by the whole of their weight; of longer ones servers look at
// max_sort_length bytes only.
const sortedChars = 64

// arrival has the shards send their groups in order, so that groups are joined as they come and are not held. Where ORDER BY wants
// nothing but grouped columns, or there is none, the order is that of the answer too.
// What a server has to compute of groups is asked for when all have been read: its connection is a shard's.
func (x *scatterer) arrival() {
	if !x.grouped || len(x.merge.GroupKeys) == 0 || len(x.compute.exprs) > 0 || x.compute.having != nil {
		return
	}
	for _, sorts := range x.keySorts {
		if !sorts {
			return
		}
	}
	keys := make(map[int]Key, len(x.merge.GroupKeys))
	for _, k := range x.merge.GroupKeys {
		keys[k.Column] = k
	}
	var order []SortKey
	follows := true
	for _, k := range x.merge.OrderBy {
		if keys[k.Column] != k.Key {
			follows, order = false, nil
			break
		}
		order = append(order, k)
	}
	for _, k := range order {
		delete(keys, k.Column)
	}
	for _, k := range x.merge.GroupKeys {
		if _, open := keys[k.Column]; open {
			order = append(order, SortKey{Key: k})
			delete(keys, k.Column)
		}
	}
	x.merge.Arrival = order
	if follows {
		x.merge.OrderBy, x.merge.Sorted = order, true
	}
}

// arrivalText is the ORDER BY that the shards get, by the columns' places.
func (x *scatterer) arrivalText() string {
	text := " ORDER BY "
	for i, k := range x.merge.Arrival {
		if i > 0 {
			text += ", "
		}
		text += strconv.Itoa(k.Column + 1)
		if k.Desc {
			text += " DESC"
		}
	}
	return text
}

// sorts says whether servers put rows in the order of an expression's whole value.
func (x *scatterer) sorts(e ast.ExprNode, col column, plain bool) bool {
	if plain {
		info := col.info()
		switch columnComparison(info) {
		case compareValue:
			return !bytesTypes[info.DataType] && info.DataType != "bit"
		case compareNumber, compareFloat:
			return true
		case comparePadded, compareText:
			return info.CharLength <= sortedChars && (info.DataType == "char" || info.DataType == "varchar")
		}
		return false
	}
	return e != nil && x.c.comparison(x.b, e, column{}, false) == compareValue
}

// pushesLimit says whether each shard's first rows hold the answer's first rows.
func (x *scatterer) pushesLimit() bool {
	if x.merge.FoundRows {
		return false
	}
	return !x.grouped || x.merge.Sorted && !x.regroups && !x.merge.Distinct && x.sel.Having == nil
}
