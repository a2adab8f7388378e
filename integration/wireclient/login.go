package wireclient

import (
	"bytes"
	"crypto/rsa"
	"crypto/x509"
	"encoding/binary"
	"encoding/pem"
	"errors"
	"fmt"

	"github.com/go-mysql-org/go-mysql/mysql"
)

// Capability flags that this client knows.
const (
	CapLongPassword    = 1 << 0
	CapFoundRows       = 1 << 1
	CapLongFlag        = 1 << 2
	CapConnectWithDB   = 1 << 3
	CapLocalFiles      = 1 << 7
	CapProtocol41      = 1 << 9
	CapTransactions    = 1 << 13
	CapSecure          = 1 << 15
	CapMultiStatements = 1 << 16
	CapMultiResults    = 1 << 17
	CapPSMultiResults  = 1 << 18
	CapPluginAuth      = 1 << 19
	CapDeprecateEOF    = 1 << 24
)

const needed = CapLongPassword | CapLongFlag | CapProtocol41 | CapTransactions | CapSecure | CapMultiResults | CapPSMultiResults | CapPluginAuth

const utf8mb4GeneralCI = 45

// Greeting is what a server says first.
type Greeting struct {
	Version      string
	ConnectionID uint32
	Capabilities uint32
	Charset      byte
	Status       uint16
	Plugin       string
	nonce        []byte
}

func parseGreeting(p []byte) (Greeting, error) {
	c := cursor{rest: p}
	var g Greeting
	if v := c.uint8(); v != 10 {
		return g, fmt.Errorf("greeting of protocol version %d: %q", v, p)
	}
	g.Version = c.nul()
	g.ConnectionID = c.uint32()
	g.nonce = append(g.nonce, c.take(8)...)
	c.zeros(1)
	g.Capabilities = uint32(c.uint16())
	g.Charset = c.uint8()
	g.Status = c.uint16()
	g.Capabilities |= uint32(c.uint16()) << 16
	if n := c.uint8(); n != 21 {
		return g, fmt.Errorf("greeting with a challenge of %d bytes", n)
	}
	c.zeros(6)
	c.take(4) // MariaDB's further capabilities, where bit 0 is not set
	g.nonce = append(g.nonce, c.take(12)...)
	c.zeros(1)
	g.Plugin = c.nul()
	if err := c.end(); err != nil {
		return g, fmt.Errorf("greeting: %w", err)
	}
	return g, nil
}

// ReadGreeting reads the first packet of a connection that was opened by Dial.
func (c *Conn) ReadGreeting() error {
	p, err := c.packet()
	if err != nil {
		return err
	}
	if len(p) > 0 && p[0] == 0xff {
		e, err := parseErr(p)
		if err != nil {
			return err
		}
		return e
	}
	c.greeting, err = parseGreeting(p)
	return err
}

func (c *Conn) login(o Options) error {
	if err := c.ReadGreeting(); err != nil {
		return fmt.Errorf("read the greeting: %w", err)
	}
	if missing := needed &^ c.greeting.Capabilities; missing != 0 {
		if missing != CapLongPassword { // MariaDB leaves it out to announce its own
			return fmt.Errorf("server lacks capabilities %#x", missing)
		}
	}
	if err := c.Write(Frames(1, c.LoginRequest(o))); err != nil {
		return err
	}
	c.next = 2
	ok, err := c.authenticate(o.Password)
	if err != nil {
		return err
	}
	if ok.Err != nil {
		return ok.Err
	}
	return nil
}

// LoginRequest is the payload of the answer to the greeting; it settles the capabilities.
func (c *Conn) LoginRequest(o Options) []byte {
	c.caps = (needed | o.Capabilities | CapConnectWithDB) & (c.greeting.Capabilities | CapLongPassword)
	if o.Database == "" {
		c.caps &^= CapConnectWithDB
	}
	if o.Collation == 0 {
		o.Collation = utf8mb4GeneralCI
	}
	p := binary.LittleEndian.AppendUint32(nil, c.caps)
	p = binary.LittleEndian.AppendUint32(p, 1<<30)
	p = append(p, o.Collation)
	p = append(p, make([]byte, 23)...)
	p = append(append(p, o.User...), 0)
	response := scramble(c.greeting.Plugin, c.greeting.nonce, o.Password)
	p = append(append(p, byte(len(response))), response...)
	if o.Database != "" {
		p = append(append(p, o.Database...), 0)
	}
	return append(append(p, c.greeting.Plugin...), 0)
}

func scramble(plugin string, nonce []byte, password string) []byte {
	switch {
	case password == "":
		return nil
	case plugin == mysql.AUTH_CACHING_SHA2_PASSWORD:
		return mysql.CalcCachingSha2Password(nonce, []byte(password))
	}
	return mysql.CalcNativePassword(nonce, []byte(password))
}

// ChangeUser is a COM_CHANGE_USER that names a plugin which no server has, so that the server asks for its own.
func ChangeUser(user, database string, collation uint16) Command {
	p := append(Command{ComChangeUser}, user...)
	p = append(p, 0, 0)
	p = append(append(p, database...), 0, byte(collation), byte(collation>>8))
	return append(append(p, "no_such_plugin"...), 0)
}

// Authenticate reads what follows a COM_CHANGE_USER: the server's questions, which it answers, and its last word.
func (c *Conn) Authenticate(password string) (Result, error) {
	c.next = 1
	return c.authenticate(password)
}

func (c *Conn) authenticate(password string) (Result, error) {
	nonce := c.greeting.nonce
	for {
		p, err := c.packet()
		if err != nil {
			return Result{}, err
		}
		if len(p) == 0 {
			return Result{}, errors.New("empty packet in a login")
		}
		var response []byte
		switch {
		case p[0] == 0x00:
			ok, err := c.parseOK(p)
			return Result{OK: &ok, first: c.next - 1}, err
		case p[0] == 0xff:
			e, err := parseErr(p)
			return Result{Err: e, first: c.next - 1}, err
		case p[0] == 0xfe:
			cur := cursor{rest: p[1:]}
			plugin := cur.nul()
			nonce = bytes.TrimSuffix(cur.take(len(cur.rest)), []byte{0})
			if cur.err != nil || len(nonce) != 20 {
				return Result{}, fmt.Errorf("request of another plugin is % x", p)
			}
			response = scramble(plugin, nonce, password)
		case p[0] == 0x01 && len(p) == 2 && p[1] == 3:
			continue // the server knows the password; its OK comes
		case p[0] == 0x01 && len(p) == 2 && p[1] == 4:
			response = []byte{2} // asks for the key
		case p[0] == 0x01:
			if response, err = encrypt(password, nonce, p[1:]); err != nil {
				return Result{}, err
			}
		default:
			return Result{}, fmt.Errorf("login is answered % x", p)
		}
		b := Frames(c.next, response)
		if len(response) > 1 {
			b, c.behind = append(b, c.behind...), nil
		}
		if err := c.Write(b); err != nil {
			return Result{}, err
		}
		c.next++
	}
}

func encrypt(password string, nonce, key []byte) ([]byte, error) {
	block, _ := pem.Decode(key)
	if block == nil {
		return nil, fmt.Errorf("server's key is %q", key)
	}
	public, err := x509.ParsePKIXPublicKey(block.Bytes)
	if err != nil {
		return nil, fmt.Errorf("read the server's key: %w", err)
	}
	rsaKey, ok := public.(*rsa.PublicKey)
	if !ok {
		return nil, fmt.Errorf("server's key is a %T", public)
	}
	return mysql.EncryptPassword(password, nonce, rsaKey)
}
