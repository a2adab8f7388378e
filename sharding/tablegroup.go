package sharding

import "fmt"

// checkGroup makes sure that a table is placed like the first table of its group: equal keys are on one shard then,
// and joins on them stay there.
func (s *Schema) checkGroup(t *Table) error {
	lead := s.groups[t.Rule.Group]
	if t.Rule.Group == "" || lead == nil || lead.Database == t.Database && lead.Name == t.Name {
		return nil
	}
	if len(t.keys) != len(lead.keys) {
		return fmt.Errorf("it is in group %q with table %s.%s, whose shard key (%s) has another number of columns", t.Rule.Group, lead.Database, lead.Name, lead.Rule.Key)
	}
	for i := range t.keys {
		if !t.keys[i].sameClass(lead.keys[i]) {
			return fmt.Errorf("it is in group %q with table %s.%s, but its shard key column %s does not compare as %s there: both need the same kind of type, and text the same collation",
				t.Rule.Group, lead.Database, lead.Name, t.Rule.Keys[i], lead.Rule.Keys[i])
		}
	}
	if !t.place.same(lead.place) {
		return fmt.Errorf("it is in group %q with table %s.%s, which is placed by another function or on other shards", t.Rule.Group, lead.Database, lead.Name)
	}
	return nil
}

// placedAlike says whether rows of both tables with equal keys are on one shard.
func (t *Table) placedAlike(o *Table) bool {
	if len(t.keys) != len(o.keys) || t.place == nil || o.place == nil || !t.place.same(o.place) {
		return false
	}
	for i := range t.keys {
		if !t.keys[i].sameClass(o.keys[i]) {
			return false
		}
	}
	return true
}
