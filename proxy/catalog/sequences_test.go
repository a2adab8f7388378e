package catalog

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"lockstep/backend"
	"lockstep/protocol"
	"lockstep/sharding"
)

func reserve(t *testing.T, s *Sequences, table *sharding.Table, n int) uint64 {
	t.Helper()
	first, err := s.Reserve(t.Context(), table, n)
	if err != nil {
		t.Fatal(err)
	}
	return first
}

func wantIDs(t *testing.T, s *Sequences, table *sharding.Table, n int, want uint64) {
	t.Helper()
	if got := reserve(t, s, table, n); got != want {
		t.Errorf("%d ids from %d on, want from %d", n, got, want)
	}
}

func TestASingleClientGetsDenseIDs(t *testing.T) {
	shards := newShards(t, "a", "b")
	createCounting(t, shards, "dense", "t", "BIGINT")
	s := NewSequences(SequenceOptions{Home: shards[0], Shards: shards, Block: 10, Physical: physical})
	table := countingTable("dense", "t", "bigint", "bigint(20)")
	next := uint64(1)
	for _, n := range []int{1, 1, 5, 7, 25, 1, 100, 3, 10, 11, 9} {
		wantIDs(t, s, table, n, next)
		next += uint64(n)
	}
	exec(t, "TRUNCATE TABLE dense_a.t", "TRUNCATE TABLE dense_b.t")
	if err := s.Forget(t.Context(), "dense", "t"); err != nil {
		t.Fatal(err)
	}
	wantIDs(t, s, table, 4, 1)
}

func TestIDsStartAboveWhatIsThere(t *testing.T) {
	shards := newShards(t, "a", "b")
	for _, test := range []struct {
		name, options string
		columnType    string
		onB           string // ids on shard b
		want          uint64
	}{
		{"rows", "", "BIGINT", "(7), (41)", 42},
		{"negative", "", "INT", "(-5)", 1},
		{"option", "AUTO_INCREMENT=500", "BIGINT", "", 500},
		{"option-below-rows", "AUTO_INCREMENT=5", "BIGINT", "(70)", 71},
		{"float", "", "FLOAT", "(3), (16)", 17},
		{"above-2-63", "", "BIGINT UNSIGNED", "(9223372036854775807), (9223372036854775900)", 9223372036854775901},
		{"od`d.n'ame", "", "INT", "(3)", 4},
	} {
		t.Run(test.name, func(t *testing.T) {
			quoted := strings.ReplaceAll(test.name, "`", "``")
			createCounting(t, shards, "start", quoted, test.columnType, test.options)
			if test.onB != "" {
				exec(t, "INSERT INTO start_b.`"+quoted+"` (id) VALUES "+test.onB)
			}
			dataType, _, _ := strings.Cut(strings.ToLower(test.columnType), " ")
			table := countingTable("start", test.name, dataType, strings.ToLower(test.columnType))
			s := NewSequences(SequenceOptions{Home: shards[0], Shards: shards, Physical: physical})
			wantIDs(t, s, table, 3, test.want)
			wantIDs(t, s, table, 1, test.want+3)
		})
	}
}

func TestIDsAreNotReusedAfterARestart(t *testing.T) {
	shards := newShards(t, "a")
	createCounting(t, shards, "restart", "t", "INT")
	table := countingTable("restart", "t", "int", "int(11)")
	options := SequenceOptions{Home: shards[0], Shards: shards, Block: 50, Physical: physical}
	last := uint64(0)
	for range 5 {
		s := NewSequences(options)
		first := reserve(t, s, table, 20)
		if first <= last {
			t.Fatalf("id %d again after %d", first, last)
		}
		last = reserve(t, s, table, 40) + 39
	}
}

