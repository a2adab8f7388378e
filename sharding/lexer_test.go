package sharding

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/cockroachdb/datadriven"
)

var tokenNames = map[tokenKind]string{tokWord: "word", tokQuoted: "quoted", tokParam: "param", tokVar: "var", tokPunct: "punct", tokHint: "hint", tokBad: "bad"}
var literalNames = map[LiteralKind]string{LitInt: "int", LitDecimal: "decimal", LitFloat: "float", LitString: "string", LitHex: "hex", LitBit: "bit", LitStrings: "strings"}

func TestLexer(t *testing.T) {
	datadriven.RunTest(t, "testdata/lexer", func(t *testing.T, d *datadriven.TestData) string {
		env := testEnv()
		env.AnsiQuotes, env.NoBackslash = d.HasArg("ansi"), d.HasArg("nobackslash")
		text := strings.ReplaceAll(d.Input, "␤", "\n")
		var b strings.Builder
		switch d.Cmd {
		case "tokens":
			s := newScanner(env, []byte(text))
			for tok := s.next(); tok.kind != tokEOF; tok = s.next() {
				name := tokenNames[tok.kind]
				if tok.kind == tokLiteral {
					name = literalNames[tok.lit]
				}
				if tok.afterDot {
					name += " after dot"
				}
				fmt.Fprintf(&b, "%s %s\n", name, text[tok.start:tok.end])
			}
			if s.conditional {
				b.WriteString("conditional\n")
			}
		case "decode":
			s := newScanner(env, []byte(text))
			for tok := s.next(); tok.kind == tokLiteral; tok = s.next() {
				v, _ := decodeLiteral(nil, []byte(text[tok.start:tok.end]), tok.lit, false, env.NoBackslash)
				fmt.Fprintf(&b, "%d %d %q\n", v.Kind, v.U, v.B)
			}
		case "split":
			for _, part := range Split(*env, []byte(text)) {
				fmt.Fprintf(&b, "%q\n", part)
			}
		}
		return b.String()
	})
}

// FuzzLexer: any bytes are cut into tokens that lie in order within the text, both scanners see the same literals, and
// parts of Split lie in order too.
func FuzzLexer(f *testing.F) {
	for _, s := range corpus(f) {
		f.Add([]byte(s), false, false)
	}
	f.Add([]byte("'a\\"), false, false)
	f.Add([]byte("/*!50000 'x' */ `a`` 0x 0b1 1e 1.e5 .5.5 @`x @'y -- \x00#"), true, true)
	f.Fuzz(func(t *testing.T, text []byte, ansi, noBackslash bool) {
		env := &Env{AnsiQuotes: ansi, NoBackslash: noBackslash}
		a, b := newScanner(env, text), newScanner(env, text)
		at := 0
		for {
			tok := a.next()
			if tok.start < at || tok.end < tok.start || tok.end > len(text) || tok.kind != tokEOF && tok.start == tok.end {
				t.Fatalf("token %+v behind %d of %q", tok, at, text)
			}
			at = tok.end
			if tok.kind == tokLiteral || tok.kind == tokBad || tok.kind == tokEOF {
				if fast := b.nextLiteral(); fast.kind != tok.kind || fast.start != tok.start || fast.end != tok.end || fast.lit != tok.lit {
					t.Fatalf("%q: token %+v, but literal %+v", text, tok, fast)
				}
			}
			if tok.kind == tokLiteral {
				decodeLiteral(nil, text[tok.start:tok.end], tok.lit, false, noBackslash)
				decodeLiteral(nil, text[tok.start:tok.end], tok.lit, true, noBackslash)
			}
			if tok.kind == tokEOF || tok.kind == tokBad {
				break
			}
		}
		rest := text
		for _, part := range Split(*env, text) {
			i := bytes.Index(rest, part)
			if i < 0 {
				t.Fatalf("Split gives %q, which does not follow in %q", part, text)
			}
			rest = rest[i+len(part):]
		}
	})
}

// FuzzParse: any text parses and plans without a panic, and all refusals carry a code.
func FuzzParse(f *testing.F) {
	for _, s := range corpus(f) {
		f.Add([]byte(s), false)
	}
	s := testSchema(f)
	p := NewPlanner(s, Limits{})
	f.Fuzz(func(t *testing.T, text []byte, prepared bool) {
		env := testEnv()
		var st *Statement
		var lits []Literal
		var err error
		if prepared {
			st, err = p.ParsePrepared(env, text)
		} else {
			st, lits, err = p.Parse(env, text, nil)
		}
		if err != nil {
			checkCode(t, text, err)
			return
		}
		var plan Plan
		in := testInputs(text, lits)
		in.MayScratch = true
		in.AppendParam = func(dst []byte, i int) ([]byte, error) { return append(dst, '5'), nil }
		for range st.Params {
			in.Params = append(in.Params, Value{Kind: ValInt, I: 5})
		}
		if err := st.Plan(&plan, in); err != nil {
			checkCode(t, text, err)
			return
		}
		if plan.Evaluate != nil { // the values that a server would work out
			for range plan.Evaluate.Columns {
				in.Evaluated = append(in.Evaluated, Evaluated{Value: Value{Kind: ValInt, I: 5}, Text: []byte("5")})
			}
			if err := st.Plan(&plan, in); err != nil {
				checkCode(t, text, err)
				return
			}
		}
		if len(plan.Targets) == 0 && plan.Fill == nil && plan.Scratch == nil && plan.Change == nil {
			t.Fatalf("%q: no target", text)
		}
		st.Explain(&plan, in, s)
	})
}

func checkCode(t *testing.T, text []byte, err error) {
	t.Helper()
	var e *Error
	if !errors.As(err, &e) || e.Code == 0 || e.Message == "" {
		t.Fatalf("%q: error without code: %v", text, err)
	}
}
