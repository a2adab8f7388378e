package catalog

import (
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"lockstep/backend"
	"lockstep/protocol"
	"lockstep/sharding"
)

func logicalOf(prefix string) func(shard, physical string) string {
	return func(shard, physical string) string {
		if name, ok := strings.CutSuffix(physical, "_"+shard); ok && strings.HasPrefix(name, prefix) {
			return name
		}
		return ""
	}
}

func TestReadFindsTablesViewsAndKeys(t *testing.T) {
	shards := newShards(t, "a", "b")
	exec(t,
		"CREATE OR REPLACE DATABASE read_a", "CREATE OR REPLACE DATABASE read_b", "CREATE OR REPLACE DATABASE read_empty_a", "CREATE OR REPLACE DATABASE stranger",
		"CREATE TABLE read_a.orders (id BIGINT UNSIGNED NOT NULL AUTO_INCREMENT, customer INT NOT NULL, code VARCHAR(20) COLLATE utf8mb4_bin, "+
			"note TEXT CHARACTER SET latin1, twice INT AS (customer * 2) STORED, PRIMARY KEY (id, customer), UNIQUE KEY u (customer, code), KEY k (code), UNIQUE KEY a (code))",
		"CREATE TABLE read_b.orders LIKE read_a.orders",
		"CREATE TABLE read_b.only_here (e ENUM('x', 'y'), b VARBINARY(9), `odd ``name` DATETIME(3))",
		"CREATE VIEW read_a.names AS SELECT code FROM read_a.orders",
		"CREATE TABLE stranger.t (i INT)")
	tables, databases, err := Read(t.Context(), shards, logicalOf("read"))
	if err != nil {
		t.Fatal(err)
	}
	if want := []string{"read", "read_empty"}; !reflect.DeepEqual(databases, want) {
		t.Errorf("databases %q, want %q", databases, want)
	}
	collation := "latin1_swedish_ci"
	want := []sharding.TableInfo{
		{Database: "read", Name: "names", View: true, Definition: "select `read`.`orders`.`code` AS `code` from `read`.`orders`", Absent: []string{"b"}, Columns: []sharding.ColumnInfo{
			{Name: "code", DataType: "varchar", ColumnType: "varchar(20)", Collation: "utf8mb4_bin", CharLength: 20}}},
		{Database: "read", Name: "only_here", Absent: []string{"a"}, Columns: []sharding.ColumnInfo{
			{Name: "e", DataType: "enum", ColumnType: "enum('x','y')", Collation: tables[1].Columns[0].Collation, CharLength: 1},
			{Name: "b", DataType: "varbinary", ColumnType: "varbinary(9)"},
			{Name: "odd `name", DataType: "datetime", ColumnType: "datetime(3)"}}},
		{Database: "read", Name: "orders", PrimaryKey: []string{"id", "customer"}, UniqueKeys: [][]string{{"code"}, {"customer", "code"}}, Columns: []sharding.ColumnInfo{
			{Name: "id", DataType: "bigint", ColumnType: "bigint(20) unsigned", AutoIncrement: true},
			{Name: "customer", DataType: "int", ColumnType: "int(11)"},
			{Name: "code", DataType: "varchar", ColumnType: "varchar(20)", Collation: "utf8mb4_bin", CharLength: 20},
			{Name: "note", DataType: "text", ColumnType: "text", Collation: collation, CharLength: 65535},
			{Name: "twice", DataType: "int", ColumnType: "int(11)", Generated: true}}},
	}
	if !reflect.DeepEqual(tables, want) {
		t.Errorf("tables\n%+v\nwant\n%+v", tables, want)
	}

	t.Run("one table", func(t *testing.T) {
		info, ok, err := ReadTable(t.Context(), shards, physical, "read", "orders")
		if err != nil || !ok || !reflect.DeepEqual(info, want[2]) {
			t.Errorf("orders: %+v, %v, %v", info, ok, err)
		}
		if info, ok, err := ReadTable(t.Context(), shards, physical, "read", "gone"); err != nil || ok {
			t.Errorf("a table that is not there: %+v, %v, %v", info, ok, err)
		}
	})
	t.Run("differences", func(t *testing.T) {
		exec(t, "ALTER TABLE read_b.orders ADD extra INT")
		r, err := ReadShards(t.Context(), shards, Options{Logical: logicalOf("read")})
		if err != nil {
			t.Fatal(err)
		}
		if len(r.Differences) != 1 || !strings.Contains(r.Differences[0], "read.orders") {
			t.Errorf("differences %q", r.Differences)
		}
	})
	t.Run("limit", func(t *testing.T) {
		_, err := ReadShards(t.Context(), shards, Options{Logical: logicalOf("read"), MaxRows: 3})
		var many *backend.TooManyRowsError
		if !errors.As(err, &many) || !strings.Contains(err.Error(), "more than 3 columns") {
			t.Errorf("error %v", err)
		}
	})
}

func TestReadWithAShardDown(t *testing.T) {
	shards := newShards(t, "a")
	exec(t, "CREATE OR REPLACE DATABASE half_a", "CREATE TABLE half_a.t (i INT)")
	down := backend.NewShard(backend.Options{Name: "down", Address: "127.0.0.1:1", User: "root", DialTimeout: 300 * time.Millisecond})
	t.Cleanup(func() { _ = down.Close() })
	r, err := ReadShards(t.Context(), []*backend.Shard{down, shards[0]}, Options{Logical: logicalOf("half")})
	if err != nil || len(r.Tables) != 1 || r.Failed["down"] == nil || len(r.Failed) != 1 {
		t.Errorf("%+v, %v", r, err)
	}
	var e *backend.DownError
	if _, _, err = Read(t.Context(), []*backend.Shard{down}, nil); !errors.As(err, &e) {
		t.Errorf("all shards down: %v", err)
	}
	if _, _, err = ReadTable(t.Context(), []*backend.Shard{down}, nil, "half", "t"); !errors.As(err, &e) {
		t.Errorf("all shards down: %v", err)
	}
}

func TestReadManyTables(t *testing.T) {
	const tables = 1000
	shards := newShards(t, "a")
	exec(t, "CREATE OR REPLACE DATABASE many_a")
	var create []string
	for i := range tables {
		create = append(create, fmt.Sprintf("CREATE TABLE many_a.t%03d (id BIGINT AUTO_INCREMENT PRIMARY KEY, a INT, b VARCHAR(20), c DATETIME, UNIQUE KEY (a, b)) ENGINE=MyISAM", i))
	}
	exec(t, create...)
	start := time.Now()
	got, _, err := Read(t.Context(), shards, logicalOf("many"))
	took := time.Since(start)
	if err != nil || len(got) != tables {
		t.Fatalf("%d tables, %v", len(got), err)
	}
	t.Logf("%d tables in %v", tables, took)
	if took > 5*time.Second {
		t.Errorf("reading %d tables took %v", tables, took)
	}
}

func TestErrorsOfAShardAreItsOwn(t *testing.T) {
	shards := newShards(t, "a")
	s := NewSequences(SequenceOptions{Home: shards[0], Shards: shards, Physical: physical})
	_, err := s.Reserve(t.Context(), countingTable("nowhere", "t", "int", "int(11)"), 1)
	var e *protocol.ServerError
	if !errors.As(err, &e) || e.Code != 1146 && e.Code != 1049 {
		t.Errorf("ids of a table that is on no shard: %v", err)
	}
}
