package transcript

import (
	"errors"
	"fmt"
	"net"
	"slices"
	"sync"
	"testing"
	"time"

	"lockstep/integration/wireclient"
)

// must checks an answer of one result without an error.
func must(t *testing.T, what string, a *wireclient.Answer, err error) *wireclient.Result {
	t.Helper()
	if err != nil || a.Closed || a.Detail() != "" || len(a.Results) != 1 {
		t.Fatalf("%s: %v %v %s", what, err, a.Lines(), a.Detail())
	}
	return &a.Results[0]
}

// value is the only field of the only row.
func value(t *testing.T, what string, a *wireclient.Answer, err error) string {
	t.Helper()
	r := must(t, what, a, err)
	if len(r.Rows) != 1 || len(r.Rows[0].Fields) != 1 {
		t.Fatalf("%s: %v", what, a.Lines())
	}
	return string(r.Rows[0].Fields[0])
}

// flow has clients that write more than they read, read late, or stop in the middle.
func (p *pair) flow(t *testing.T) {
	t.Run("thousands of commands in one write", func(t *testing.T) {
		const n = 5000
		for _, closed := range []bool{false, true} {
			c := p.dial(t, p.proxied, wireclient.Options{Database: "d", Timeout: 30 * time.Second})
			var all []byte
			var cmds []wireclient.Command
			for i := range n {
				cmd := ping
				switch i % 5 {
				case 1:
					cmd = query(fmt.Sprintf("SELECT %d", i))
				case 2:
					cmd = query("SELECT nope FROM t")
				case 3:
					cmd = onStatement(wireclient.ComStmtClose, 77, "") // has no answer
				case 4:
					cmd = command(wireclient.ComInitDB, "d")
				}
				cmds = append(cmds, cmd)
				all = append(all, cmd.Wire()...)
			}
			wrote := make(chan error, 1)
			go func() {
				err := c.Write(all)
				if closed {
					err = errors.Join(err, c.CloseWrite())
				}
				wrote <- err
			}()
			for i, cmd := range cmds {
				a, err := c.Answer(cmd)
				if err != nil || a.Closed {
					t.Fatalf("answer %d: %v %v", i, err, a.Lines())
				}
				if i%5 == 1 {
					if got := string(a.Results[0].Rows[0].Fields[0]); got != fmt.Sprint(i) {
						t.Fatalf("answer %d is %s", i, got)
					}
				}
			}
			if err := <-wrote; err != nil {
				t.Fatal(err)
			}
			end := nothingFollows
			if closed {
				end = (*wireclient.Conn).Ended
			}
			if err := end(c); err != nil {
				t.Error(err)
			}
			c.Close()
		}
	})

	t.Run("large answers to a client that reads late", func(t *testing.T) {
		const n, size = 40, 1 << 20
		c := p.dial(t, p.proxied, wireclient.Options{Database: "d", Timeout: 30 * time.Second, Wrap: smallBuffer})
		cmd := query(fmt.Sprintf("SELECT REPEAT('x', %d)", size))
		if err := c.Write(slices.Repeat(cmd.Wire(), n)); err != nil {
			t.Fatal(err)
		}
		if err := c.CloseWrite(); err != nil {
			t.Fatal(err)
		}
		time.Sleep(300 * time.Millisecond)
		for i := range n {
			a, err := c.Answer(cmd)
			if got := len(value(t, "answer", a, err)); got != size {
				t.Fatalf("answer %d has %d bytes", i, got)
			}
		}
		if err := c.Ended(); err != nil {
			t.Error(err)
		}
	})

	t.Run("half-closed while a statement runs", func(t *testing.T) {
		for _, sql := range []string{"SELECT SLEEP(0.3)", "SELECT SLEEP(0.2) FROM t WHERE id < 3", "UPDATE t SET v = v + SLEEP(0.1) WHERE id < 3"} {
			c := p.dial(t, p.proxied, wireclient.Options{Database: "d"})
			if err := errors.Join(c.Write(query(sql).Wire()), c.CloseWrite()); err != nil {
				t.Fatal(err)
			}
			a, err := c.Answer(query(sql))
			must(t, sql, a, err)
			if err := c.Ended(); err != nil {
				t.Errorf("%s: %v", sql, err)
			}
		}
	})

	t.Run("half-closed inside a transaction", func(t *testing.T) {
		c := p.dial(t, p.proxied, wireclient.Options{Database: "d"})
		cmds := queries("BEGIN", "UPDATE t SET v = -1", "SELECT SUM(v) FROM t")
		var all []byte
		for _, cmd := range cmds {
			all = append(all, cmd.Wire()...)
		}
		if err := errors.Join(c.Write(all), c.CloseWrite()); err != nil {
			t.Fatal(err)
		}
		for _, cmd := range cmds {
			a, err := c.Answer(cmd)
			must(t, show(cmd), a, err)
		}
		if err := c.Ended(); err != nil {
			t.Error(err)
		}
		other := p.dial(t, p.proxied, wireclient.Options{Database: "d"})
		a, err := other.Do(query("SELECT SUM(v) FROM t"))
		if got := value(t, "sum", a, err); got != "210" {
			t.Errorf("what was open when the client went is not rolled back: %s", got)
		}
		c = p.dial(t, p.proxied, wireclient.Options{Database: "d"})
		cmds = queries("BEGIN", "UPDATE t SET v = v + 1", "COMMIT")
		all = nil
		for _, cmd := range cmds {
			all = append(all, cmd.Wire()...)
		}
		if err := errors.Join(c.Write(all), c.CloseWrite()); err != nil {
			t.Fatal(err)
		}
		for _, cmd := range cmds {
			a, err := c.Answer(cmd)
			must(t, show(cmd), a, err)
		}
		if err := c.Ended(); err != nil {
			t.Error(err)
		}
		a, err = other.Do(query("SELECT SUM(v) FROM t"))
		if got := value(t, "sum", a, err); got != "216" {
			t.Errorf("a commit behind which the client closed its half is lost: %s", got)
		}
		runs(t, other, "UPDATE t SET v = v - 1")
	})

	t.Run("half-closed without a word", func(t *testing.T) {
		c := p.dial(t, p.proxied, wireclient.Options{Database: "d"})
		if err := errors.Join(c.CloseWrite(), c.Ended()); err != nil {
			t.Error(err)
		}
		c, err := wireclient.Dial(p.proxied, wireclient.Options{})
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		if err := errors.Join(c.ReadGreeting(), c.CloseWrite(), c.Ended()); err != nil {
			t.Error(err)
		}
	})

	t.Run("gone in the middle of a batch", func(t *testing.T) {
		for range 20 {
			c := p.dial(t, p.proxied, wireclient.Options{Database: "d"})
			var all []byte
			for _, cmd := range queries("BEGIN", "UPDATE t SET v = -1", "SELECT SUM(v) FROM t", "SELECT REPEAT('x', 10000000)") {
				all = append(all, cmd.Wire()...)
			}
			if err := c.Write(all); err != nil {
				t.Fatal(err)
			}
			c.Close()
		}
		other := p.dial(t, p.proxied, wireclient.Options{Database: "d"})
		a, err := other.Do(query("SELECT SUM(v) FROM t FOR UPDATE")) // waits for what still is open
		if got := value(t, "sum", a, err); got != "210" {
			t.Errorf("what was open when clients went is not rolled back: %s", got)
		}
	})

	t.Run("clients that do not go on hold nobody up", func(t *testing.T) {
		const stuck = 100
		big := query("SELECT REPEAT('x', 4000000)").Wire()
		for i := range stuck {
			c := p.dial(t, p.proxied, wireclient.Options{Database: "d", Wrap: smallBuffer})
			var err error
			switch i % 4 {
			case 0: // does not read
				err = c.Write(big)
			case 1: // half a command
				err = c.Write(query("SELECT 1").Wire()[:7])
			case 2: // half a header
				err = c.Write([]byte{200})
			case 3: // a long command of which nothing more comes
				err = c.Write(append([]byte{0, 0, 0x20, 0, wireclient.ComQuery}, make([]byte, 100000)...))
			}
			if err != nil {
				t.Fatal(err)
			}
		}
		var wait sync.WaitGroup
		var mu sync.Mutex
		var slowest time.Duration
		for range 8 {
			c := p.dial(t, p.proxied, wireclient.Options{Database: "d"})
			wait.Go(func() {
				for range 50 {
					begin := time.Now()
					a, err := c.Do(query("SELECT v FROM t ORDER BY id"))
					if err != nil || a.Detail() != "" || len(a.Results[0].Rows) != 6 {
						t.Errorf("%v %v %s", err, a.Lines(), a.Detail())
						return
					}
					mu.Lock()
					slowest = max(slowest, time.Since(begin))
					mu.Unlock()
				}
			})
		}
		wait.Wait()
		if slowest > 3*time.Second {
			t.Errorf("beside %d clients that do not go on a query takes %v", stuck, slowest)
		}
	})
}

func runs(t *testing.T, c *wireclient.Conn, sql string) {
	t.Helper()
	a, err := c.Do(query(sql))
	must(t, sql, a, err)
}

// smallBuffer makes a client that has little room for answers.
func smallBuffer(nc net.Conn) net.Conn {
	if tcp, ok := nc.(*net.TCPConn); ok {
		_ = tcp.SetReadBuffer(128 << 10) // as in slowly
	}
	return nc
}
