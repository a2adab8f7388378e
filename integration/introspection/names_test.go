package introspection

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	gomysql "github.com/go-mysql-org/go-mysql/client"

	"lockstep/integration/cluster"
	"lockstep/localdb"
)

// Shards may call their parts of a database by other names, which clients never see; and a user who is limited to some databases
// sees no others.
func TestNames(t *testing.T) {
	c := cluster.Start(t, cluster.Options{Shards: 2, Config: schemas, Users: "{name: clerk, password: clerk, databases: [shop]}"})
	text, err := os.ReadFile(c.ConfigPath())
	if err != nil {
		t.Fatal(err)
	}
	named := string(text)
	for i, s := range c.Shards {
		named = strings.Replace(named, "address: "+s.Address()+"\n", fmt.Sprintf("address: %s\n    database: part_%d\n", s.Address(), i+1), 1)
		if _, err := c.ShardDB(i, "").Exec(fmt.Sprintf("CREATE DATABASE part_%d CHARACTER SET utf8mb4", i+1)); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(c.ConfigPath(), []byte(named), 0o600); err != nil {
		t.Fatal(err)
	}
	c.StartProxy()
	conn, err := gomysql.Connect(c.Listen, cluster.User, cluster.Password, "shop")
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	for _, d := range definitions {
		execute(t, conn, d)
	}
	execute(t, conn, "CREATE VIEW rich AS SELECT id, name FROM customer WHERE balance > 2")
	p := &pair{t: t, proxy: conn}
	tables := []string{"country|BASE TABLE", "customer|BASE TABLE", "orders|BASE TABLE", "rich|VIEW", "setting|BASE TABLE"}
	p.want("SELECT table_name, table_type FROM information_schema.tables WHERE table_schema = 'shop' ORDER BY table_name", tables...)
	p.want("SELECT DISTINCT table_schema FROM information_schema.columns WHERE table_name IN ('setting', 'orders')", "shop")
	p.want("SELECT constraint_schema, unique_constraint_schema FROM information_schema.referential_constraints WHERE table_name = 'orders'", "shop|shop")
	p.want("SELECT COUNT(*) FROM information_schema.tables WHERE table_schema LIKE 'part%'", "0")
	p.want("SELECT table_rows FROM information_schema.tables WHERE table_schema = DATABASE() AND table_name = 'setting'", "1")
	p.want("SHOW FULL TABLES", tables...)
	if a := ask(t, conn, "SHOW TABLES", false); !slices.Equal(a.names, []string{"Tables_in_shop"}) {
		t.Errorf("SHOW TABLES calls its column %q", a.names)
	}
	if got := p.shown("SHOW TABLE STATUS LIKE 'orders'"); len(got) != 1 {
		t.Errorf("SHOW TABLE STATUS: %q", got)
	}
	for _, q := range []string{"SHOW CREATE VIEW rich", "SELECT view_definition FROM information_schema.views WHERE table_schema = 'shop'", "SHOW DATABASES", "SHOW CREATE TABLE orders", "CHECK TABLE orders"} {
		if got := strings.Join(p.shown(q), "\n"); strings.Contains(got, "part_") || got == "" {
			t.Errorf("%s: %s", q, got)
		}
	}
	p.want("CHECK TABLE orders, setting", "shop.orders|check|status|OK", "shop.setting|check|status|OK")

	clerk, err := gomysql.Connect(c.Listen, "clerk", "clerk", "shop")
	if err != nil {
		t.Fatal(err)
	}
	defer clerk.Close()
	p.proxy = clerk
	p.want("SHOW DATABASES", "information_schema", "shop")
	p.want("SELECT schema_name FROM information_schema.schemata WHERE schema_name NOT LIKE 'inf%'", "shop")
	p.want("SELECT COUNT(*) FROM information_schema.tables WHERE table_schema = 'mysql'", "0")
	p.want("SELECT COUNT(DISTINCT user) FROM information_schema.processlist", "1")
	if cluster.Engine(t) == localdb.MariaDB {
		p.want("SHOW GRANTS", "GRANT ALL PRIVILEGES ON `shop`.* TO 'clerk'@'%'")
	}
	if a := ask(t, clerk, "SHOW TABLE STATUS FROM mysql", false); a.code != 1044 {
		t.Errorf("SHOW TABLE STATUS FROM mysql: %d %s", a.code, a.message)
	}
}
