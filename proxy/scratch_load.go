package proxy

import (
	"bytes"
	"errors"
	"strconv"
	"strings"
	"time"

	"lockstep/protocol"
	"lockstep/sharding"
)

// scratchBatch is how long an INSERT into a temporary table grows, in bytes.
const scratchBatch = 256 << 10

// scratchLoader fills one temporary table: the sink of the query that reads the rows.
type scratchLoader struct {
	d     *scratchDesk
	load  *sharding.ScratchLoad
	table *scratchTable
	head  []byte // INSERT … VALUES
	text  []byte // grows to a batch
	rows  uint64

	failed error // of this side: not the shards'
}

func newScratchLoader(d *scratchDesk, load *sharding.ScratchLoad, table *scratchTable) *scratchLoader {
	head := []byte("INSERT INTO " + table.name + " (")
	for i, c := range load.Columns {
		if i > 0 {
			head = append(head, ',')
		}
		head = append(head, quoteName(c.Name)...)
	}
	return &scratchLoader{d: d, load: load, table: table, head: append(head, ") VALUES "...)}
}

// Columns takes the columns, which the planner has chosen.
func (l *scratchLoader) Columns([]protocol.Column) error { return nil }

// Row adds a row to the batch.
func (l *scratchLoader) Row(fields []protocol.Field) error {
	l.failed = l.add(fields)
	return l.failed
}

func (l *scratchLoader) add(fields []protocol.Field) error {
	if len(fields) != len(l.load.Columns) {
		return errScratchDefinition
	}
	size := 0
	for _, f := range fields {
		size += len(f)
	}
	if err := l.d.count(size); err != nil {
		return err
	}
	l.rows++
	if size > scratchLargeRow {
		if err := l.flush(); err != nil {
			return err
		}
		return l.addLarge(fields)
	}
	if len(l.text) == 0 {
		l.text = append(l.text, l.head...)
	} else {
		l.text = append(l.text, ',')
	}
	l.text = append(l.text, '(')
	for i, f := range fields {
		if i > 0 {
			l.text = append(l.text, ',')
		}
		l.text = appendScratchValue(l.text, f, l.load.Columns[i].Form)
	}
	l.text = append(l.text, ')')
	if len(l.text) < scratchBatch {
		return nil
	}
	return l.flush()
}

// flush sends the batch. Rows of different shards that one unique key forbids are all taken: what is unique on a
// shard only has no unique key here.
func (l *scratchLoader) flush() error {
	if len(l.text) == 0 {
		return nil
	}
	err := l.insert(func() error { return l.d.exec(string(l.text)) })
	l.text = l.text[:0]
	return err
}

// insert runs an INSERT, and once more where a unique key was in its way.
func (l *scratchLoader) insert(run func() error) error {
	err := run()
	var se *protocol.ServerError
	if !errors.As(err, &se) || se.Code != erDuplicateKey {
		return err
	}
	change := l.table.asPlainKeys()
	if change == "" {
		return err
	}
	if err := l.d.exec(change); err != nil {
		return err
	}
	return run()
}

// again forgets the rows.
func (l *scratchLoader) again() error {
	l.text = l.text[:0]
	if l.rows == 0 {
		return nil
	}
	l.rows = 0
	return l.d.exec("DELETE FROM " + l.table.name)
}

// appendScratchValue writes a value as it came from its shard, as a literal that gives the very same.
func appendScratchValue(dst []byte, f protocol.Field, form sharding.ScratchForm) []byte {
	if f == nil {
		return append(dst, "NULL"...)
	}
	switch form {
	case sharding.ScratchNumber:
		return append(dst, f...)
	case sharding.ScratchMoment:
		return appendScratchMoment(dst, f)
	case sharding.ScratchJSON:
		dst = append(dst, "CONVERT(_binary'"...)
		return append(appendEscaped(dst, f), "' USING utf8mb4)"...)
	case sharding.ScratchBytes:
		dst = append(dst, "_binary"...)
	}
	dst = append(dst, '\'')
	return append(appendEscaped(dst, f), '\'')
}

// appendEscaped writes the inside of a string, for a connection whose sql_mode knows backslashes.
func appendEscaped(dst, f []byte) []byte {
	for {
		i := bytes.IndexAny(f, "'\\\x00")
		if i < 0 {
			return append(dst, f...)
		}
		dst = append(dst, f[:i]...)
		if f[i] == 0 {
			dst = append(dst, '\\', '0')
		} else {
			dst = append(dst, '\\', f[i])
		}
		f = f[i+1:]
	}
}

// appendScratchMoment writes seconds since 1970 as a time in UTC, which the temporary table is loaded in. 0 is the time
// that is none.
func appendScratchMoment(dst, f []byte) []byte {
	whole, fraction, _ := strings.Cut(string(f), ".")
	seconds, err := strconv.ParseInt(whole, 10, 64)
	if err != nil {
		return append(append(append(dst, '\''), f...), '\'') // the server says what is wrong with it
	}
	if seconds == 0 && strings.Trim(fraction, "0") == "" {
		return append(dst, "'0000-00-00 00:00:00'"...)
	}
	dst = append(dst, '\'')
	dst = time.Unix(seconds, 0).UTC().AppendFormat(dst, "2006-01-02 15:04:05")
	if fraction != "" {
		dst = append(append(dst, '.'), fraction...)
	}
	return append(dst, '\'')
}
