package limits

import (
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"strconv"
	"sync"
	"testing"
	"time"

	"lockstep/integration/cluster"
	"lockstep/integration/wireclient"
)

func itoa(n int) string { return strconv.Itoa(n) }

// nonsense is a byte string of some kind: noise, frames of noise, frames whose lengths lie, and cut and
// damaged conversations that were in order once.
func nonsense(r *rand.Rand, order []byte) []byte {
	noise := func(n int) []byte {
		b := make([]byte, r.IntN(n))
		for i := range b {
			b[i] = byte(r.Uint32())
		}
		return b
	}
	switch r.IntN(6) {
	case 0:
		return noise(300)
	case 1:
		return wireclient.Frames(byte(r.IntN(3)), noise(2000))
	case 2: // a length that nothing comes of
		return append([]byte{byte(r.Uint32()), byte(r.Uint32()), byte(r.Uint32()), byte(r.IntN(2))}, noise(5000)...)
	case 3: // commands of noise
		var b []byte
		for range r.IntN(20) {
			b = append(b, wireclient.Frames(0, append([]byte{byte(r.IntN(34))}, noise(100)...))...)
		}
		return b
	case 4:
		return order[:r.IntN(len(order)+1)]
	default:
		b := append([]byte{}, order...)
		for range 1 + r.IntN(5) {
			b[r.IntN(len(b))] = byte(r.Uint32())
		}
		return b
	}
}

// TestGarbage: any bytes, before a login and behind one, get an error or an end. The proxy lives, others are
// served, and in the end nothing is left of it.
func TestGarbage(t *testing.T) {
	strings := quickOr(4000, 100000)
	c := start(t, cluster.Options{Config: "timeouts: {handshake: 2s, statement: 2s}\nlimits: {max_packet: 4194304}\n"})
	setup := dial(t, c, "d")
	run(t, setup, "CREATE TABLE t (id INT PRIMARY KEY, v INT)")
	run(t, setup, "INSERT INTO t VALUES (1, 1), (2, 2)")
	hello, err := wireclient.Dial(c.Listen, wireclient.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := hello.ReadGreeting(); err != nil {
		t.Fatal(err)
	}
	login := wireclient.Frames(1, hello.LoginRequest(options("d")))
	hello.Close()
	var commands []byte
	for _, cmd := range []wireclient.Command{
		wireclient.Query("SELECT id, v FROM t ORDER BY id"), wireclient.Query("SELECT 1; SELECT 2"), wireclient.Cmd(wireclient.ComPing),
		append(wireclient.Command{wireclient.ComStmtPrepare}, "SELECT v FROM t WHERE id = ?"...),
		append(wireclient.Command{wireclient.ComStmtExecute}, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 3, 0, 1, 0, 0, 0), wireclient.Cmd(wireclient.ComResetConnection),
	} {
		commands = append(commands, cmd.Wire()...)
	}
	send := func(r *rand.Rand) error {
		var nc net.Conn
		order := login
		if r.IntN(2) == 0 {
			var err error
			if nc, err = net.DialTimeout("tcp", c.Listen, 5*time.Second); err != nil {
				return err
			}
		} else {
			k, err := wireclient.Connect(c.Listen, options("d"))
			if err != nil {
				return err
			}
			nc, order = k.NetConn(), commands
		}
		defer nc.Close()
		if err := nc.SetDeadline(time.Now().Add(30 * time.Second)); err != nil {
			return err
		}
		_, _ = nc.Write(nonsense(r, order)) // the proxy may have ended it
		if r.IntN(4) == 0 {
			return nil // gone without hearing the answer
		}
		_ = nc.(*net.TCPConn).CloseWrite() // as above
		_, err := io.Copy(io.Discard, nc)
		var ne net.Error
		if errors.As(err, &ne) && ne.Timeout() {
			return errors.New("the connection does not end")
		}
		return nil
	}
	round := func(n int, seed uint64) {
		var wait sync.WaitGroup
		for w := range 8 {
			wait.Go(func() {
				r := rand.New(rand.NewPCG(seed, uint64(w)))
				for range n / 8 {
					if err := send(r); err != nil {
						t.Errorf("seed %d: %v", seed, err)
						return
					}
				}
			})
		}
		wait.Wait()
		eventually(t, "clients that are still there", 1, func() int { return metric(t, c, "lockstep_sessions") })
		eventually(t, "server connections in use", 0, func() int { return metric(t, c, `lockstep_shard_connections\{[^}]*state="in_use"[^}]*\}`) })
	}
	round(strings/4, 1) // connections, caches and the heap take their size
	before, goroutines := resident(t, c), metric(t, c, "go_goroutines")
	round(strings, uint64(time.Now().UnixNano()))
	eventually(t, "goroutines", goroutines+20, func() int { return metric(t, c, "go_goroutines") })
	after := resident(t, c)
	t.Logf("%d byte strings: resident memory %s before, %s after", strings, mib(before), mib(after))
	if after-before > 48<<20 && !raced {
		t.Errorf("the proxy grew from %s to %s", mib(before), mib(after))
	}
	run(t, setup, "SELECT id, v FROM t ORDER BY id")
}
