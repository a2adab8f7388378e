package proxy

import (
	"regexp"
	"strings"

	"lockstep/protocol"
	"lockstep/sharding"
)

// tableOptions is the beginning of the last line of a table's definition.
var tableOptions = regexp.MustCompile(`(?m)^\) ENGINE=\w+( AUTO_INCREMENT=\d+)?`)

// showCreate answers SHOW CREATE TABLE and VIEW with a shard's definition, as one server would show it: with the table's
// next id, which no shard knows, and with the names of databases that clients know.
func (s *session) showCreate(st *sharding.Statement, rq *request) error {
	target := &s.plan.Targets[0]
	res, err := s.askTarget(rq)
	if err != nil {
		return err
	}
	for _, r := range res.Rows {
		if len(r) < 2 || r[1] == nil {
			continue
		}
		definition := string(r[1])
		if physical := s.p.physical(target.Shard, st.Show.Database); physical != st.Show.Database {
			definition = strings.ReplaceAll(definition, quoteName(physical)+".", quoteName(st.Show.Database)+".")
		}
		if t, ok := s.planner().Schema().Table(st.Show.Database, st.Show.Table); ok && t.AutoIncrement != "" && !t.View {
			next, err := s.nextID(t)
			if err != nil {
				return err
			}
			definition = withNextID(definition, next)
		}
		r[1] = protocol.Field(definition)
	}
	s.foundRows = uint64(len(res.Rows))
	return s.sent(s.writeRows(res))
}

func withNextID(definition, next string) string {
	at := tableOptions.FindStringSubmatchIndex(definition)
	if at == nil {
		return definition
	}
	end := at[1]
	if at[2] >= 0 {
		end = at[2]
	}
	option := ""
	if next != "" && next != "0" && next != "1" {
		option = " AUTO_INCREMENT=" + next
	}
	return definition[:end] + option + definition[at[1]:]
}

// nextID is the id that the table's next row would get.
func (s *session) nextID(t *sharding.Table) (string, error) {
	tables, ok := sharding.SystemTableNamed("TABLES")
	if !ok {
		return "", nil
	}
	shown, err := s.gather(&sharding.SystemRead{Table: tables, Stand: "shown_1", Numbers: true, Schemas: []string{t.Database}, Objects: []string{t.Name}})
	if err != nil {
		return "", err
	}
	for i := range shown.columns {
		if strings.EqualFold(shown.columns[i].Name, "AUTO_INCREMENT") && len(shown.rows) > 0 {
			return string(shown.rows[0][i]), nil
		}
	}
	return "", nil
}