func TestTwoProxiesNeverShareAnID(t *testing.T) {
	shards := newShards(t, "a", "b")
	createCounting(t, shards, "race", "t", "BIGINT")
	exec(t, "INSERT INTO race_b.t (id) VALUES (1000)")
	table := countingTable("race", "t", "bigint", "bigint(20)")
	var mu sync.Mutex
	owner := map[uint64]string{}
	var wait sync.WaitGroup
	for p := range 2 {
		s := NewSequences(SequenceOptions{Home: shards[p], Shards: shards, Block: 7, Physical: physical})
		for g := range 4 {
			wait.Go(func() {
				me := fmt.Sprintf("proxy %d, session %d", p, g)
				for i := range 60 {
					n := 1 + (i*7+g)%11
					if i%13 == 12 {
						// An explicit id somewhere ahead.
						mu.Lock()
						high := uint64(0)
						for id := range owner {
							high = max(high, id)
						}
						mu.Unlock()
						if err := s.Explicit(context.Background(), table, high+3); err != nil {
							t.Error(err)
						}
					}
					first, err := s.Reserve(context.Background(), table, n)
					if err != nil {
						t.Error(err)
						return
					}
					mu.Lock()
					for id := first; id < first+uint64(n); id++ {
						if other := owner[id]; other != "" {
							t.Errorf("%s got id %d, which %s has", me, id, other)
						}
						if id <= 1000 {
							t.Errorf("id %d is on a shard", id)
						}
						owner[id] = me
					}
					mu.Unlock()
				}
			})
		}
	}
	wait.Wait()
}

// Proxies that meet at the first use of a table all start from the same row.
func TestFirstUseByManyProxies(t *testing.T) {
	shards := newShards(t, "a")
	for round := range 30 {
		name := fmt.Sprintf("t%d", round)
		createCounting(t, shards, "meet", name, "BIGINT")
		table := countingTable("meet", name, "bigint", "bigint(20)")
		var firsts [6]uint64
		var wait sync.WaitGroup
		for p := range firsts {
			s := NewSequences(SequenceOptions{Home: shards[0], Shards: shards, Block: 10, Physical: physical})
			wait.Go(func() {
				var err error
				if firsts[p], err = s.Reserve(context.Background(), table, 1); err != nil {
					t.Error(err)
				}
			})
		}
		wait.Wait()
		slices.Sort(firsts[:])
		if firsts != [6]uint64{1, 11, 21, 31, 41, 51} {
			t.Fatalf("blocks begin at %v", firsts)
		}
	}
}

func TestExplicitIDs(t *testing.T) {
	shards := newShards(t, "a")
	createCounting(t, shards, "explicit", "t", "INT")
	table := countingTable("explicit", "t", "int", "int(11)")
	s := NewSequences(SequenceOptions{Home: shards[0], Shards: shards, Block: 10, Physical: physical})
	explicit := func(id uint64) {
		t.Helper()
		if err := s.Explicit(t.Context(), table, id); err != nil {
			t.Fatal(err)
		}
	}
	explicit(5) // before the first use
	wantIDs(t, s, table, 1, 6)
	explicit(3) // below
	wantIDs(t, s, table, 1, 7)
	explicit(9) // within the block
	wantIDs(t, s, table, 1, 10)
	explicit(1000) // far above
	wantIDs(t, s, table, 2, 1001)
	other := NewSequences(SequenceOptions{Home: shards[0], Shards: shards, Block: 10, Physical: physical})
	if first := reserve(t, other, table, 1); first <= 1002 {
		t.Errorf("the other proxy got %d", first)
	}
	explicit(1 << 40) // no INT: nothing changes
	if first := reserve(t, s, table, 1); first != 1003 {
		t.Errorf("after an id that the column cannot hold: %d", first)
	}

	t.Run("a client that counts by itself", func(t *testing.T) {
		before := queries(t)
		for id := uint64(5000); id < 5100; id++ {
			explicit(id)
		}
		if n := queries(t) - before; n > 3*12 {
			t.Errorf("100 explicit ids took %d statements with blocks of 10", n)
		}
		wantIDs(t, s, table, 1, 5100)
	})
}

