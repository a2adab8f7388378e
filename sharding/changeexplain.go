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
		shard := "each row's"
		switch t.Table.Rule.Kind {
		case Global:
			shard = "every copy"
		case Single:
			shard = "its own"
		}
		keys := []string{"…"}
		r := ExplainRow{Step: "change", Statement: string(t.AppendStatement(nil, nil, keys, nil))}
		r.Statement = "on " + shard + " shard: " + r.Statement
		if shard == "every copy" {
			r.Statement = strings.Replace(r.Statement, "every copy shard", "every shard", 1)
		}
		rows = append(rows, r)
		if t.Move != nil {
			rows = append(rows, ExplainRow{Step: "move", Statement: "rows whose new " + t.Table.Rule.Key +
				" belongs to another shard: read, deleted there, inserted where they belong"})
		}
	}
	return append(rows, ExplainRow{Step: "commit", Statement: "two-phase commit of all branches that wrote"})
}
