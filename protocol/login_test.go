package protocol

import (
	"bytes"
	"errors"
	"io"
	"net"
	"reflect"
	"strings"
	"testing"

	gomysql "github.com/go-mysql-org/go-mysql/mysql"
)

// loginPacket is a HandshakeResponse41 as a client writes it.
func loginPacket(caps Capability, user string, response []byte, db, plugin string, attributes map[string]string) []byte {
	b := []byte{byte(caps), byte(caps >> 8), byte(caps >> 16), byte(caps >> 24), 0, 0, 0, 1, 45}
	b = append(b, make([]byte, 23)...)
	b = append(append(b, user...), 0)
	switch {
	case caps.Has(ClientPluginAuthLenencClientData):
		b = appendLenencBytes(b, response)
	case caps.Has(ClientSecureConnection):
		b = append(append(b, byte(len(response))), response...)
	default:
		b = append(append(b, response...), 0)
	}
	if caps.Has(ClientConnectWithDB) {
		b = append(append(b, db...), 0)
	}
	if caps.Has(ClientPluginAuth) {
		b = append(append(b, plugin...), 0)
	}
	if caps.Has(ClientConnectAttrs) {
		var all []byte
		for k, v := range attributes {
			all = appendLenencString(appendLenencString(all, k), v)
		}
		b = appendLenencBytes(b, all)
	}
	return b
}

func TestParseHandshakeResponse(t *testing.T) {
	attributes := map[string]string{"_client_name": "libmysql", "pid": strings.Repeat("9", 300)}
	for _, caps := range []Capability{
		ClientProtocol41,
		ClientProtocol41 | ClientSecureConnection,
		ClientProtocol41 | ClientSecureConnection | ClientConnectWithDB,
		ClientProtocol41 | ClientSecureConnection | ClientPluginAuth | ClientPluginAuthLenencClientData,
		ServerCapabilities,
	} {
		response := []byte("twenty bytes exactly")
		b := loginPacket(caps, "till", response, "shop", PluginNativePassword, attributes)
		r, err := parseHandshakeResponse(b, ServerCapabilities)
		if err != nil {
			t.Fatalf("%#x: %v", caps, err)
		}
		want := loginRequest{Login: Login{User: "till", Charset: 45, Capabilities: caps}, maxPacket: 1 << 24, response: response}
		if caps.Has(ClientConnectWithDB) {
			want.Database = "shop"
		}
		if caps.Has(ClientPluginAuth) {
			want.plugin = PluginNativePassword
		}
		if caps.Has(ClientConnectAttrs) {
			want.Attributes = attributes
		}
		if !reflect.DeepEqual(*r, want) {
			t.Fatalf("%#x: %+v, want %+v", caps, *r, want)
		}
		// Cut anywhere before the response is whole, it is refused, and nowhere does it panic.
		for cut := range b {
			_, err := parseHandshakeResponse(b[:cut], ServerCapabilities)
			var e *ServerError
			if cut < 32+len("till")+1+len(response) && (!errors.As(err, &e) || e.Code != ErrHandshake) {
				t.Fatalf("%#x cut at %d: %v", caps, cut, err)
			}
		}
	}
}

