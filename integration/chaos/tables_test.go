package chaos

import (
	"database/sql"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"lockstep/integration/history"
)

const (
	initialBalance = 1000
	groupCount     = 16
	groupOnShard   = 2 // accounts of a group on each shard
	listCount      = 1500
)

// tables are where the rows are that clients change.
//
// A group of accounts is closed: transfers stay inside it, so that its total never changes.
type tables struct {
	home   map[int]int // account to shard
	groups [][]int     // accounts, ascending
	lists  map[int]int // key to shard
}

// makeTables makes them through the first proxy. The ledger's key begins with the account, so that
// the default rule puts an entry beside the account that it changes.
func (w *world) makeTables() tables {
	w.t.Helper()
	db, err := sql.Open("mysql", w.DSN(""))
	if err != nil {
		w.t.Fatal(err)
	}
	defer db.Close()
	exec := func(statement string) {
		w.t.Helper()
		if _, err := db.Exec(statement); err != nil {
			w.t.Fatalf("%.200s: %v", statement, err)
		}
	}
	const candidates = 240
	var accounts, lists []string
	for id := 1; id <= candidates; id++ {
		accounts = append(accounts, fmt.Sprintf("(%d,%d)", id, initialBalance))
	}
	for key := 1; key <= listCount; key++ {
		lists = append(lists, fmt.Sprintf("(%d,'')", key))
	}
	exec("CREATE DATABASE " + database)
	exec("CREATE TABLE bank.account (id INT PRIMARY KEY, balance BIGINT NOT NULL) ENGINE=InnoDB")
	exec("CREATE TABLE bank.ledger (account INT NOT NULL, transfer VARCHAR(32) NOT NULL, amount BIGINT NOT NULL, PRIMARY KEY (account, transfer)) ENGINE=InnoDB")
	exec("CREATE TABLE bank.list (id INT PRIMARY KEY, vals TEXT NOT NULL) ENGINE=InnoDB")
	exec("INSERT INTO bank.account (id, balance) VALUES " + strings.Join(accounts, ","))
	exec("INSERT INTO bank.list (id, vals) VALUES " + strings.Join(lists, ","))

	tb := tables{home: map[int]int{}, groups: make([][]int, groupCount), lists: map[int]int{}}
	var surplus []string
	for shard := range w.Shards {
		s := w.state(shard)
		for key := range s.Lists {
			tb.lists[key] = shard
		}
		ids := make([]int, 0, len(s.Balances))
		for id := range s.Balances {
			ids = append(ids, id)
		}
		slices.Sort(ids)
		for n, id := range ids {
			if n >= groupCount*groupOnShard {
				surplus = append(surplus, strconv.Itoa(id))
				continue
			}
			tb.home[id] = shard
			g := n % groupCount
			tb.groups[g] = append(tb.groups[g], id)
		}
		if len(ids) < groupCount*groupOnShard {
			w.t.Fatalf("shard %d has %d of %d accounts: too few", shard+1, len(ids), candidates)
		}
	}
	for _, g := range tb.groups {
		slices.Sort(g)
	}
	if len(tb.lists) != listCount {
		w.t.Fatalf("the shards have %d lists, want %d", len(tb.lists), listCount)
	}
	exec("DELETE FROM bank.account WHERE id IN (" + strings.Join(surplus, ",") + ")")
	return tb
}

// state of a shard, read from the shard itself.
func (w *world) state(shard int) history.State {
	w.t.Helper()
	s := history.State{Shard: shard, Balances: map[int]int64{}, Lists: map[int][]int64{}}
	w.rows(shard, "SELECT id, balance FROM bank.account", func(scan func(...any) error) error {
		var id int
		var balance int64
		err := scan(&id, &balance)
		s.Balances[id] = balance
		return err
	})
	w.rows(shard, "SELECT account, transfer, amount FROM bank.ledger", func(scan func(...any) error) error {
		var e history.Entry
		err := scan(&e.Account, &e.Transfer, &e.Amount)
		s.Ledger = append(s.Ledger, e)
		return err
	})
	w.rows(shard, "SELECT id, vals FROM bank.list", func(scan func(...any) error) error {
		var key int
		var text string
		if err := scan(&key, &text); err != nil {
			return err
		}
		list, err := values(text)
		s.Lists[key] = list
		return err
	})
	return s
}

func (w *world) rows(shard int, query string, each func(scan func(...any) error) error) {
	w.t.Helper()
	ctx, cancel := shortly()
	defer cancel()
	rows, err := w.root(shard).QueryContext(ctx, query)
	if err != nil {
		w.t.Fatalf("%s on shard %d: %v", query, shard+1, err)
	}
	defer rows.Close()
	for rows.Next() {
		if err := each(rows.Scan); err != nil {
			w.t.Fatalf("%s on shard %d: %v", query, shard+1, err)
		}
	}
	if err := rows.Err(); err != nil {
		w.t.Fatalf("%s on shard %d: %v", query, shard+1, err)
	}
}

// values of a list, as its row has them: each after a comma.
func values(text string) ([]int64, error) {
	list := []int64{}
	for i, field := range strings.Split(text, ",") {
		if i == 0 {
			continue
		}
		v, err := strconv.ParseInt(field, 10, 64)
		if err != nil {
			return nil, fmt.Errorf("list %.100q: %w", text, err)
		}
		list = append(list, v)
	}
	return list, nil
}
