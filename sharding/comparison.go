package sharding

import (
	"strings"

	"github.com/pingcap/tidb/pkg/parser/ast"
	"github.com/pingcap/tidb/pkg/parser/opcode"
	driver "github.com/pingcap/tidb/pkg/parser/test_driver"
)

// comparisonKind says how values of an expression are compared once they have left the server.
type comparisonKind uint8

const (
	compareUnknown comparisonKind = iota
	compareValue                  // by the value that the result shows
	comparePadded                 // text: by its weight without trailing spaces
	compareText                   // text of a NO PAD collation: by its weight
	compareNumber                 // ENUM, SET: by the number, which the result does not show
	compareFloat                  // FLOAT: by the DOUBLE made of it, as its text has six digits only
	compareAddress                // INET4, INET6: by its bytes, of which the result shows a text in another order
)

// comparison finds the kind of an expression from the types of the columns in it.
func (c *compiler) comparison(b *block, e ast.ExprNode, col column, plain bool) comparisonKind {
	if plain {
		return columnComparison(col.info())
	}
	switch e := unwrap(e).(type) {
	case *ast.ColumnNameExpr:
		if col, ok := b.resolve(e.Name); ok {
			return columnComparison(col.info())
		}
	case *driver.ValueExpr:
		if e.Kind() == driver.KindString {
			return comparePadded
		}
		return compareValue
	case *ast.AggregateFuncExpr:
		switch strings.ToLower(e.F) {
		case ast.AggFuncMin, ast.AggFuncMax:
			return c.comparison(b, e.Args[0], column{}, false)
		case ast.AggFuncGroupConcat:
			return comparePadded
		}
		return compareValue
	case *ast.WindowFuncExpr:
		return c.windowComparison(b, e)
	case *ast.UnaryOperationExpr:
		return compareValue
	case *ast.BinaryOperationExpr:
		switch e.Op {
		case opcode.Plus, opcode.Minus, opcode.Mul, opcode.Div, opcode.IntDiv, opcode.Mod, opcode.EQ, opcode.NE, opcode.LT, opcode.LE,
			opcode.GT, opcode.GE, opcode.NullEQ, opcode.LogicAnd, opcode.LogicOr, opcode.LogicXor, opcode.And, opcode.Or, opcode.Xor,
			opcode.LeftShift, opcode.RightShift:
			return compareValue
		}
	case *ast.PatternInExpr, *ast.PatternLikeOrIlikeExpr, *ast.PatternRegexpExpr, *ast.BetweenExpr, *ast.IsNullExpr, *ast.IsTruthExpr,
		*ast.ExistsSubqueryExpr:
		return compareValue
	case *ast.FuncCallExpr:
		return c.callComparison(b, e)
	case *ast.FuncCastExpr:
		if e.Tp != nil && strings.Contains(strings.ToLower(e.Tp.String()), "char") {
			return comparePadded
		}
		if e.Tp != nil && e.Tp.EvalType().IsStringKind() {
			return compareText
		}
		return compareValue
	case *ast.CaseExpr:
		kind := compareUnknown
		results := []ast.ExprNode{e.ElseClause}
		for _, w := range e.WhenClauses {
			results = append(results, w.Result)
		}
		return c.common(b, kind, results)
	}
	return compareUnknown
}

// common is the kind of an expression that gives one of several values.
func (c *compiler) common(b *block, kind comparisonKind, list []ast.ExprNode) comparisonKind {
	numbers := false
	for _, e := range list {
		if e == nil {
			continue
		}
		if v, ok := unwrap(e).(*driver.ValueExpr); ok && v.Kind() == driver.KindNull {
			continue
		}
		if isNumber(e) {
			numbers = true // beside a FLOAT as beside any other number
			continue
		}
		k := c.comparison(b, e, column{}, false)
		if k == compareUnknown {
			return k
		}
		if kind == compareUnknown {
			kind = k
		}
		if k != kind {
			return compareUnknown
		}
	}
	switch {
	case !numbers || kind == compareValue || kind == compareFloat:
		return kind
	case kind == compareUnknown:
		return compareValue
	}
	return compareUnknown
}

// isNumber says whether e is a number that is written out, with or without a sign.
func isNumber(e ast.ExprNode) bool {
	if signed, ok := unwrap(e).(*ast.UnaryOperationExpr); ok {
		e = signed.V
	}
	v, ok := unwrap(e).(*driver.ValueExpr)
	if !ok {
		return false
	}
	switch v.Kind() {
	case driver.KindInt64, driver.KindUint64, driver.KindFloat32, driver.KindFloat64, driver.KindMysqlDecimal:
		return true
	}
	return false
}

var numberFunctions = map[string]bool{
	"length": true, "char_length": true, "character_length": true, "octet_length": true, "bit_length": true, "abs": true, "ceil": true,
	"ceiling": true, "floor": true, "round": true, "mod": true, "sqrt": true, "pow": true, "power": true, "sign": true, "truncate": true,
	"year": true, "month": true, "day": true, "dayofmonth": true, "dayofweek": true, "dayofyear": true, "weekday": true, "week": true,
	"weekofyear": true, "yearweek": true, "quarter": true, "hour": true, "minute": true, "second": true, "microsecond": true, "to_days": true,
	"to_seconds": true, "unix_timestamp": true, "datediff": true, "timestampdiff": true, "date": true, "now": true, "curdate": true, "crc32": true,
	"instr": true, "locate": true, "position": true, "field": true, "find_in_set": true, "ascii": true, "ord": true, "strcmp": true, "isnull": true,
	"rand": true, "ln": true, "log": true, "log2": true, "log10": true, "exp": true, "last_day": true, "extract": true, "inet_aton": true,
	"from_days": true, "timestamp": true, "bit_count": true, "interval": true,
}