// queries is how many statements the server has run.
func queries(t *testing.T) int {
	t.Helper()
	db, err := server.Root()
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	var name, value string
	if err := db.QueryRow("SHOW GLOBAL STATUS LIKE 'Questions'").Scan(&name, &value); err != nil {
		t.Fatal(err)
	}
	n, err := strconv.Atoi(value)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func TestAColumnThatIsFull(t *testing.T) {
	shards := newShards(t, "a")
	for _, test := range []struct {
		name, dataType, columnType string
		max                        uint64 // largest id that is generated
		code                       uint16
	}{
		{"tiny", "tinyint", "tinyint(4)", 127, 167},
		{"utiny", "tinyint", "tinyint(3) unsigned", 255, 167},
		{"medium", "mediumint", "mediumint(9)", 1<<23 - 1, 167},
		{"plain", "int", "int(11)", 1<<31 - 1, 167},
		{"big", "bigint", "bigint(20)", 1<<63 - 1, 167},
		{"ubig", "bigint", "bigint(20) unsigned", 1<<64 - 2, 1467},
	} {
		t.Run(test.name, func(t *testing.T) {
			createCounting(t, shards, "full", test.name, test.columnType)
			table := countingTable("full", test.name, test.dataType, test.columnType)
			s := NewSequences(SequenceOptions{Home: shards[0], Shards: shards, Block: 1000, Physical: physical})
			if err := s.Explicit(t.Context(), table, test.max-5); err != nil {
				t.Fatal(err)
			}
			wantIDs(t, s, table, 3, test.max-4)
			wantFull(t, s, table, 3, test.code)
			wantIDs(t, s, table, 2, test.max-1)
			wantFull(t, s, table, 1, test.code)

			// The server itself agrees.
			exec(t, fmt.Sprintf("INSERT INTO full_a.`%s` (id) VALUES (%d)", test.name, test.max))
			err := server.Exec(t.Context(), fmt.Sprintf("INSERT INTO full_a.`%s` (id) VALUES (NULL)", test.name))
			if err == nil || !strings.Contains(err.Error(), fmt.Sprint(test.code)) {
				t.Errorf("the server says %v", err)
			}

			fresh := NewSequences(SequenceOptions{Home: shards[0], Shards: shards, Physical: physical})
			wantFull(t, fresh, table, 1, test.code)
			if err := fresh.Explicit(t.Context(), table, test.max); err != nil {
				t.Errorf("the largest id given by the client: %v", err)
			}
			if err := fresh.Forget(t.Context(), "full", test.name); err != nil {
				t.Fatal(err)
			}
			wantFull(t, fresh, table, 1, test.code) // the row is still there
		})
	}
}

func wantFull(t *testing.T, s *Sequences, table *sharding.Table, n int, code uint16) {
	t.Helper()
	first, err := s.Reserve(t.Context(), table, n)
	var e *protocol.ServerError
	if !errors.As(err, &e) || e.Code != code {
		t.Errorf("%d ids of a full column: %d, %v", n, first, err)
	}
}

func TestWaitersShareABlock(t *testing.T) {
	shards := newShards(t, "a")
	createCounting(t, shards, "share", "t", "BIGINT")
	table := countingTable("share", "t", "bigint", "bigint(20)")
	s := NewSequences(SequenceOptions{Home: shards[0], Shards: shards, Block: 1000, Physical: physical})
	reserve(t, s, table, 1000)
	before := queries(t)
	var wait sync.WaitGroup
	for range 50 {
		wait.Go(func() {
			if _, err := s.Reserve(context.Background(), table, 10); err != nil {
				t.Error(err)
			}
		})
	}
	wait.Wait()
	if n := queries(t) - before; n > 6 {
		t.Errorf("50 sessions took %d statements for one block", n)
	}
}

func TestHomeShardDown(t *testing.T) {
	shards := newShards(t, "a")
	createCounting(t, shards, "homeless", "t", "INT")
	down := backend.NewShard(backend.Options{Name: "gone", Address: "127.0.0.1:1", User: "root", DialTimeout: 300 * time.Millisecond})
	t.Cleanup(func() { _ = down.Close() })
	table := countingTable("homeless", "t", "int", "int(11)")
	var e *backend.DownError
	for name, s := range map[string]*Sequences{
		"home":   NewSequences(SequenceOptions{Home: down, Shards: shards, Physical: physical}),
		"holder": NewSequences(SequenceOptions{Home: shards[0], Shards: []*backend.Shard{shards[0], down}, Physical: physical}),
	} {
		if _, err := s.Reserve(t.Context(), table, 1); !errors.As(err, &e) || !strings.Contains(err.Error(), "homeless.t") || !strings.Contains(err.Error(), "gone") {
			t.Errorf("%s down: Reserve says %v", name, err)
		}
		if err := s.Explicit(t.Context(), table, 10); !errors.As(err, &e) {
			t.Errorf("%s down: Explicit says %v", name, err)
		}
	}
	table.Rule.Shards = []int{0}
	s := NewSequences(SequenceOptions{Home: shards[0], Shards: []*backend.Shard{shards[0], down}, Physical: physical})
	wantIDs(t, s, table, 1, 1) // the shard that is down has no rows of this table
}

func TestBadRequests(t *testing.T) {
	s := NewSequences(SequenceOptions{})
	table := countingTable("d", "t", "varchar", "varchar(20)")
	if _, err := s.Reserve(t.Context(), table, 1); err == nil {
		t.Error("a text column counts")
	}
	table.AutoIncrement = ""
	if _, err := s.Reserve(t.Context(), table, 1); err == nil {
		t.Error("a table without AUTO_INCREMENT counts")
	}
	if _, err := s.Reserve(t.Context(), table, 0); err == nil {
		t.Error("no ids were reserved")
	}
}

func TestAWaiterHeedsItsContext(t *testing.T) {
	shards := newShards(t, "a")
	table := countingTable("waiting", "t", "int", "int(11)")
	s := NewSequences(SequenceOptions{Home: shards[0], Shards: shards, Physical: physical})
	seq := s.of(tableName{"waiting", "t"})
	if err := seq.wait(t.Context()); err != nil {
		t.Fatal(err)
	}
	defer seq.done()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if _, err := s.Reserve(ctx, table, 1); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Reserve says %v", err)
	}
	if err := s.Forget(ctx, "waiting", "t"); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Forget says %v", err)
	}
}

