package protocol

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/subtle"
	"fmt"
	"hash/maphash"
	"net"
	"strings"
	"sync"
	"sync/atomic"
)

// Authenticator finds accounts and remembers caching_sha2 fast-path digests. Safe for concurrent use.
type Authenticator struct {
	// MaxLoginPacket limits packets before the client is known, in bytes; 0 means 128 KiB. Set before use.
	MaxLoginPacket int

	lookup func(user string) (Account, bool)

	keyOnce sync.Once
	rsaKey  *rsa.PrivateKey
	keyErr  error

	mu      sync.Mutex
	digests map[string]storedDigest // by user; entries only for accounts that exist

	// Names that do not exist are answered as one of the kinds of account that do, so that the
	// exchange does not tell which names exist.
	seed  maphash.Seed
	kinds atomic.Uint32 // bit set of accountKind
}

type storedDigest struct {
	hash   string // the account's when the digest was made: a new password makes it void
	digest [sha256.Size]byte
}

const defaultMaxLoginPacket = 128 << 10

// NewAuthenticator takes the look-up of accounts by user name.
func NewAuthenticator(lookup func(user string) (Account, bool)) *Authenticator {
	return &Authenticator{lookup: lookup, digests: make(map[string]storedDigest), seed: maphash.MakeSeed()}
}

// Handshake greets, authenticates and sets c's capabilities (the common part of
// both). It does NOT send the final OK (the session checks the database first).
// On refusal it returns a *ServerError (1045, 1043, ...) not yet sent. Other errors are the
// transport's.
func (a *Authenticator) Handshake(c *Conn, g Greeting) (*Login, error) {
	defer a.limit(c)()
	if err := fillNonce(&c.nonce); err != nil {
		return nil, err
	}
	if err := c.WritePacket(g.append(nil, &c.nonce)); err != nil {
		return nil, err
	}
	if err := c.Flush(); err != nil {
		return nil, err
	}
	p, err := c.ReadPacket()
	if err != nil {
		return nil, err
	}
	request, err := parseHandshakeResponse(p, g.offered())
	if err != nil {
		return nil, err
	}
	c.caps = request.Capabilities
	return a.authenticate(c, request, &g)
}

// ChangeUser runs the authentication of a COM_CHANGE_USER (payload after the command byte). As
// Handshake, it leaves the final OK or ERR to the caller.
func (a *Authenticator) ChangeUser(c *Conn, payload []byte, g Greeting) (*Login, error) {
	defer a.limit(c)()
	request, err := parseChangeUser(payload, c.caps)
	if err != nil {
		return nil, err
	}
	return a.authenticate(c, request, &g)
}

// limit lowers c's packet limit for the length of a login and returns what restores it.
func (a *Authenticator) limit(c *Conn) (restore func()) {
	limit := a.MaxLoginPacket
	if limit <= 0 {
		limit = defaultMaxLoginPacket
	}
	before := c.maxPacket
	c.maxPacket = min(before, limit)
	return func() { c.maxPacket = before }
}

func (a *Authenticator) authenticate(c *Conn, r *loginRequest, g *Greeting) (*Login, error) {
	account, known := a.lookup(r.User)
	if known {
		account.Name = r.User
		a.saw(account.kind())
	} else {
		account = a.decoy(r.User)
	}
	e := &exchange{auth: a, conn: c}
	plugin, response, err := e.choosePlugin(r, &account, g)
	if err != nil {
		return nil, err
	}
	ok, err := e.verify(plugin, &account, response)
	if err != nil {
		return nil, err
	}
	if !ok || !known {
		return nil, accessDenied(c, r.User, e.usedPassword)
	}
	login := r.Login
	return &login, nil
}

// exchange is one authentication.
type exchange struct {
	auth         *Authenticator
	conn         *Conn
	usedPassword bool
}

