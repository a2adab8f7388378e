package transcript

import (
	"errors"
	"slices"
	"testing"
	"time"

	"lockstep/integration/cluster"
	"lockstep/integration/wireclient"
	"lockstep/localdb"
)

// exchange is a conversation that is no row of commands and their answers: it tells what it saw.
type exchange struct {
	name    string
	play    func(c *wireclient.Conn) ([]string, error)
	on      localdb.Engine // where the proxy says something else; "": on both
	differs []string       // and what
	why     string
}

// told is the answer to a command, as far as one comes.
func told(c *wireclient.Conn, cmd wireclient.Command) ([]string, error) {
	a, err := c.Answer(cmd)
	return a.Lines(), err
}

// do is told for a command that is sent first.
func do(c *wireclient.Conn, cmds ...wireclient.Command) ([]string, error) {
	var lines []string
	for _, cmd := range cmds {
		if err := c.Write(cmd.Wire()); err != nil {
			return lines, err
		}
		more, err := told(c, cmd)
		if lines = append(lines, more...); err != nil {
			return lines, err
		}
	}
	return lines, nil
}

// changeUser sends a COM_CHANGE_USER in the way of write and answers the questions. The number of questions is a
// server's own business, and so is the number of the packet that ends them.
func changeUser(c *wireclient.Conn, cmd wireclient.Command, password string, write func([]byte) error) ([]string, error) {
	if err := write(cmd.Wire()); err != nil {
		return nil, err
	}
	r, err := c.Authenticate(password)
	switch {
	case errors.Is(err, wireclient.ErrClosed):
		return []string{"CLOSED"}, nil
	case err != nil:
		return nil, err
	case r.OK == nil:
		return []string{r.Err.String(), afterwards(c)}, nil
	}
	return []string{r.OK.String()}, nil
}

// raw sends bytes and reads an answer that begins with a packet of that number, and whether the connection stays open.
func raw(b []byte, number byte) func(c *wireclient.Conn) ([]string, error) {
	return func(c *wireclient.Conn) ([]string, error) {
		c.SetTimeout(5 * time.Second)
		if err := c.Write(b); err != nil {
			return nil, err
		}
		a, err := c.AnswerAt(number, ping)
		if err != nil || a.Closed {
			return a.Lines(), err
		}
		return append(a.Lines(), afterwards(c)), nil
	}
}

// afterwards says what became of the connection.
func afterwards(c *wireclient.Conn) string {
	c.SetTimeout(300 * time.Millisecond)
	switch err := c.Ended(); {
	case err == nil:
		return "CLOSED"
	case wireclient.Silent(err):
		return "OPEN"
	default:
		return err.Error()
	}
}

const goesOn = "a client of MariaDB that has failed goes on as nobody; the proxy ends the connection, as MySQL does"

