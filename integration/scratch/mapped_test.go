package scratch

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"lockstep/integration/cluster"
)

// TestMapped: shards that call their parts of the database by other names.
func TestMapped(t *testing.T) {
	c := cluster.Start(t, cluster.Options{Shards: 2, Config: strings.NewReplacer("shard: s3", "shard: s1").Replace(rules)})
	text, err := os.ReadFile(c.ConfigPath())
	if err != nil {
		t.Fatal(err)
	}
	mapped := string(text)
	for i, s := range c.Shards {
		mapped = strings.Replace(mapped, "address: "+s.Address()+"\n", fmt.Sprintf("address: %s\n    database: part_%d\n", s.Address(), i+1), 1)
		if _, err := c.ShardDB(i, "").Exec(fmt.Sprintf("CREATE DATABASE part_%d CHARACTER SET utf8mb4", i+1)); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(c.ConfigPath(), []byte(mapped), 0o600); err != nil {
		t.Fatal(err)
	}
	c.StartProxy()
	conn := dial(t, c.Listen, "d")
	for _, sql := range append(tables[:len(tables):len(tables)], rows()...) {
		must(t, conn, sql)
	}
	for _, q := range []string{
		"SELECT COUNT(*) FROM customer c JOIN orders o ON o.customer_id = c.id",
		"SELECT COUNT(*) FROM d.customer c JOIN d.orders ON d.orders.customer_id = c.id",
		"SELECT COUNT(*) FROM note n JOIN customer c ON c.id = n.k JOIN orders o ON o.customer_id = c.id",
		"SELECT COUNT(*) FROM d.note n JOIN d.job j ON j.note_k = n.k",
		"SELECT COUNT(*) FROM region r LEFT JOIN d.customer ON d.customer.region = r.id",
	} {
		for _, prepared := range []bool{false, true} {
			for _, in := range []string{"BEGIN", "COMMIT"} {
				must(t, conn, in)
				if a := ask(t, conn, q, true, prepared); a.code != 0 || len(a.rows) != 1 || a.rows[0] == "0" {
					t.Errorf("%s (prepared: %v): %d %s, rows %q", q, prepared, a.code, a.message, a.rows)
				}
			}
		}
	}
}
