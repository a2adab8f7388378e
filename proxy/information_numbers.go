package proxy

import (
	"strconv"
	"strings"

	"lockstep/protocol"
)

// sum adds a shard's row of a table that is spread to the one that is there already.
func (g *gatherer) sum(object string, r []protocol.Field) error {
	i, ok := g.byRow[g.rowKey(object, r)]
	if !ok {
		return nil // the first shard has no such row: the definitions differ, which the log tells
	}
	have := g.rows[i]
	for _, c := range g.read.Table.Sums {
		if at, ok := g.at[c]; ok {
			have[at] = sumFields(have[at], r[at])
		}
	}
	for _, c := range []string{"CREATE_TIME", "UPDATE_TIME", "CHECK_TIME"} {
		at, ok := g.at[c]
		if !ok || r[at] == nil {
			continue
		}
		// A table is as old as its oldest part, and was changed when any part was.
		if older := string(r[at]) < string(have[at]); have[at] == nil || older == (c == "CREATE_TIME") {
			have[at] = r[at]
		}
	}
	if at, ok := g.at["AUTO_INCREMENT"]; ok {
		have[at] = maxField(have[at], r[at])
	}
	if at, ok := g.at["AVG_ROW_LENGTH"]; ok {
		have[at] = quotient(have[g.at["DATA_LENGTH"]], have[g.at["TABLE_ROWS"]])
	}
	return nil
}

func sumFields(a, b protocol.Field) protocol.Field {
	if a == nil || b == nil {
		if a == nil {
			return b
		}
		return a
	}
	return protocol.Field(strconv.FormatUint(number(a)+number(b), 10))
}

func maxField(a, b protocol.Field) protocol.Field {
	if a == nil || b != nil && number(b) > number(a) {
		return b
	}
	return a
}

func quotient(sum, count protocol.Field) protocol.Field {
	if sum == nil || count == nil || number(count) == 0 {
		return protocol.Field("0")
	}
	return protocol.Field(strconv.FormatUint(number(sum)/number(count), 10))
}

// number reads a count of a server's; what is none counts nothing.
func number(f protocol.Field) uint64 {
	n, err := strconv.ParseUint(string(f), 10, 64)
	if err != nil {
		return 0
	}
	return n
}

// finishTables puts the next ids of the tables in: no shard knows them.
func (g *gatherer) finishTables() error {
	at, ok := g.at["AUTO_INCREMENT"]
	if !ok {
		return nil
	}
	var stored map[string]uint64
	for _, r := range g.rows {
		t := g.tables[objectKey(g.text(r, "TABLE_SCHEMA"), g.text(r, "TABLE_NAME"))]
		if t == nil || t.AutoIncrement == "" {
			continue
		}
		next, known := g.s.p.sequences.Next(t)
		if !known {
			if stored == nil {
				var err error
				if stored, err = g.s.p.sequences.Stored(g.s.ctx); err != nil {
					return err
				}
			}
			next = stored[objectKey(t.Database, t.Name)]
		}
		if next > 0 {
			r[at] = protocol.Field(strconv.FormatUint(next, 10))
		}
	}
	return nil
}

// processes are the sessions of this proxy, in the form of a server's list.
func (g *gatherer) processes(t *shownTable) error {
	res, err := g.ask(g.s.anyShard(), "SELECT * FROM information_schema.PROCESSLIST LIMIT 0")
	if err != nil {
		return err
	}
	t.columns = res.Columns
	for _, p := range g.s.processes(true) {
		row := make([]protocol.Field, len(res.Columns))
		for i := range res.Columns {
			c := &res.Columns[i]
			switch name := strings.ToUpper(c.Name); name {
			case "ID":
				row[i] = protocol.Field(p.id)
			case "USER":
				row[i] = protocol.Field(p.user)
			case "HOST":
				row[i] = protocol.Field(p.host)
			case "DB":
				row[i] = nullable(p.database)
			case "COMMAND":
				row[i] = protocol.Field(p.command)
			case "TIME":
				row[i] = protocol.Field(strconv.FormatInt(int64(p.since.Seconds()), 10))
			case "TIME_MS":
				row[i] = protocol.Field(strconv.FormatFloat(float64(p.since.Microseconds())/1000, 'f', 3, 64))
			case "STATE":
				row[i] = protocol.Field(p.state)
			case "INFO", "INFO_BINARY":
				row[i] = nullable(p.info)
			default:
				if numeric(c.Type) {
					row[i] = protocol.Field("0")
				}
			}
		}
		t.rows = append(t.rows, row)
	}
	return nil
}

// nullable is NULL for what is not there.
func nullable(s string) protocol.Field {
	if s == "" {
		return nil
	}
	return protocol.Field(s)
}
