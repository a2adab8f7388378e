package commit

import (
	"context"
	"database/sql"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"
)

// outcome is what a client knows of its transfer.
type outcome string

const (
	committed  outcome = "committed"   // OK to COMMIT
	rolledBack outcome = "rolled back" // an error to COMMIT that says so, or COMMIT was never sent
	unknown    outcome = "unknown"     // the connection broke at COMMIT, or the proxy says that it cannot know
)

// codeInDoubt is the error number of a COMMIT whose outcome cannot be known yet.
const codeInDoubt = 1401

// leg is one side of a transfer.
type leg struct {
	account int
	amount  int64
}

type transfer struct {
	id       string
	legs     []leg
	lockWait int // seconds; 0: as the shards have it
	outcome  outcome
	err      error
	took     time.Duration // of COMMIT
}

// bank is clients that move money until they are told to stop.
type bank struct {
	*accounts
	next func(id string, rnd *rand.Rand) transfer // what a client does next
	stop chan struct{}
	wait sync.WaitGroup

	mu        sync.Mutex
	transfers []transfer
}

const bankClients = 16

// open starts the clients.
func (a *accounts) open(seed uint64) *bank { return a.openWith(bankClients, seed, a.draw) }

// openWith starts some clients that do other transfers.
func (a *accounts) openWith(clients int, seed uint64, next func(string, *rand.Rand) transfer) *bank {
	b := &bank{accounts: a, next: next, stop: make(chan struct{})}
	for n := range clients {
		rnd := rand.New(rand.NewPCG(seed, uint64(n)))
		b.wait.Go(func() { b.client(n, rnd) })
	}
	return b
}

// close stops the clients and answers all transfers.
func (b *bank) close() []transfer {
	close(b.stop)
	b.wait.Wait()
	return b.transfers
}

// count of transfers with an outcome until now.
func (b *bank) count(o outcome) (n int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, t := range b.transfers {
		if t.outcome == o {
			n++
		}
	}
	return n
}

func (b *bank) client(n int, rnd *rand.Rand) {
	params := []string{"timeout=5s", "readTimeout=60s", "writeTimeout=60s"}
	if n%2 == 0 { // half of them in the text protocol
		params = append(params, "interpolateParams=true")
	}
	db, err := sql.Open("mysql", b.w.DSN(database, params...))
	if err != nil {
		b.w.t.Errorf("client %d: %v", n, err)
		return
	}
	defer db.Close()
	var conn *sql.Conn
	for i := 0; ; i++ {
		select {
		case <-b.stop:
			if conn != nil {
				conn.Close()
			}
			return
		default:
		}
		if conn == nil {
			if conn, err = db.Conn(context.Background()); err != nil { // the proxy is down
				conn = nil
				time.Sleep(5 * time.Millisecond)
				continue
			}
		}
		t := b.next(fmt.Sprintf("c%d-%d", n, i), rnd)
		broken := t.run(conn)
		b.mu.Lock()
		b.transfers = append(b.transfers, t)
		b.mu.Unlock()
		if broken {
			conn.Close()
			conn = nil
		}
	}
}

