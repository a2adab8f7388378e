package config

import (
	"os"
	"reflect"
	"regexp"
	"testing"
	"time"
)

func TestExampleLoads(t *testing.T) {
	c, err := Load("example.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if c.Shards[0].Database != "shop_1" || c.Timeouts.Idle != 8*time.Hour || c.Limits.MaxPacket != 64<<20 {
		t.Errorf("values did not arrive: %+v", c)
	}
	tables := c.Schemas[0].Tables
	if orders, customer := tables[1], tables[0]; orders.Function != Hash || !reflect.DeepEqual(orders.Shards, customer.Shards) || len(orders.Shards) != 3 {
		t.Errorf("orders is placed as %+v, its group as %+v", orders.Rule, customer.Rule)
	}
	if got := tables[2].ShardKey; !reflect.DeepEqual(got, Key{"sensor", "series"}) {
		t.Errorf("measurement's key is %q", got)
	}
	if got := tables[3].Ranges[0].LessThan; got != "1000000" {
		t.Errorf("ledger's first bound is %q", got)
	}
	if got := tables[4].Lists[0].Values; !reflect.DeepEqual(got, []string{"DE", "FR", "NO"}) {
		t.Errorf("shipment's first list is %q", got)
	}
}

// Every field that can be configured must be explained in the example.
func TestExampleHasEveryField(t *testing.T) {
	text, err := os.ReadFile("example.yaml")
	if err != nil {
		t.Fatal(err)
	}
	names := make(map[string]bool)
	collectNames(reflect.TypeFor[Config](), names)
	if len(names) < 50 {
		t.Fatalf("only %d names found: the walk over the types is broken", len(names))
	}
	for name := range names {
		if !regexp.MustCompile(`(?m)^[ -]*` + name + `:`).Match(text) {
			t.Errorf("example.yaml does not show %s", name)
		}
	}
}

func collectNames(typ reflect.Type, names map[string]bool) {
	switch typ.Kind() {
	case reflect.Pointer, reflect.Slice:
		collectNames(typ.Elem(), names)
	case reflect.Struct:
		fields := make(map[string]reflect.Value)
		for _, name := range yamlFields(reflect.New(typ).Elem(), fields) {
			names[name] = true
			collectNames(fields[name].Type(), names)
		}
	}
}

// The defaults that the example states in brackets are those of the code: a file
// with nothing but what is required gets the values that the example writes out.
func TestExampleStatesTheDefaults(t *testing.T) {
	example, err := Load("example.yaml")
	if err != nil {
		t.Fatal(err)
	}
	least, err := Parse("least.yaml", []byte(leastText))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name      string
		got, want any
	}{
		{"timeouts", least.Timeouts, example.Timeouts},
		{"limits", least.Limits, example.Limits},
		{"pool", least.Shards[0].Pool, example.Shards[0].Pool},
		{"default_rule", least.DefaultRule, example.DefaultRule},
		{"commit_mode", least.CommitMode, example.CommitMode},
		{"times of commit", least.CommitTimes, example.CommitTimes},
		{"deadlocks", least.Deadlocks, example.Deadlocks},
		{"sequence_block", least.SequenceBlock, example.SequenceBlock},
		{"sequence_shard", least.SequenceShard, example.SequenceShard},
		{"admin.listen", least.Admin.Listen, example.Admin.Listen},
		{"local_infile", least.LocalInfile, example.LocalInfile},
		{"coordinator", least.Coordinator, example.Coordinator},
	} {
		// The example has a third shard.
		if r, ok := c.want.(*Rule); ok {
			r.Shards = r.Shards[:2]
		}
		if !reflect.DeepEqual(c.got, c.want) {
			t.Errorf("%s: default is %+v, the example says %+v", c.name, c.got, c.want)
		}
	}
}