// choosePlugin settles on a plugin that the client has and that can check the account, switching the
// client to it if need be, and returns the client's response under it (its own memory).
func (e *exchange) choosePlugin(r *loginRequest, account *Account, g *Greeting) (string, []byte, error) {
	theirs := r.plugin
	if theirs == "" {
		theirs = PluginNativePassword // what clients without plugins speak
	}
	kind := account.kind()
	ours := g.plugin()
	switch {
	case !kind.fits(theirs):
	case len(r.response) > 0 || theirs == ours || !r.Capabilities.Has(ClientPluginAuth):
		return theirs, append([]byte(nil), r.response...), nil
	default:
		// A client that was told to use another plugin than the greeting's has no
		// challenge for it yet: its empty response is no answer, but a question.
		ours = theirs
	}
	if !kind.fits(ours) {
		if ours = PluginNativePassword; kind == kindSHA2 {
			ours = PluginCachingSHA2Password
		}
	}
	if !r.Capabilities.Has(ClientPluginAuth) {
		return "", nil, NewError(ErrNotSupportedAuthMode,
			"Client does not support authentication protocol requested by server; consider upgrading MySQL client")
	}
	p := append([]byte{headerEOF}, ours...)
	p = append(append(p, 0), e.conn.nonce[:]...)
	response, err := e.ask(append(p, 0))
	return ours, append([]byte(nil), response...), err
}

// ask sends a packet and reads the client's answer to it, valid until the next read.
func (e *exchange) ask(p []byte) ([]byte, error) {
	if err := e.conn.WritePacket(p); err != nil {
		return nil, err
	}
	if err := e.conn.Flush(); err != nil {
		return nil, err
	}
	return e.conn.ReadPacket()
}

// verify checks the client's response to the challenge.
func (e *exchange) verify(plugin string, account *Account, response []byte) (bool, error) {
	// Some clients send the empty password as a string that ends in zero.
	e.usedPassword = len(response) > 1 || len(response) == 1 && response[0] != 0
	if !e.usedPassword || account.empty() {
		return !e.usedPassword && account.empty(), nil
	}
	if plugin == PluginCachingSHA2Password {
		return e.cachingSHA2(account, response)
	}
	return checkNative(response, account.nativeHash(), &e.conn.nonce), nil
}

// accessDenied is error 1045 in the server's words.
func accessDenied(c *Conn, user string, password bool) *ServerError {
	using := "NO"
	if password {
		using = "YES"
	}
	return NewError(ErrAccessDenied, "Access denied for user '%s'@'%s' (using password: %s)", user, c.peerHost(), using)
}

// peerHost is the host part of an account's name.
func (c *Conn) peerHost() string {
	a := c.nc.RemoteAddr()
	if a == nil || strings.HasPrefix(a.Network(), "unix") {
		return "localhost"
	}
	if host, _, err := net.SplitHostPort(a.String()); err == nil {
		return host
	}
	return a.String()
}

func (a *Authenticator) saw(k accountKind) {
	if k < kindBroken {
		a.kinds.Or(1 << k)
	}
}

// decoy makes an account for a name that does not exist: always the same kind for the same name, of
// those kinds that were seen, and with a password that nobody knows.
func (a *Authenticator) decoy(user string) Account {
	kind := kindClear
	if seen := a.kinds.Load(); seen != 0 {
		pick := accountKind(maphash.String(a.seed, user) % uint64(accountKinds))
		for seen&(1<<pick) == 0 {
			pick = (pick + 1) % accountKinds
		}
		kind = pick
	}
	secret := rand.Text()
	account := Account{Name: user}
	switch kind {
	case kindNative:
		account.Hash = fmt.Sprintf("*%X", nativeStage2([]byte(secret)))
	case kindSHA2:
		account.Hash = "$A$005$" + (secret + secret)[:sha2SaltSize] + (secret + secret)[:sha2HashChars]
	default:
		account.Password = secret
	}
	return account
}

// key makes the RSA key on first use: it takes a while, and only full caching_sha2 without
// TLS needs it.
func (a *Authenticator) key() (*rsa.PrivateKey, error) {
	a.keyOnce.Do(func() { a.rsaKey, a.keyErr = rsa.GenerateKey(rand.Reader, rsaKeyBits) })
	if a.keyErr != nil {
		return nil, fmt.Errorf("make RSA key: %w", a.keyErr)
	}
	return a.rsaKey, nil
}

func (a *Authenticator) digest(account *Account) ([sha256.Size]byte, bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	s, ok := a.digests[account.Name]
	if !ok || subtle.ConstantTimeCompare([]byte(s.hash), []byte(account.Hash)) != 1 {
		return [sha256.Size]byte{}, false
	}
	return s.digest, true
}

func (a *Authenticator) remember(account *Account, digest [sha256.Size]byte) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.digests[account.Name] = storedDigest{hash: account.Hash, digest: digest}
}