// draw a transfer: mostly two accounts on two shards, now and then three on three, or two on one. The
// accounts are in order, so that transfers wait for each other but do not deadlock across shards.
func (a *accounts) draw(id string, rnd *rand.Rand) transfer {
	shards := rnd.Perm(len(a.on))
	switch dice := rnd.IntN(10); {
	case dice == 0:
		shards = []int{shards[0], shards[0]}
	case dice > 2:
		shards = shards[:2]
	}
	var ids []int
	for len(ids) < len(shards) {
		of := a.on[shards[len(ids)]]
		if id := of[rnd.IntN(len(of))]; !slices.Contains(ids, id) {
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	t := transfer{id: id}
	rest := int64(0)
	for _, account := range ids[1:] {
		amount := rnd.Int64N(50) + 1
		t.legs = append(t.legs, leg{account, amount})
		rest -= amount
	}
	t.legs = append([]leg{{ids[0], rest}}, t.legs...)
	return t
}

// run the transfer; broken says that the connection is of no more use.
func (t *transfer) run(conn *sql.Conn) (broken bool) {
	ctx := context.Background()
	t.outcome = rolledBack // as long as COMMIT was not sent
	t.err = t.body(conn)
	if t.err != nil {
		if codeOf(t.err) == -1 {
			return true
		}
		_, err := conn.ExecContext(ctx, "ROLLBACK")
		return err != nil
	}
	began := time.Now()
	_, t.err = conn.ExecContext(ctx, "COMMIT")
	t.took = time.Since(began)
	switch codeOf(t.err) {
	case 0:
		t.outcome = committed
	case codeInDoubt:
		t.outcome = unknown
	case -1:
		t.outcome, broken = unknown, true
	}
	return broken
}

func (t *transfer) body(conn *sql.Conn) error {
	ctx := context.Background()
	if t.lockWait > 0 {
		if _, err := conn.ExecContext(ctx, fmt.Sprintf("SET innodb_lock_wait_timeout = %d", t.lockWait)); err != nil {
			return err
		}
	}
	if _, err := conn.ExecContext(ctx, "BEGIN"); err != nil {
		return err
	}
	for _, l := range t.legs {
		if _, err := conn.ExecContext(ctx, "UPDATE account SET balance = balance + ? WHERE id = ?", l.amount, l.account); err != nil {
			return err
		}
		if _, err := conn.ExecContext(ctx, "INSERT INTO ledger (account, transfer, amount) VALUES (?, ?, ?)", l.account, t.id, l.amount); err != nil {
			return err
		}
	}
	return nil
}

// check holds all transfers against what the shards have. Nothing may be prepared any more.
func (a *accounts) check(t *testing.T, transfers []transfer) {
	t.Helper()
	booked := map[string][]leg{}
	changed := map[int]int64{}
	total := int64(0)
	for shard := range a.w.Shards {
		rows, err := a.w.shard(shard).Query("SELECT account, transfer, amount FROM " + database + ".ledger")
		if err != nil {
			t.Fatal(err)
		}
		for rows.Next() {
			var l leg
			var id string
			if err := rows.Scan(&l.account, &id, &l.amount); err != nil {
				t.Fatal(err)
			}
			if a.home[l.account] != shard {
				t.Errorf("transfer %s: entry of account %d on shard %d, the account is on %d", id, l.account, shard, a.home[l.account])
			}
			booked[id] = append(booked[id], l)
			changed[l.account] += l.amount
		}
		if err := rows.Err(); err != nil {
			t.Fatal(err)
		}
		rows.Close()
		for id, balance := range a.w.balances(t, shard) {
			if a.home[id] != shard {
				t.Errorf("account %d is on shard %d and should be on %d", id, shard, a.home[id])
			}
			if want := a.initial + changed[id]; balance != want {
				t.Errorf("account %d has %d, its entries say %d", id, balance, want)
			}
			total += balance
		}
	}
	if want := a.initial * int64(len(a.home)); total != want {
		t.Errorf("all accounts have %d, want %d", total, want)
	}
	wrong := 0
	for _, tr := range transfers {
		if err := tr.check(booked[tr.id]); err != nil {
			if wrong++; wrong <= 10 {
				t.Errorf("transfer %s (%s, err %v): %v", tr.id, tr.outcome, tr.err, err)
			}
		}
		delete(booked, tr.id)
	}
	if wrong > 10 {
		t.Errorf("and %d more", wrong-10)
	}
	for id, legs := range booked {
		t.Errorf("entries of transfer %s that nobody made: %v", id, legs)
	}
}

// check one transfer against its entries.
func (t *transfer) check(booked []leg) error {
	switch {
	case len(booked) == 0 && t.outcome == committed:
		return fmt.Errorf("acknowledged, and not there")
	case len(booked) == 0:
		return nil
	case t.outcome == rolledBack:
		return fmt.Errorf("rolled back, and there: %v", booked)
	case len(booked) != len(t.legs):
		return fmt.Errorf("done by half: entries %v of %v", booked, t.legs)
	}
	for _, l := range t.legs {
		if !slices.Contains(booked, l) {
			return fmt.Errorf("entries %v, want %v", booked, t.legs)
		}
	}
	return nil
}

// summary logs what happened, and fails a test in which nothing did.
func summary(t *testing.T, transfers []transfer) {
	t.Helper()
	count := map[outcome]int{}
	errs, sample := map[string]int{}, map[string]error{}
	longest := time.Duration(0)
	for _, tr := range transfers {
		count[tr.outcome]++
		longest = max(longest, tr.took)
		if tr.err != nil {
			kind := fmt.Sprintf("%s %d", tr.outcome, codeOf(tr.err))
			errs[kind]++
			sample[kind] = tr.err
		}
	}
	t.Logf("%d transfers committed, %d rolled back, %d unknown; longest COMMIT %v; errors by outcome and number: %v",
		count[committed], count[rolledBack], count[unknown], longest.Round(time.Millisecond), errs)
	for kind, err := range sample {
		t.Logf("for example %s: %v", kind, err)
	}
	if count[committed] == 0 || count[unknown] == 0 {
		t.Errorf("want some transfers committed and some unknown: otherwise this test has shown nothing")
	}
}