func TestAutoIncrementOption(t *testing.T) {
	for create, want := range map[string]uint64{
		"CREATE TABLE `t` (\n  `id` int\n) ENGINE=InnoDB AUTO_INCREMENT=50 DEFAULT CHARSET=latin1":                                   50,
		"CREATE TABLE `t` (\n  `id` int\n) /*!50100 TABLESPACE `x` */ ENGINE=InnoDB AUTO_INCREMENT=18446744073709551615 COMMENT='x'": 1<<64 - 1,
		"CREATE TABLE `t` (\n  `id` int\n) ENGINE=InnoDB DEFAULT CHARSET=latin1 COMMENT=') ENGINE=InnoDB AUTO_INCREMENT=50'":         0,
		"CREATE TABLE `t` (\n  `id` int COMMENT 'AUTO_INCREMENT=7'\n) ENGINE=InnoDB":                                                 0,
	} {
		if got, _ := autoIncrementOption(create); got != want {
			t.Errorf("%q: %d, want %d", create, got, want)
		}
	}
}

func TestLiteralsMeanTheSameEverywhere(t *testing.T) {
	if server == nil {
		t.Skip("MariaDB is not installed")
	}
	db, err := server.Root()
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	db.SetMaxOpenConns(1)
	for _, mode := range []string{"", "ANSI_QUOTES,NO_BACKSLASH_ESCAPES"} {
		if _, err := db.Exec("SET NAMES utf8mb4, sql_mode = '" + mode + "'"); err != nil {
			t.Fatal(err)
		}
		for _, text := range []string{"a.b", `it's`, `back\slash`, `q"uote`, "žluťoučký", "", "tick`"} {
			var got string
			if err := db.QueryRow("SELECT " + literal(text)).Scan(&got); err != nil || got != text {
				t.Errorf("%q comes back as %q, %v", text, got, err)
			}
		}
	}
}
