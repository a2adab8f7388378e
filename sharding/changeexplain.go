package sharding

import "strings"

// steps shows for people what will happen.
func (ch *Change) steps() []ExplainRow {
	if ch.Refused != "" {
		return []ExplainRow{{Step: "refuse", Statement: ch.Refused}}
	}
	rows := []ExplainRow{{Step: "rows", Statement: string(ch.Read)}}
	for i := range ch.Tables {
		t := &ch.Tables[i]
		where := "on each row's shard: "
		if t.Table.Rule.Kind == Global {
			where = "on every shard: "
		}
		text := t.AppendStatement(nil, nil, []string{"…"}, nil)
		rows = append(rows, ExplainRow{Step: "change", Statement: where + strings.TrimSpace(string(text))})
		if t.Move != nil {
			rows = append(rows, ExplainRow{Step: "move", Statement: "rows whose new " + t.Table.Rule.Key +
				" belongs to another shard: read, deleted there, inserted where they belong"})
		}
	}
	return append(rows, ExplainRow{Step: "commit", Statement: "two-phase commit of all branches that wrote"})
}
