package merge

import (
	"bytes"
	"fmt"
	"strconv"

	"lockstep/protocol"
	"lockstep/sharding"
)

// Evaluator has a server compute: it runs a query without tables.
type Evaluator interface {
	// Evaluate gives the query's rows. They are read to the end before it is called again.
	Evaluate(sql []byte) (Stream, error)
}

// computing has a server compute the columns of groups that no shard could, and leaves out the groups that HAVING does not want.
// It sends groups in batches, each as a derived table of a query.
type computing struct {
	from    source
	plan    *sharding.Compute
	cols    []protocol.Column
	inputs  []computeInput
	server  Evaluator
	checked bool

	rows   []computedRow
	at     int
	ended  bool
	fields []protocol.Field
	sql    []byte
}

type computedRow struct {
	payload []byte
	values  []protocol.Field
	keep    bool
}

const (
	computeRows  = 200       // groups of a batch
	computeBytes = 256 << 10 // of a batch's query
)

func newComputing(plan *sharding.Compute, cols []protocol.Column, from source, server Evaluator) (*computing, error) {
	if server == nil {
		return nil, fmt.Errorf("merge: there is no server to compute expressions over aggregates")
	}
	c := &computing{from: from, plan: plan, cols: cols, server: server}
	for _, o := range plan.Outputs {
		if o.Column < 0 || o.Column >= len(cols) || o.NotNull >= len(cols) {
			return nil, fmt.Errorf("merge: computed column %d is not among %d columns", o.Column, len(cols))
		}
	}
	for _, in := range plan.Inputs {
		i, err := newComputeInput(in, cols)
		if err != nil {
			return nil, err
		}
		c.inputs = append(c.inputs, i)
	}
	return c, nil
}

// adoptNotNull gives computed columns the flag that the column beside them has: as IF(0, x, NULL), their own is lost.
func adoptNotNull(m *sharding.Merge, cols []protocol.Column) {
	if m == nil {
		return
	}
	for _, c := range []*sharding.Compute{m.Compute, m.Late} {
		if c == nil {
			continue
		}
		for _, o := range c.Outputs {
			if o.NotNull >= 0 && o.NotNull < len(cols) && o.Column < len(cols) {
				cols[o.Column].Flags |= cols[o.NotNull].Flags & protocol.FlagNotNull
			}
		}
	}
}

func (c *computing) next() (row, bool, error) {
	for {
		for c.at < len(c.rows) {
			r := &c.rows[c.at]
			c.at++
			if !r.keep {
				continue
			}
			var err error
			if c.fields, err = decode(c.fields, r.payload, len(c.cols)); err != nil {
				return row{}, false, err
			}
			for i, o := range c.plan.Outputs {
				c.fields[o.Column] = r.values[i]
			}
			return row{fields: c.fields}, true, nil
		}
		if c.ended {
			return row{}, false, nil
		}
		if err := c.batch(); err != nil {
			return row{}, false, err
		}
	}
}

// batch reads some groups and has them computed.
func (c *computing) batch() error {
	c.rows, c.at = c.rows[:0], 0
	c.sql = append(c.sql[:0], "SELECT lockstep_n"...)
	if len(c.plan.Outputs) > 0 {
		c.sql = append(append(c.sql, ", "...), c.plan.Exprs...)
	}
	c.sql = append(c.sql, " FROM ("...)
	for len(c.rows) < computeRows && len(c.sql) < computeBytes {
		r, ok, err := c.from.next()
		if err != nil {
			return err
		}
		if !ok {
			c.ended = true
			break
		}
		if r.fields == nil {
			if c.fields, err = decode(c.fields, r.payload, len(c.cols)); err != nil {
				return err
			}
			r.fields = c.fields
		}
		if err := c.write(r.fields); err != nil {
			return err
		}
		c.rows = append(c.rows, computedRow{payload: protocol.AppendTextRow(nil, r.fields)})
	}
	if len(c.rows) == 0 {
		return nil
	}
	c.sql = append(c.sql, ") AS lockstep_groups"...)
	if c.plan.Having != nil {
		// What a group that is left out would come to is not computed either: it might be an error.
		c.sql = append(append(c.sql, " WHERE "...), c.plan.Having...)
	}
	return c.evaluate()
}

