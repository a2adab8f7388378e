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

	// RSAKey encrypts the passwords of caching_sha2_password that are sent without TLS; nil: one is made when it
	// is needed. Set before use.
	RSAKey *rsa.PrivateKey

	lookup func(user string) (Account, bool)

	keyOnce sync.Once
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
// Where the client asks for TLS and g offers it, c's network connection is another one afterwards: see
// NetConn. On refusal it returns a *ServerError (1045, 1043, 3159 ...) not yet sent. Other errors are the
// transport's, *TLSError among them, or g.Preface's.
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
	if g.Preface != nil {
		rest, err := g.Preface(c.nc)
		if err != nil {
			return nil, err
		}
		c.unread(rest)
	}
	p, err := c.ReadPacket()
	if err != nil {
		return nil, err
	}
	if g.TLS != nil && isSSLRequest(p) {
		if err := c.startTLS(g.TLS); err != nil {
			return nil, err
		}
		if p, err = c.ReadPacket(); err != nil {
			return nil, err
		}
	}
	request, err := parseHandshakeResponse(p, g.offered())
	if err != nil {
		return nil, err
	}
	request.Extended &= g.Extended
	c.caps, c.zstdLevel, c.extended = request.Capabilities, request.zstdLevel, request.Extended
	if g.RequireTLS && !c.secure() {
		return nil, NewError(ErrSecureTransportRequired, "Connections using insecure transport are prohibited (tls.mode is required)")
	}
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
		_, overTLS := c.TLS()
		account.Name = r.User
		a.saw(account.kind())
		switch account.kind() {
		case kindBroken:
			known = false // no password can be right
		case kindCleartext:
			known = overTLS // it is not even asked for where it could be read on its way
		}
	}
	if !known {
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
	login.Plugin = plugin
	return &login, nil
}

// accessDenied is error 1045 in the server's words.
func accessDenied(c *Conn, user string, password bool) *ServerError {
	using := "NO"
	if password {
		using = "YES"
	}
	return NewError(ErrAccessDenied, "Access denied for user '%s'@'%s' (using password: %s)", user, c.peerHost(), using)
}

// SetPeerHost says where the client really is, for the error that refuses it, where the network connection does
// not know: behind a proxy.
func (c *Conn) SetPeerHost(host string) { c.peer = host }

// peerHost is the host part of an account's name.
func (c *Conn) peerHost() string {
	if c.peer != "" {
		return c.peer
	}
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
// those kinds that were seen, and with a password that nobody knows. Plugins that not every client has are left out: one
// that has mistyped its name would be told of a missing plugin.
func (a *Authenticator) decoy(user string) Account {
	kind := kindClear
	if seen := a.kinds.Load() &^ (1<<kindEd25519 | 1<<kindCleartext); seen != 0 {
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
	case kindSHA2Clear:
		account.Password, account.Plugin = secret, PluginCachingSHA2Password
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
	a.keyOnce.Do(func() {
		if a.RSAKey == nil {
			a.RSAKey, a.keyErr = rsa.GenerateKey(rand.Reader, rsaKeyBits)
		}
	})
	if a.keyErr != nil {
		return nil, fmt.Errorf("make RSA key: %w", a.keyErr)
	}
	return a.RSAKey, nil
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
