package definition

import (
	"strings"
	"testing"
)

// inventories makes what the shards of one statement show: for each, its row's state ("" without a row), and whether the
// definition is the old or the new one.
func inventories(verb string, shards ...string) []*Inventory {
	o := Object{Kind: Table, Database: "d", Name: "t"}
	before, after := Definition{SQL: table + "\n) ENGINE=InnoDB"}, Definition{SQL: table + ",\n  KEY `k` (`v`)\n) ENGINE=InnoDB"}
	var names []string
	for i := range shards {
		names = append(names, "s"+string(rune('1'+i)))
	}
	var list []*Inventory
	for i, s := range shards {
		state, now, _ := strings.Cut(s, " ")
		inv := &Inventory{Shard: names[i], Definitions: map[Object]Definition{o: before}}
		if now == "new" {
			inv.Definitions[o] = after
		}
		if state != "-" {
			inv.Records = []Record{{ID: "r", Shard: names[i], State: State(state), Intent: Intent{
				Verb: verb, Statement: "THE STATEMENT", Objects: []Object{o}, Shards: names, Before: []Definition{before}}}}
		}
		list = append(list, inv)
	}
	return list
}

func TestWhatIsDoneWithUnfinishedStatements(t *testing.T) {
	const alter = "alter table"
	everywhere := Expect(func(string, string) ([]string, bool) { return []string{"s1", "s2", "s3"}, true })
	for _, c := range []struct {
		name  string
		list  []*Inventory
		back  bool
		steps string // shard:first words, or !refusal
	}{
		{"written down on some shards only", inventories(alter, "intended old", "- old", "- old"), false, "record"},
		{"written down, not run", inventories(alter, "intended old", "intended old", "intended old"), false, "record"},
		{"run everywhere, not marked", inventories(alter, "intended new", "intended new", "intended new"), false, "record"},
		{"run on one, not marked", inventories(alter, "intended old", "intended new", "intended old"), false, "s1:THE STATEMENT s3:THE STATEMENT record"},
		{"run on one, undone", inventories(alter, "intended old", "intended new", "intended old"), true, "s2:ALTER TABLE record"},
		{"failed on one", inventories(alter, "done new", "failed old", "done new"), false, "s2:THE STATEMENT record"},
		{"failed on one, undone", inventories(alter, "done new", "failed old", "done new"), true, "s1:ALTER TABLE s3:ALTER TABLE record"},
		{"the records were being removed", inventories(alter, "- new", "done new", "- new"), false, "record"},
		{"the records were being removed, not marked", inventories(alter, "- new", "intended new", "- new"), true, "record"},
		{"emptied on one", inventories("truncate table", "done old", "intended old", "done old"), false, "!whether the rows"},
		{"emptied on one, undone", inventories("truncate table", "done old", "failed old", "done old"), true, "!the rows are gone"},
		{"not emptied yet", inventories("truncate table", "intended old", "- old", "- old"), false, "record"},
	} {
		var got []string
		for _, s := range Plan(c.list, everywhere, Names{}, RepairOptions{Back: c.back}) {
			switch {
			case s.Refused != "":
				got = append(got, "!"+s.Refused)
			case s.forget:
				got = append(got, "record")
			default:
				words := strings.Fields(s.SQL[0])
				got = append(got, s.Shard+":"+words[0]+" "+words[1])
			}
		}
		if text := strings.Join(got, " "); text != c.steps && !(strings.HasPrefix(c.steps, "!") && strings.HasPrefix(text, c.steps)) {
			t.Errorf("%s: %s, want %s", c.name, text, c.steps)
		}
	}
	// A shard that could not be asked leaves open what it has.
	list := inventories(alter, "done new", "intended old", "done new")
	list[1] = &Inventory{Shard: "s2", Err: errBusy}
	if steps := Plan(list, everywhere, Names{}, RepairOptions{}); len(steps) != 1 || !strings.Contains(steps[0].Refused, "could not be asked") {
		t.Errorf("with a shard away: %+v", steps)
	}
	running := inventories(alter, "done new", "intended old", "done new")
	running[1].Records[0].Running = true
	if steps := Plan(running, everywhere, Names{}, RepairOptions{Back: true}); len(steps) != 1 || !strings.Contains(steps[0].Refused, "still runs") {
		t.Errorf("while it runs: %+v", steps)
	}
	if steps := Plan(running, everywhere, Names{}, RepairOptions{Forget: "r"}); len(steps) != 1 || !steps[0].forget {
		t.Errorf("to be forgotten: %+v", steps)
	}
}

func TestDifferences(t *testing.T) {
	list := inventories("", "- old", "- new", "- old")
	list[2].Definitions[Object{Kind: Function, Database: "d", Name: "f"}] = Definition{SQL: "CREATE FUNCTION"}
	list[0].Definitions[Object{Kind: Table, Database: "d", Name: "lone"}] = Definition{SQL: table}
	tr := Object{Kind: Trigger, Database: "d", Name: "tr"}
	list[0].Definitions[tr], list[0].TriggerOn = Definition{SQL: "CREATE TRIGGER"}, map[Object]string{tr: "lone"}
	expect := Expect(func(_, name string) ([]string, bool) {
		if name == "lone" {
			return []string{"s2"}, true
		}
		return []string{"s1", "s2", "s3"}, true
	})
	var got []string
	for _, d := range Compare(list, expect) {
		got = append(got, d.String())
	}
	want := "function d.f: missing on s1, s2 (compared with s3)\n" +
		"table d.lone: missing on s2\n" + "table d.lone: extra on s1\n" +
		"table d.t: differs on s2 (compared with s1)\n" +
		"trigger d.tr: missing on s2\n" + "trigger d.tr: extra on s1"
	if text := strings.Join(got, "\n"); text != want {
		t.Errorf("got\n%s\nwant\n%s", text, want)
	}
}
