package merge

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"lockstep/backend"
	"lockstep/protocol"
	"lockstep/sharding"
)

// oracleEvaluator has a real server compute.
type oracleEvaluator struct {
	t     *testing.T
	conn  *backend.Conn
	times int
}

func (e *oracleEvaluator) Evaluate(sql []byte) (Stream, error) {
	e.times++
	return ask(e.t, e.conn, string(sql)), nil
}

// TestComputedAsTheServer carries one column of each type to the server and back, NULL and not.
func TestComputedAsTheServer(t *testing.T) {
	c := connect(t, "information_schema")
	for _, v := range []struct{ sql, expr, collation string }{
		{"CAST(5 AS SIGNED)", "%s / 3", ""},
		{"CAST(-5 AS SIGNED)", "%s * 2", ""},
		{"CAST(18446744073709551615 AS UNSIGNED)", "%s - 1", ""},
		{"CAST('-12.340' AS DECIMAL(12,3))", "%s / 7", ""},
		{"CAST('99999999999999999999.99' AS DECIMAL(22,2))", "%s + 0.01", ""},
		{"CAST('0.1' AS DOUBLE)", "%s * 3", ""},
		{"CAST('-1e300' AS DOUBLE)", "%s / 3", ""},
		{"CAST('2024-02-28' AS DATE)", "%s + INTERVAL 1 DAY", ""},
		{"CAST('2024-02-28 23:59:59.5' AS DATETIME(1))", "%s + INTERVAL 1 SECOND", ""},
		{"CAST('-100:00:00.25' AS TIME(2))", "ADDTIME(%s, '1:00')", ""},
		{"CONVERT('ß''\\\\x' USING utf8mb4) COLLATE utf8mb4_unicode_ci", "CONCAT(%s, '!')", "utf8mb4_unicode_ci"},
		{"CONVERT('SS' USING utf8mb4) COLLATE utf8mb4_german2_ci", "%s = 'ß'", "utf8mb4_german2_ci"},
		{"CONVERT('' USING latin1) COLLATE latin1_swedish_ci", "CONCAT(%s, '!')", "latin1_swedish_ci"},
	} {
		for _, value := range []string{v.sql, "NULLIF(" + v.sql + ", " + v.sql + ")"} {
			want := ask(t, c, "SELECT "+fmt.Sprintf(v.expr, value))
			var direct collector
			if _, err := Run(nil, []Stream{want}, &direct, Limits{}); err != nil {
				t.Fatal(err)
			}
			rows := ask(t, c, "SELECT IF(0, "+fmt.Sprintf(v.expr, v.sql)+", NULL), "+value)
			m := &sharding.Merge{Visible: 1, Limit: sharding.NoLimit, Group: true, GroupKeys: []sharding.Key{plain(1)},
				Compute: &sharding.Compute{Inputs: []sharding.Input{{Column: 1, Collation: v.collation}}, Outputs: []sharding.Output{{Column: 0, NotNull: -1}},
					Exprs: fmt.Appendf(nil, v.expr, sharding.InputName(1))}}
			var got collector
			if _, err := RunWith(&oracleEvaluator{t: t, conn: c}, m, []Stream{rows}, &got, Limits{}); err != nil {
				t.Errorf("%s of %s: %v", v.expr, value, err)
				continue
			}
			wantRows(t, got.rows, show(direct.rows)...)
		}
	}
}

// TestComputedInBatches: groups of many batches keep their order, and HAVING leaves some out.
func TestComputedInBatches(t *testing.T) {
	c := connect(t, "information_schema")
	var rows [][]protocol.Field
	var want []string
	for i := range 3*computeRows + 7 {
		rows = append(rows, texts("NULL", fmt.Sprint(i)))
		if i%3 == 1 {
			want = append(want, fmt.Sprintf("%d|%d", 2*i, i))
		}
	}
	cols := []protocol.Column{{Name: "twice", Type: protocol.TypeLongLong}, {Name: "i", Type: protocol.TypeLongLong}}
	m := &sharding.Merge{Visible: 2, Limit: sharding.NoLimit, Group: true, GroupKeys: []sharding.Key{plain(1)}, Compute: &sharding.Compute{
		Inputs: []sharding.Input{{Column: 1}}, Outputs: []sharding.Output{{Column: 0, NotNull: -1}}, Exprs: []byte("lockstep_c1 * 2"), Having: []byte("lockstep_c1 % 3 = 1")}}
	var got collector
	server := &oracleEvaluator{t: t, conn: c}
	if _, err := RunWith(server, m, streams(stream(cols, rows...)), &got, Limits{}); err != nil {
		t.Fatal(err)
	}
	wantRows(t, got.rows, want...)
	if server.times != 4 {
		t.Errorf("%d queries, want 4", server.times)
	}
}

// fixedEvaluator answers with one thing.
type fixedEvaluator struct {
	stream Stream
	err    error
}

func (e fixedEvaluator) Evaluate([]byte) (Stream, error) { return e.stream, e.err }

func TestComputedWrongly(t *testing.T) {
	cols := []protocol.Column{{Name: "x", Type: protocol.TypeNewDecimal, Decimals: 4}, {Name: "i", Type: protocol.TypeLongLong}}
	answer := func(c protocol.Column, rows ...[]protocol.Field) fixedEvaluator {
		return fixedEvaluator{stream: stream([]protocol.Column{column("n", protocol.TypeLong), c}, rows...)}
	}
	right := protocol.Column{Type: protocol.TypeNewDecimal, Decimals: 4}
	lost := errors.New("lost")
	for _, c := range []struct {
		server Evaluator
		input  string
		want   string
	}{
		{nil, "1", "no server"},
		{fixedEvaluator{err: lost}, "1", "lost"},
		{answer(protocol.Column{Type: protocol.TypeNewDecimal, Decimals: 5}), "1", "type is not certain"},
		{answer(protocol.Column{Type: protocol.TypeDouble, Decimals: 4}), "1", "type is not certain"},
		{answer(right), "1", "left out 1 of 1"},
		{answer(right, texts("3", "1.0000")), "1", "not asked for"},
		{answer(right, texts("0", "1.0000"), texts("0", "1.0000")), "1", "not asked for"},
		{answer(right, texts("0", "1.0000")), "1); DROP", "is no value"},
	} {
		m := &sharding.Merge{Visible: 1, Limit: sharding.NoLimit, Group: true, Compute: &sharding.Compute{
			Inputs: []sharding.Input{{Column: 1}}, Outputs: []sharding.Output{{Column: 0, NotNull: -1}}, Exprs: []byte("lockstep_c1")}}
		var got collector
		_, err := RunWith(c.server, m, streams(stream(cols, texts("NULL", c.input))), &got, Limits{})
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%v, want %q", err, c.want)
		}
	}
}