func TestHandshakeResponseRefusals(t *testing.T) {
	for name, tc := range map[string]struct {
		packet []byte
		want   string
	}{
		"TLS":             {loginPacket(ClientProtocol41|ClientSSL, "", nil, "", "", nil)[:32], "TLS"},
		"old protocol":    {[]byte{0x85, 0x24, 0, 0, 0, 'r', 0}, "older than MySQL 4.1"},
		"nothing":         {nil, "cut short"},
		"long user":       {loginPacket(ServerCapabilities, strings.Repeat("u", 600), nil, "", "", nil), "user name"},
		"response length": {append(loginPacket(ServerCapabilities, "u", nil, "", "", nil)[:34], 0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f), "cut short"},
		"attributes": {append(bytes.TrimSuffix(loginPacket(ServerCapabilities, "u", nil, "d", "p", nil), []byte{0}), 3, 9, 'a', 'b'),
			"attributes"},
	} {
		_, err := parseHandshakeResponse(tc.packet, ServerCapabilities)
		var e *ServerError
		if !errors.As(err, &e) || e.Code != ErrHandshake || !strings.Contains(e.Message, tc.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	big := loginPacket(ServerCapabilities, "u", nil, "", "", map[string]string{"a": strings.Repeat("x", maxAttributes)})
	if r, err := parseHandshakeResponse(big, ServerCapabilities); err != nil || r.Attributes != nil {
		t.Errorf("too many attributes: %v", err)
	}
}

func TestGreetingOffersOnlyWhatIsSpoken(t *testing.T) {
	for _, tc := range []struct{ asked, want Capability }{
		{0, ServerCapabilities},
		{0xffffffff, ServerCapabilities},
		{ClientFoundRows | ClientOptionalResultsetMetadata, ClientFoundRows | requiredCapabilities},
	} {
		g := Greeting{Capabilities: tc.asked}
		if got := g.offered(); got != tc.want {
			t.Errorf("asked for %#x: offers %#x, want %#x", tc.asked, got, tc.want)
		}
	}
	if ServerCapabilities&(ClientSSL|ClientOptionalResultsetMetadata) != 0 {
		t.Error("offers what is not spoken")
	}
	var nonce [nonceSize]byte
	for range 1000 {
		if err := fillNonce(&nonce); err != nil || bytes.ContainsAny(nonce[:], "\x00$") {
			t.Fatalf("%q, %v", nonce, err)
		}
	}
}

// loginWith runs one login of a scripted client. The server says nothing that the client
// must wait for, as long as plugins agree.
func loginWith(a *Authenticator, g Greeting, packets ...[]byte) (*Login, *scriptConn, error) {
	s := &scriptConn{in: frames(1, packets...)}
	if len(packets) > 1 {
		s.in = frames(1, packets[0])
		number := 3
		for _, p := range packets[1:] {
			s.in = append(s.in, frames(number, p)...)
			number += 2
		}
	}
	l, err := a.Handshake(NewConn(s, Options{}), g)
	return l, s, err
}

// sent lists the payloads that the server wrote.
func sent(s *scriptConn) (payloads []string) {
	for b := s.out.Bytes(); len(b) > 0; {
		n := frameLength(b)
		payloads = append(payloads, string(b[headerSize:headerSize+n]))
		b = b[headerSize+n:]
	}
	return payloads
}

// A name that does not exist must be led through the same exchange as one that does.
func TestUnknownUsersLookLikeKnownOnes(t *testing.T) {
	for kind, account := range testAccounts() {
		if kind == "broken" || kind == "empty" {
			continue
		}
		for _, plugin := range []string{PluginNativePassword, PluginCachingSHA2Password} {
			a := NewAuthenticator(func(user string) (Account, bool) { return account, user == "known" })
			exchange := func(user string) string {
				response := make([]byte, 20)
				if plugin == PluginCachingSHA2Password {
					response = make([]byte, 32)
				}
				_, s, err := loginWith(a, Greeting{DefaultPlugin: plugin},
					loginPacket(ServerCapabilities, user, response, "", plugin, nil), []byte("not the password\x00"), []byte("x\x00"), []byte("y\x00"))
				var e *ServerError
				if !errors.As(err, &e) {
					t.Fatalf("%s: %v", user, err)
				}
				var shape []string
				for _, p := range sent(s)[1:] {
					shape = append(shape, p[:1]+strings.Repeat(".", len(p)-1))
				}
				return strings.ReplaceAll(e.Message, "'"+user+"'", "U") + strings.Join(shape, "|")
			}
			want := exchange("known")
			for _, stranger := range []string{"a", "b", "c", "d", "e", "f"} {
				if got := exchange(stranger); got != want {
					t.Errorf("%s with %s: a stranger sees %q, a known user %q", kind, plugin, got, want)
				}
			}
		}
	}
}

func TestClientWithoutPlugins(t *testing.T) {
	caps := ClientProtocol41 | ClientSecureConnection
	a := NewAuthenticator(func(string) (Account, bool) { return testAccounts()["sha2"], true })
	_, _, err := loginWith(a, Greeting{}, loginPacket(caps, "u", make([]byte, 20), "", "", nil))
	var e *ServerError
	if !errors.As(err, &e) || e.Code != ErrNotSupportedAuthMode {
		t.Fatal(err)
	}
}

func TestLoginPacketLimit(t *testing.T) {
	a := NewAuthenticator(func(string) (Account, bool) { return Account{}, true })
	a.MaxLoginPacket = 100
	s := &scriptConn{in: frames(1, make([]byte, 101))}
	c := NewConn(s, Options{MaxPacket: 1 << 20})
	var big *PacketTooLargeError
	if _, err := a.Handshake(c, Greeting{}); !errors.As(err, &big) || big.Limit != 100 {
		t.Fatal(err)
	}
	if c.MaxPacket() != 1<<20 {
		t.Fatalf("the limit stays at %d", c.MaxPacket())
	}
	if _, err := a.Handshake(NewConn(&scriptConn{}, Options{}), Greeting{}); !errors.Is(err, io.EOF) {
		t.Fatalf("a client that goes away: %v", err)
	}
}

// scramble answers a challenge as a client with mysql_native_password or
// caching_sha2_password does, by the formula of the clients.
func scramble(t *testing.T, plugin, password string, greeting []byte) []byte {
	t.Helper()
	after := bytes.IndexByte(greeting, 0) + 1
	var nonce [nonceSize]byte
	copy(nonce[:], greeting[after+4:][:8])
	copy(nonce[8:], greeting[after+4+8+1+2+1+2+2+1+10:][:12])
	return scrambleNonce(plugin, password, nonce[:])
}

// COM_CHANGE_USER authenticates over again, by the greeting's challenge or by a switch.
func TestChangeUser(t *testing.T) {
	for _, plugin := range []string{PluginNativePassword, PluginCachingSHA2Password} {
		for _, tc := range []struct {
			user, password string
			ok             bool
		}{{"clear", testPassword, true}, {"empty", "", true}, {"clear", "wrong", false}, {"nobody", "x", false}, {"native", testPassword, true}} {
			t.Run(plugin+"/"+tc.user+"/"+tc.password, func(t *testing.T) {
				s := startTinyServer(t, "tcp", plugin, testAccounts())
				nc, err := net.Dial("tcp", s.address())
				if err != nil {
					t.Fatal(err)
				}
				defer nc.Close()
				c := NewConn(nc, Options{})
				greeting, err := c.ReadPacket()
				if err != nil {
					t.Fatal(err)
				}
				greeting = bytes.Clone(greeting)
				caps := ServerCapabilities &^ ClientConnectAttrs
				if err := errors.Join(c.WritePacket(loginPacket(caps, "empty", nil, "", plugin, nil)), c.Flush()); err != nil {
					t.Fatal(err)
				}
				if p, err := c.ReadPacket(); err != nil || p[0] != headerOK {
					t.Fatalf("login: %q, %v", p, err)
				}
				response := scramble(t, plugin, tc.password, greeting)
				arg := append([]byte(tc.user), 0, byte(len(response)))
				arg = append(append(arg, response...), "other\x00\x2d\x00"...)
				arg = append(append(arg, plugin...), 0)
				if err := errors.Join(c.WriteCommand(ComChangeUser, arg), c.Flush()); err != nil {
					t.Fatal(err)
				}
				p, err := c.ReadPacket()
				if err == nil && p[0] == headerEOF {
					end := bytes.IndexByte(p, 0)
					answer := scrambleNonce(string(p[1:end]), tc.password, p[end+1:end+1+nonceSize])
					if err = errors.Join(c.WritePacket(answer), c.Flush()); err == nil {
						p, err = c.ReadPacket()
					}
				}
				if err == nil && p[0] == headerMoreData {
					p, err = c.ReadPacket()
				}
				if err != nil {
					t.Fatal(err)
				}
				if !tc.ok {
					if e, err := ParseError(p); err != nil || e.Code != ErrAccessDenied {
						t.Fatalf("%q, %v", p, err)
					}
					return
				}
				if p[0] != headerOK {
					t.Fatalf("refused: %q", p)
				}
				s.mu.Lock()
				defer s.mu.Unlock()
				if l := s.logins[len(s.logins)-1]; l.User != tc.user || l.Database != "other" || l.Charset != 45 {
					t.Fatalf("%+v", l)
				}
			})
		}
	}
}

func TestMalformedChangeUser(t *testing.T) {
	for _, p := range []string{"", "user", "user\x00", "user\x00\x14abc", "user\x00\x00db\x00\x2d"} {
		a := NewAuthenticator(func(string) (Account, bool) { return Account{}, true })
		c := NewConn(&scriptConn{}, Options{})
		c.SetCapabilities(ServerCapabilities)
		_, err := a.ChangeUser(c, []byte(p), Greeting{})
		var e *ServerError
		if !errors.As(err, &e) || e.Code != ErrHandshake {
			t.Errorf("%q: %v", p, err)
		}
	}
}

// FuzzHandshakeResponse: any packet gives a login, or a *ServerError, or the end of the conversation.
func FuzzHandshakeResponse(f *testing.F) {
	f.Add(loginPacket(ServerCapabilities, "clear", make([]byte, 20), "shop", PluginNativePassword, map[string]string{"a": "b"}), []byte{2})
	f.Add(loginPacket(ServerCapabilities, "sha2", make([]byte, 32), "shop", PluginCachingSHA2Password, nil), make([]byte, 256))
	f.Add(loginPacket(ServerCapabilities|ClientSSL, "empty", nil, "shop", "dialog", nil), []byte{0})
	f.Add(loginPacket(ClientProtocol41, "empty", nil, "", "", nil), []byte{0})
	accounts := testAccounts()
	a := NewAuthenticator(func(user string) (Account, bool) { account, ok := accounts[user]; return account, ok })
	f.Fuzz(func(t *testing.T, first, second []byte) {
		login, _, err := loginWith(a, Greeting{}, first, second)
		var refused *ServerError
		var big *PacketTooLargeError
		switch {
		case err == nil:
			if accounts[login.User].Hash != "" || accounts[login.User].Password != "" {
				t.Fatalf("%q was let in without its password", login.User)
			}
		case !errors.As(err, &refused) && !errors.As(err, &big) && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF):
			t.Fatal(err)
		}
		for _, caps := range []Capability{0, ServerCapabilities} {
			if _, err := parseChangeUser(first, caps); err != nil && !errors.As(err, &refused) {
				t.Fatal(err)
			}
		}
	})
}

func scrambleNonce(plugin, password string, nonce []byte) []byte {
	if password == "" {
		return nil
	}
	if plugin == PluginCachingSHA2Password {
		return gomysql.CalcCachingSha2Password(nonce, []byte(password))
	}
	return gomysql.CalcNativePassword(nonce, []byte(password))
}
