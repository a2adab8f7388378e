package differential

import (
	"encoding/binary"
	"fmt"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"lockstep/integration/wireclient"
)

// Aspects of an answer.
const (
	aspectError    = "error"
	aspectColumns  = "columns"
	aspectRows     = "rows"
	aspectAffected = "affected rows"
	aspectID       = "last insert id"
	aspectInfo     = "info"
	aspectWarnings = "warnings"
	aspectContent  = "content"
)

// mismatch is what two answers do not share.
type mismatch struct {
	aspect, detail string
	codes          [2]uint16 // of the errors
}

// compare says what differs between a plain server's reply and the proxy's.
func compare(st *step, want, got *reply) *mismatch {
	switch {
	case (want.err == nil) != (got.err == nil) || want.err != nil && (want.err.Code != got.err.Code || want.err.State != got.err.State):
		m := &mismatch{aspect: aspectError, detail: fmt.Sprintf("plain: %s\nproxy: %s", told(want), told(got))}
		for i, r := range []*reply{want, got} {
			if r.err != nil {
				m.codes[i] = r.err.Code
			}
		}
		return m
	case want.err != nil:
		return nil
	}
	if d := rowsDiffer(st, want, got); d != "" {
		return &mismatch{aspect: aspectRows, detail: d}
	}
	if want.affected != got.affected {
		return &mismatch{aspect: aspectAffected, detail: fmt.Sprintf("plain: %d (%s)\nproxy: %d (%s)", want.affected, want.info, got.affected, got.info)}
	}
	if d := columnsDiffer(st, want.columns, got.columns); d != "" {
		return &mismatch{aspect: aspectColumns, detail: d}
	}
	switch {
	case want.id != got.id:
		return &mismatch{aspect: aspectID, detail: fmt.Sprintf("plain: %d\nproxy: %d", want.id, got.id)}
	case counted(st, want.info) != counted(st, got.info):
		return &mismatch{aspect: aspectInfo, detail: fmt.Sprintf("plain: %q\nproxy: %q", want.info, got.info)}
	case want.warnings != got.warnings && !scans(st) || (want.warnings == 0) != (got.warnings == 0) && !planned(st):
		return &mismatch{aspect: aspectWarnings, detail: fmt.Sprintf("plain: %d\nproxy: %d", want.warnings, got.warnings)}
	}
	return nil
}

// scans says whether a statement compares rows with constants: each shard warns of those that it converts, and one
// server once or for each row, by its plan.
func scans(st *step) bool {
	sql := st.tree.String()
	return !strings.HasPrefix(sql, "INSERT") && !strings.HasPrefix(sql, "REPLACE") || strings.Contains(sql, " SELECT ")
}

// planned says whether even if there is a warning depends on the plan: which rows of which table meet which condition. A
// parameter may be converted where it is bound, without a word.
func planned(st *step) bool {
	return scans(st) && (st.binary || several.MatchString(st.tree.String()))
}

var several = regexp.MustCompile(`JOIN|\(SELECT|UNION|EXCEPT|INTERSECT| AND | OR |CASE|IF\(`)

// counted is the info of a statement without the warnings of one that scans.
func counted(st *step, info string) string {
	if scans(st) {
		info, _, _ = strings.Cut(info, "  Warnings:")
	}
	if info == "Rows matched: 0  Changed: 0" { // which a server does not say where the plan tells that there are none
		return ""
	}
	return info
}

func told(r *reply) string {
	if r.err != nil {
		return r.err.Error()
	}
	if r.columns == nil {
		return fmt.Sprintf("OK, %d rows affected", r.affected)
	}
	return fmt.Sprintf("%d rows", len(r.rows))
}

// rowsDiffer compares the rows: their order where the statement orders them, and their values, where texts that
// are equal for a collation may have come in another order.
func rowsDiffer(st *step, want, got *reply) string {
	w, g := lines(st, want, st.fuzzy), lines(st, got, st.fuzzy)
	ordered := st.order != nil && st.tree.shows(st.order)
	if ordered {
		if wf, gf := lines(st, want, true), lines(st, got, true); !slices.Equal(wf, gf) {
			return sideBySide(w, g)
		}
	}
	slices.Sort(w)
	slices.Sort(g)
	if !slices.Equal(w, g) {
		return sideBySide(w, g)
	}
	return ""
}

func sideBySide(w, g []string) string {
	return fmt.Sprintf("plain (%d):\n  %s\nproxy (%d):\n  %s", len(w), strings.Join(w, "\n  "), len(g), strings.Join(g, "\n  "))
}

