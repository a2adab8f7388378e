package catalog

import (
	"context"
	"fmt"
	"strconv"

	"lockstep/backend"
	"lockstep/sharding"
)

// maxStored bounds the sequences that are read to be shown.
const maxStored = 1_000_000

// Next is the id that the table's next row would get, as far as this proxy knows without asking.
func (q *Sequences) Next(t *sharding.Table) (next uint64, known bool) {
	q.mu.RLock()
	s := q.tables[tableName{t.Database, t.Name}]
	q.mu.RUnlock()
	if s == nil {
		return 0, false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.has.next, s.has.end > 0
}

// Stored are the least ids that no proxy has reserved, by "database\x00table".
func (q *Sequences) Stored(ctx context.Context) (map[string]uint64, error) {
	stored := map[string]uint64{}
	err := q.store.with(ctx, func(c *backend.Conn) error {
		res, err := c.Query(ctx, "SELECT name, next FROM lockstep.sequence", maxStored)
		if missingTable(err) {
			return nil // nobody has asked for ids yet
		}
		if err != nil {
			return err
		}
		for _, r := range res.Rows {
			next, err := strconv.ParseUint(string(r[1]), 10, 64)
			if err != nil {
				return fmt.Errorf("row of %s: %w", r[0], err)
			}
			if database, table, ok := splitSequenceName(string(r[0])); ok {
				stored[database+"\x00"+table] = next
			}
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read the sequences on shard %s: %w", q.o.Home.Name(), err)
	}
	return stored, nil
}

// splitSequenceName is the reverse of sequenceName.
func splitSequenceName(name string) (database, table string, ok bool) {
	database, rest, ok := cutName(name)
	if !ok || rest == "" || rest[0] != '.' {
		return "", "", false
	}
	table, rest, ok = cutName(rest[1:])
	return database, table, ok && rest == ""
}

// cutName reads a name, in backticks or up to a dot.
func cutName(text string) (name, rest string, ok bool) {
	if text == "" || text[0] != '`' {
		for i := range len(text) {
			if text[i] == '.' {
				return text[:i], text[i:], true
			}
		}
		return text, "", text != ""
	}
	var b []byte
	for i := 1; i < len(text); i++ {
		if text[i] != '`' {
			b = append(b, text[i])
			continue
		}
		if i+1 < len(text) && text[i+1] == '`' {
			b = append(b, '`')
			i++
			continue
		}
		return string(b), text[i+1:], true
	}
	return "", "", false
}
