package sharding

import (
	"reflect"
	"testing"
)

func TestWhereRowsBelong(t *testing.T) {
	s := testSchema(t)
	for _, c := range []struct {
		table string
		keys  [][]byte
		want  int // -1: nowhere
	}{
		{"events", [][]byte{[]byte("99")}, 0},
		{"events", [][]byte{[]byte("100")}, 1},
		{"regions", [][]byte{[]byte("US")}, 1},
		{"regions", [][]byte{[]byte("xx")}, -1},
		{"regions", [][]byte{nil}, -1},
		{"countries", [][]byte{[]byte("de")}, -1},
	} {
		tab, _ := s.Table("shop", c.table)
		shard, ok := tab.ShardOf(c.keys)
		if ok != (c.want >= 0) || ok && shard != c.want {
			t.Errorf("%s %q: shard %d, %v; want %d", c.table, c.keys, shard, ok, c.want)
		}
	}
	// As a statement finds it.
	users, _ := s.Table("shop", "users")
	p := NewPlanner(s, Limits{})
	for _, id := range []string{"1", "2", "77", "-5"} {
		shard, ok := users.ShardOf([][]byte{[]byte(id)})
		if got := plannedOn(t, p, "SELECT * FROM users WHERE id = "+id); !ok || got != string(rune('0'+shard)) {
			t.Errorf("user %s: shard %d (%v), a statement goes to %s", id, shard, ok, got)
		}
	}
}

func TestUniqueKeysPerShard(t *testing.T) {
	s := testSchema(t)
	for table, want := range map[string][][]string{"users": nil, "orders": {{"id"}}, "countries": nil} {
		tab, _ := s.Table("shop", table)
		if got := tab.UniquePerShard(); !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %q, want %q", table, got, want)
		}
	}
	if shards, ok := s.Expected("shop", "settings"); !ok || !reflect.DeepEqual(shards, []string{"s2"}) {
		t.Errorf("settings belongs to %q, %v", shards, ok)
	}
	if _, ok := s.Expected("shop", "broken"); ok {
		t.Error("where a table without a valid rule belongs is known")
	}
}
