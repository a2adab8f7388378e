package definition

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"lockstep/backend"
)

// Inventory is all that a shard defines in databases of users.
type Inventory struct {
	Shard       string
	Definitions map[Object]Definition
	TriggerOn   map[Object]string // of triggers: their tables
	Records     []Record
	Err         error // the shard could not be asked
}

// maxObjects bounds what is read of one shard.
const maxObjects = 1_000_000

const systemDatabases = "('mysql', 'information_schema', 'performance_schema', 'sys', 'lockstep')"

// questions list a shard's objects: database, name, kind.
var questions = []string{
	"SELECT schema_name, '', 'database' FROM information_schema.schemata WHERE schema_name NOT IN " + systemDatabases,
	"SELECT table_schema, table_name, 'table' FROM information_schema.tables WHERE table_schema NOT IN " + systemDatabases,
	"SELECT routine_schema, routine_name, LOWER(routine_type) FROM information_schema.routines WHERE routine_type IN ('PROCEDURE', 'FUNCTION', 'PACKAGE') AND routine_schema NOT IN " + systemDatabases,
	"SELECT trigger_schema, trigger_name, 'trigger', event_object_table FROM information_schema.triggers WHERE trigger_schema NOT IN " + systemDatabases,
	"SELECT event_schema, event_name, 'event' FROM information_schema.events WHERE event_schema NOT IN " + systemDatabases,
}

// TakeInventory reads everything that a shard defines, and its records.
func TakeInventory(ctx context.Context, s *backend.Shard, n Names) *Inventory {
	inv := &Inventory{Shard: s.Name(), Definitions: map[Object]Definition{}, TriggerOn: map[Object]string{}}
	if inv.Records, inv.Err = Read(ctx, s); inv.Err != nil {
		return inv
	}
	inv.Err = with(ctx, s, func(c *backend.Conn) error {
		for _, q := range questions {
			res, err := c.Query(ctx, q, maxObjects)
			if err != nil {
				return fmt.Errorf("shard %s: list what is defined: %w", s.Name(), err)
			}
			for _, row := range res.Rows {
				o := Object{Kind: Kind(row[2]), Database: n.logical(s.Name(), string(row[0])), Name: string(row[1])}
				if o.Database == "" {
					continue
				}
				d, err := Show(ctx, c, n, o)
				if err != nil {
					return err
				}
				if o.Kind == Trigger {
					inv.TriggerOn[o] = string(row[3])
				}
				if d.There() {
					inv.Definitions[o] = d
				}
			}
		}
		return nil
	})
	return inv
}

// objects is everything that some shard has, sorted.
func objects(list []*Inventory) []Object {
	var all []Object
	for _, inv := range list {
		for o := range inv.Definitions {
			all = append(all, o)
		}
	}
	slices.SortFunc(all, compareObjects)
	return slices.Compact(all)
}

// lines cuts a definition into what is defined line by line, in the order of the text.
func lines(sql string) []string {
	var out []string
	for l := range strings.SplitSeq(sql, "\n") {
		out = append(out, strings.TrimSuffix(strings.TrimSpace(l), ","))
	}
	return out
}