const (
	typeDouble   = 0x05
	typeLong     = 0x03
	typeLongLong = 0x08

	binaryCharset = 63

	notNullFlag   = 0x0001
	primaryFlag   = 0x0002
	uniqueFlag    = 0x0004
	multipleFlag  = 0x0008
	blobFlag      = 0x0010
	unsignedFlag  = 0x0020
	binaryFlag    = 0x0080
	noDefaultFlag = 0x1000
	partOfKeyFlag = 0x4000
	groupFlag     = 0x8000
)

func lines(st *step, r *reply, folded bool) (out []string) {
	for _, row := range r.rows {
		var cells []string
		for i, c := range row {
			switch {
			case c.null:
				cells = append(cells, "NULL")
			case st.rough && r.columns[i].Type == typeDouble:
				cells = append(cells, rounded(c.text, st.binary))
			case st.binary && !lengthEncoded(r.columns[i].Type):
				cells = append(cells, fixedValue(c.text, r.columns[i]))
			case folded:
				cells = append(cells, fmt.Sprintf("%q", foldAll(c.text)))
			default:
				cells = append(cells, fmt.Sprintf("%q", c.text))
			}
		}
		out = append(out, strings.Join(cells, " | "))
	}
	return out
}

// lengthEncoded says whether binary values of a type are strings.
func lengthEncoded(kind byte) bool { return kind == 0 || kind >= 0x0f || kind == 0xf6 }

// fixedValue tells a binary value: integers of any size alike.
func fixedValue(s string, c wireclient.Column) string {
	switch c.Type {
	case 0x01, 0x02, typeLong, typeLongLong, 0x09, 0x0d:
		var b [8]byte
		n := copy(b[:], s)
		v := binary.LittleEndian.Uint64(b[:])
		if c.Flags&unsignedFlag != 0 {
			return fmt.Sprint(v)
		}
		shift := 64 - 8*n
		return fmt.Sprint(int64(v<<shift) >> shift)
	}
	return fmt.Sprintf("%x", s)
}

func rounded(s string, binaryForm bool) string {
	var f float64
	if binaryForm {
		f = math.Float64frombits(binary.LittleEndian.Uint64([]byte(s)))
	} else if v, err := strconv.ParseFloat(s, 64); err == nil {
		f = v
	} else {
		return s
	}
	if math.Abs(f) < 1e-9 {
		return "0"
	}
	return strconv.FormatFloat(f, 'g', 10, 64)
}

var foldingAll = strings.NewReplacer("á", "a", "ñ", "n", "é", "e", "ß", "s", "ss", "s", "ω", "w", "\xdf", "s", "\xe1", "a", "\xf1", "n")

// foldAll gives strings that any of the collations takes for equal one form.
func foldAll(s string) string {
	s = foldingAll.Replace(strings.ToLower(s))
	return strings.TrimRight(s, " ")
}

// columnsDiffer compares column definitions. What a program cannot rely on is left out, see loosened.
func columnsDiffer(st *step, want, got []wireclient.Column) string {
	if len(want) != len(got) {
		return fmt.Sprintf("plain has %d columns, proxy %d", len(want), len(got))
	}
	if noRows.MatchString(st.tree.String()) { // a server that is to read none makes another plan
		return ""
	}
	var d []string
	for i := range want {
		w, g := loosened(want[i], got[i])
		if schemaTables.MatchString(st.tree.String()) { // which are gathered in a table of the proxy's own
			w, g = withoutOrigin(w), withoutOrigin(g)
		}
		if st.mysql && w.Type == typeLongLong { // MySQL counts the digits of an expression, but those that a table stores
			w.Length, g.Length = 0, 0
		}
		if outer.MatchString(st.tree.String()) { // which a server may turn into an inner join; ROLLUP adds NULLs
			w.Flags, g.Flags = w.Flags&^notNullFlag, g.Flags&^notNullFlag
		}
		if w != g {
			d = append(d, fmt.Sprintf("plain: %s\nproxy: %s", want[i].String(), got[i].String()))
		}
	}
	return strings.Join(d, "\n")
}

var schemaTables = regexp.MustCompile(`^SHOW |information_schema`)

func withoutOrigin(c wireclient.Column) wireclient.Column {
	c.Schema, c.Table, c.OrgTable, c.OrgName, c.Decimals = "", "", "", "", 0
	if blob(c.Type) {
		c.Length = 0
	}
	return c
}

var noRows = regexp.MustCompile(`LIMIT 0\b`)

var outer = regexp.MustCompile(`(LEFT|RIGHT) (OUTER )?JOIN|WITH ROLLUP`)
