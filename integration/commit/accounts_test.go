package commit

import (
	"fmt"
	"strings"
	"testing"
)

// accounts are the rows that transactions change, and where each lives.
type accounts struct {
	w       *world
	initial int64
	home    map[int]int // account to shard
	on      [][]int     // accounts by shard
}

// makeAccounts makes the tables through the running proxy.
//
// ledger's primary key begins with the account, so that the default rule puts a
// transfer's entry beside the account that it changes.
func (w *world) makeAccounts(n int, initial int64) *accounts {
	w.t.Helper()
	db := w.DB("")
	mustExec(w.t, db, "CREATE DATABASE "+database,
		"CREATE TABLE "+database+".account (id INT PRIMARY KEY, balance BIGINT NOT NULL) ENGINE=InnoDB",
		"CREATE TABLE "+database+".ledger (account INT NOT NULL, transfer VARCHAR(32) NOT NULL, amount BIGINT NOT NULL, PRIMARY KEY (account, transfer)) ENGINE=InnoDB")
	var rows []string
	for id := 1; id <= n; id++ {
		rows = append(rows, fmt.Sprintf("(%d,%d)", id, initial))
	}
	mustExec(w.t, db, "INSERT INTO "+database+".account (id, balance) VALUES "+strings.Join(rows, ","))
	a := &accounts{w: w, initial: initial, home: map[int]int{}, on: make([][]int, len(w.Shards))}
	for i := range w.Shards {
		for id := range w.balances(w.t, i) {
			if other, twice := a.home[id]; twice {
				w.t.Fatalf("account %d is on shards %d and %d", id, other, i)
			}
			a.home[id] = i
		}
	}
	for id := 1; id <= n; id++ {
		i, there := a.home[id]
		if !there {
			w.t.Fatalf("account %d is on no shard", id)
		}
		a.on[i] = append(a.on[i], id)
	}
	for i, list := range a.on {
		if len(list) < 2 {
			w.t.Fatalf("shard %d has %d of %d accounts: too few for these tests", i, len(list), n)
		}
	}
	return a
}

// balances of the accounts of one shard, read from the shard.
func (w *world) balances(t *testing.T, shard int) map[int]int64 {
	t.Helper()
	rows, err := w.shard(shard).Query("SELECT id, balance FROM " + database + ".account")
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	list := map[int]int64{}
	for rows.Next() {
		var id int
		var balance int64
		if err := rows.Scan(&id, &balance); err != nil {
			t.Fatal(err)
		}
		list[id] = balance
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return list
}

// balance of one account, read from its shard.
func (a *accounts) balance(t *testing.T, id int) int64 {
	t.Helper()
	return queryInt(t, a.w.shard(a.home[id]), "SELECT balance FROM "+database+".account WHERE id = ?", id)
}

// pick one account on each of the first n shards.
func (a *accounts) pick(n int) []int {
	var list []int
	for i := range n {
		list = append(list, a.on[i][0])
	}
	return list
}

// add is the statement that changes one account.
func add(id int, amount int64) string {
	return fmt.Sprintf("UPDATE account SET balance = balance + (%d) WHERE id = %d", amount, id)
}