// JSON_EXTRACT is not among them: it is text on MariaDB, and on MySQL JSON, which has an order of its own.
var textFunctions = map[string]bool{
	"concat": true, "concat_ws": true, "lower": true, "lcase": true, "upper": true, "ucase": true, "substring": true, "substr": true, "mid": true,
	"left": true, "right": true, "trim": true, "ltrim": true, "rtrim": true, "replace": true, "reverse": true, "repeat": true, "lpad": true,
	"rpad": true, "hex": true, "md5": true, "sha": true, "sha1": true, "sha2": true, "date_format": true, "time_format": true, "dayname": true,
	"monthname": true, "format": true, "substring_index": true, "insert": true, "insert_func": true, "elt": true,
	"json_unquote": true, "json_value": true, "space": true, "soundex": true, "quote": true, "to_base64": true, "conv": true, "bin": true, "oct": true,
}

func (c *compiler) callComparison(b *block, e *ast.FuncCallExpr) comparisonKind {
	name := strings.ToLower(e.FnName.O)
	switch {
	case numberFunctions[name]:
		return compareValue
	case textFunctions[name]:
		return c.textComparison(b, e)
	case name == "ifnull" || name == "coalesce" || name == "greatest" || name == "least":
		return c.common(b, compareUnknown, e.Args)
	case name == "nullif" && len(e.Args) > 0:
		return c.comparison(b, e.Args[0], column{}, false)
	case name == "if" && len(e.Args) == 3:
		return c.common(b, compareUnknown, e.Args[1:])
	}
	return compareUnknown
}

// textFromBytes are the functions whose text is never binary and never ends in spaces, whatever they are given.
var textFromBytes = map[string]bool{"hex": true, "md5": true, "sha": true, "sha1": true, "sha2": true, "to_base64": true, "bin": true, "oct": true, "conv": true}

// textComparison is the kind of text computed from columns: of their collations. One binary
// argument can make the whole of it binary, which compares without regard to trailing spaces no more.
func (c *compiler) textComparison(b *block, e *ast.FuncCallExpr) comparisonKind {
	if textFromBytes[strings.ToLower(e.FnName.O)] {
		return comparePadded
	}
	bytes := &bytesFinder{b: b}
	e.Accept(bytes)
	if bytes.found {
		return compareUnknown
	}
	v := &nameFinder{}
	e.Accept(v)
	kind := comparePadded
	for _, n := range v.names {
		if col, ok := b.resolve(n); ok && columnComparison(col.info()) == compareText {
			kind = compareText
		}
	}
	return kind
}

// bytesFinder looks for what is or may be a binary string, or text of a collation that is not its column's.
type bytesFinder struct {
	b     *block
	found bool
}

var byteFunctions = map[string]bool{
	"unhex": true, "from_base64": true, "aes_encrypt": true, "aes_decrypt": true, "compress": true, "uncompress": true, "random_bytes": true,
	"inet6_aton": true, "weight_string": true, "char": true, "char_func": true, "convert": true, "encode": true, "decode": true,
	"des_encrypt": true, "des_decrypt": true, "uuid_to_bin": true,
}

func (v *bytesFinder) Enter(n ast.Node) (ast.Node, bool) {
	switch n := n.(type) {
	case *ast.ColumnNameExpr:
		col, ok := v.b.resolve(n.Name)
		v.found = v.found || ok && bytesTypes[strings.ToLower(col.info().DataType)]
	case *ast.FuncCastExpr:
		v.found = v.found || n.FunctionType == ast.CastBinaryOperator || n.Tp != nil && n.Tp.EvalType().IsStringKind() && n.Tp.GetCharset() == "binary"
	case *ast.SetCollationExpr:
		v.found = true
	case *ast.FuncCallExpr:
		v.found = v.found || byteFunctions[strings.ToLower(n.FnName.O)]
	case *driver.ValueExpr:
		v.found = v.found || n.Kind() == driver.KindBinaryLiteral
	}
	return n, v.found
}

func (v *bytesFinder) Leave(n ast.Node) (ast.Node, bool) { return n, true }

var bytesTypes = map[string]bool{
	"binary": true, "varbinary": true, "tinyblob": true, "blob": true, "mediumblob": true, "longblob": true,
}

func columnComparison(c *ColumnInfo) comparisonKind {
	switch c.DataType {
	case "": // computed by a derived table
		return compareUnknown
	case "enum", "set":
		return compareNumber
	case "float":
		return compareFloat
	case "char", "varchar", "tinytext", "text", "mediumtext", "longtext":
		collation := strings.ToLower(c.Collation)
		if collation == "binary" || strings.Contains(collation, "nopad") || strings.Contains(collation, "_0900_") {
			return compareText
		}
		return comparePadded
	case "inet4", "inet6":
		return compareAddress
	// MySQL's JSON has an order of its own. (MariaDB's is a LONGTEXT, also in its catalog.)
	case "json":
		return compareUnknown
	// A UUID of version 1 to 5 is ordered by its last part first, one of version 6 on from its beginning.
	case "uuid", "geometry", "point", "linestring", "polygon", "multipoint", "multilinestring", "multipolygon", "geometrycollection":
		return compareUnknown
	}
	return compareValue
}