var exchanges = []exchange{
	{name: "change user in a transaction", play: func(c *wireclient.Conn) ([]string, error) {
		lines, err := do(c, queries("SET @a = 1, autocommit = 0", "UPDATE t SET v = v + 1")...)
		if err != nil {
			return lines, err
		}
		more, err := changeUser(c, wireclient.ChangeUser(cluster.User, "d", 45), cluster.Password, c.Write)
		if lines = append(lines, more...); err != nil {
			return lines, err
		}
		more, err = do(c, ping, query("SELECT v FROM t WHERE id = IF(@a IS NULL AND @@autocommit, 1, 2)"), query("SELECT v FROM t ORDER BY id"))
		return append(lines, more...), err
	}},
	{name: "change user forgets statements and takes a database", play: func(c *wireclient.Conn) ([]string, error) {
		a, err := c.Do(prepare("SELECT 1"))
		if err != nil {
			return nil, err
		}
		lines, err := changeUser(c, wireclient.ChangeUser(cluster.User, "e", 45), cluster.Password, c.Write)
		if err != nil {
			return lines, err
		}
		more, err := do(c, execute(a.Results[0].Prepared.ID, ""), query("SELECT v FROM t"), query("SELECT v FROM d.t WHERE id = IF(DATABASE() = 'e', 1, 2)"))
		return append(lines, more...), err
	}},
	{name: "change user byte by byte", play: func(c *wireclient.Conn) ([]string, error) {
		return changeUser(c, wireclient.ChangeUser(cluster.User, "d", 45), cluster.Password, func(b []byte) error {
			for i := range b {
				if err := c.Write(b[i : i+1]); err != nil {
					return err
				}
				time.Sleep(50 * time.Microsecond)
			}
			return nil
		})
	}},
	{name: "change user with a wrong password", play: func(c *wireclient.Conn) ([]string, error) {
		return changeUser(c, wireclient.ChangeUser(cluster.User, "d", 45), "wrong", c.Write)
	}, on: localdb.MariaDB, differs: []string{"ERR 1045 28000", "CLOSED"}, why: goesOn},
	{name: "change user to nobody", play: func(c *wireclient.Conn) ([]string, error) {
		return changeUser(c, wireclient.ChangeUser("nobody", "d", 45), cluster.Password, c.Write)
	}, on: localdb.MariaDB, differs: []string{"ERR 1045 28000", "CLOSED"}, why: goesOn},
	{name: "change user to no database", play: func(c *wireclient.Conn) ([]string, error) {
		return changeUser(c, wireclient.ChangeUser(cluster.User, "nope", 45), cluster.Password, c.Write)
	}, on: localdb.MariaDB, differs: []string{"ERR 1049 42000", "CLOSED"}, why: goesOn},
	{name: "change user and a command behind the password", play: func(c *wireclient.Conn) ([]string, error) {
		cmd := wireclient.ChangeUser(cluster.User, "d", 45)
		if err := c.Write(cmd.Wire()); err != nil {
			return nil, err
		}
		c.Behind(append(ping.Wire(), query("SELECT v FROM t WHERE id = 3").Wire()...))
		r, err := c.Authenticate(cluster.Password)
		if err != nil || r.OK == nil {
			return nil, errors.Join(err, errors.New("not let in"))
		}
		lines := []string{r.OK.String()}
		for _, cmd := range []wireclient.Command{ping, query("")} {
			more, err := told(c, cmd)
			if lines = append(lines, more...); err != nil {
				return lines, err
			}
		}
		return lines, nothingFollows(c)
	}},
	{name: "empty packet", play: raw([]byte{0, 0, 0, 0}, 1)},
	{name: "packet with a number of its own", play: raw([]byte{1, 0, 0, 5, wireclient.ComPing}, 0)},
	{name: "packet that goes on with a number of its own", play: func(c *wireclient.Conn) ([]string, error) {
		b := query("SELECT LENGTH('" + string(make([]byte, wireclient.MaxFrame+10)) + "')").Wire()
		b[4+wireclient.MaxFrame+3] = 7
		return raw(b, 1)(c)
	}},
}

func (p *pair) exchanges(t *testing.T) {
	for _, e := range exchanges {
		t.Run(e.name, func(t *testing.T) {
			var lines [2][]string
			for i, address := range []string{p.plain, p.proxied} {
				c := p.dial(t, address, wireclient.Options{Database: "d"})
				var err error
				if lines[i], err = e.play(c); err != nil {
					t.Errorf("%s: %v", []string{"a plain server", "the proxy"}[i], err)
				}
				c.Close()
			}
			t.Logf("a plain server says %s", tell(lines[0]))
			want := lines[0]
			if e.differs != nil && (e.on == "" || e.on == p.engine) {
				if e.why == "" || slices.Equal(e.differs, want) {
					t.Errorf("no difference, or no reason for it: %q", e.why)
				}
				want = e.differs
			}
			if !slices.Equal(lines[1], want) {
				t.Errorf("got  %s\nwant %s", tell(lines[1]), tell(want))
			}
		})
	}
}