// write adds a group to the derived table.
func (c *computing) write(fields []protocol.Field) error {
	first := len(c.rows) == 0
	if !first {
		c.sql = append(c.sql, " UNION ALL "...)
	}
	c.sql = append(c.sql, "SELECT "...)
	c.sql = strconv.AppendInt(c.sql, int64(len(c.rows)), 10)
	if first {
		c.sql = append(c.sql, " AS lockstep_n"...)
	}
	for i := range c.inputs {
		in := &c.inputs[i]
		c.sql = append(c.sql, ", "...)
		// A column of the table is NOT NULL, and conditions on it are taken for certain, only where the shards' columns are.
		null := first && in.null
		if null {
			c.sql = append(c.sql, "IF(1, "...)
		}
		var err error
		if c.sql, err = in.append(c.sql, fields[in.column]); err != nil {
			return err
		}
		if null {
			c.sql = append(c.sql, ", NULL)"...)
		}
		if first {
			c.sql = append(append(c.sql, " AS "...), sharding.InputName(in.column)...)
		}
	}
	return nil
}

func (c *computing) evaluate() error {
	answer, err := c.server.Evaluate(c.sql)
	if err != nil {
		return err
	}
	width := 1 + len(c.plan.Outputs)
	if err := c.check(answer.Columns(), width); err != nil {
		drain(answer)
		return err
	}
	left := len(c.rows)
	for answer.Next() {
		// The row's memory is the stream's.
		values, err := decode(nil, bytes.Clone(answer.Payload()), width)
		if err != nil {
			return err
		}
		n, err := strconv.Atoi(string(values[0]))
		if err != nil || n < 0 || n >= len(c.rows) || c.rows[n].values != nil {
			return fmt.Errorf("merge: a server that computes groups gave a row %q that was not asked for", values[0])
		}
		c.rows[n].values, c.rows[n].keep = values[1:], true
		left--
	}
	if err := answer.Err(); err != nil {
		return err
	}
	if left != 0 && c.plan.Having == nil {
		return fmt.Errorf("merge: a server that computes groups left out %d of %d", left, len(c.rows))
	}
	return nil
}

func drain(s Stream) {
	for s.Next() {
		// what is left is not needed
	}
}

// check compares the types that the server computed with those that the shards told: only where they agree
// is the text of a value the one that a server with all rows would show.
func (c *computing) check(got []protocol.Column, width int) error {
	if len(got) != width {
		return fmt.Errorf("merge: a server that computes groups gave %d columns, not %d", len(got), width)
	}
	if c.checked {
		return nil
	}
	for i, o := range c.plan.Outputs {
		if !sameText(&got[i+1], &c.cols[o.Column]) {
			return protocol.NewError(errNotSupported, "Lockstep cannot compute column '%s' over several shards: its type is not certain", c.cols[o.Column].Name)
		}
	}
	c.checked = true
	return nil
}

// sameText says whether two types write a value alike.
func sameText(a, b *protocol.Column) bool {
	ka, kb := kindOf(a.Type), kindOf(b.Type)
	switch {
	case whole(a) && whole(b):
		return (a.Flags^b.Flags)&protocol.FlagUnsigned == 0 || ka != kb || ka == kindDecimal
	case ka != kb:
		return false
	case ka == kindBytes:
		return a.Charset == b.Charset
	}
	return a.Decimals == b.Decimals
}

// whole says whether a column has integers: FLOOR(x) is a BIGINT or a DECIMAL by the digits that x may have.
func whole(c *protocol.Column) bool {
	kind := kindOf(c.Type)
	return kind == kindInteger || kind == kindDecimal && c.Decimals == 0
}
