package threephase

import (
	"context"
	"database/sql"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"lockstep/integration/cluster"
)

// load is a client that makes transfers one after the other and keeps what it heard.
type load struct {
	w    *world
	p    *cluster.Proxy
	k    int
	mode string

	halt chan struct{}
	done chan struct{}
	once sync.Once

	heard []heard
}

// heard is what the client knows of one transfer.
type heard struct {
	x      *transfer
	answer error // of COMMIT, or of what failed before it
}

// firstOf keeps the transfers of the clients apart.
const firstOf = 10_000

// load starts the k-th client, which has accounts of its own; it connects anew whenever it has to.
func (w *world) load(t *testing.T, p *cluster.Proxy, k int, mode string) *load {
	t.Helper()
	l := &load{w: w, p: p, k: k, mode: mode, halt: make(chan struct{}), done: make(chan struct{})}
	go l.run()
	t.Cleanup(l.stop)
	return l
}

func (l *load) run() {
	defer close(l.done)
	rnd := rand.New(rand.NewPCG(uint64(l.k), uint64(time.Now().UnixNano())))
	db, err := sql.Open("mysql", l.p.DSN("bank", "readTimeout=20s"))
	if err != nil {
		panic(err) // the DSN is ours
	}
	defer db.Close()
	for n := 1; ; n++ {
		select {
		case <-l.halt:
			return
		default:
		}
		x := &transfer{id: firstOf*(l.k+1) + n}
		for i := range l.w.on {
			x.ids = append(x.ids, l.w.on[i][l.k%len(l.w.on[i])])
		}
		if rnd.IntN(2) == 0 {
			x.ids[0], x.ids[len(x.ids)-1] = x.ids[len(x.ids)-1], x.ids[0]
		}
		answer := l.one(db, x)
		l.heard = append(l.heard, heard{x, answer})
		if answer != nil { // not as fast as it can while the proxy is away
			time.Sleep(5 * time.Millisecond)
		}
	}
}

func (l *load) one(db *sql.DB, x *transfer) error {
	ctx := context.Background()
	conn, err := db.Conn(ctx)
	if err != nil {
		return fmt.Errorf("connect: %w", err)
	}
	defer conn.Close()
	list := append([]string{"SET lockstep_commit_mode = '" + l.mode + "'", "BEGIN"}, x.statements()...)
	for _, s := range append(list, "COMMIT") {
		if _, err := conn.ExecContext(ctx, s); err != nil {
			if s != "COMMIT" {
				_, _ = conn.ExecContext(ctx, "ROLLBACK") // a connection that is broken is rolled back without it
			}
			return err
		}
	}
	return nil
}

// stop ends the client after its transfer. What it heard may be read then.
func (l *load) stop() {
	l.once.Do(func() { close(l.halt) })
	<-l.done
}

// check holds all that the client heard against the data, and counts what was committed.
func (l *load) check(t *testing.T) (committed int) {
	t.Helper()
	for _, h := range l.heard {
		if l.w.mustAgree(t, h.x, h.answer) {
			committed++
		}
	}
	return committed
}
