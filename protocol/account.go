package protocol

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"
)

// Account is what is known of a user: its password in clear or as a server stores it.
type Account struct {
	Name     string
	Password string // clear text when Hash is empty
	Hash     string // "*HEX40" (mysql_native_password), "$A$005$..." (caching_sha2_password) or 43 characters (client_ed25519)
	Plugin   string // the only one that the account uses; empty: each that can check its password
}

// accountKind says which plugins an account can use, and how.
type accountKind byte

const (
	kindClear     accountKind = iota // known in clear: each but the clear one
	kindNative                       // mysql_native_password
	kindSHA2                         // caching_sha2_password, of which a salted hash is known
	kindSHA2Clear                    // caching_sha2_password, known in clear: the fast way is enough
	kindEd25519                      // client_ed25519
	kindCleartext                    // mysql_clear_password, over TLS only
	kindBroken                       // a hash in no known form, or not one of its plugin: nobody logs in
	accountKinds
)

const (
	nativeHashSize = 20
	sha2SaltSize   = 20
	sha2HashChars  = 43
)

func (a *Account) kind() accountKind {
	hash := a.hashKind()
	switch {
	case hash == kindBroken || a.Plugin == "":
		return hash
	case a.Plugin == PluginClearPassword:
		return kindCleartext
	case a.Plugin == PluginNativePassword && (hash == kindClear || hash == kindNative):
		return kindNative
	case a.Plugin == PluginCachingSHA2Password && hash == kindClear:
		return kindSHA2Clear
	case a.Plugin == PluginCachingSHA2Password && hash == kindSHA2:
		return kindSHA2
	case a.Plugin == PluginEd25519 && (hash == kindClear && a.Password != "" || hash == kindEd25519):
		return kindEd25519
	}
	return kindBroken
}

// hashKind is the kind that follows from what is known of the password.
func (a *Account) hashKind() accountKind {
	switch {
	case a.Hash == "":
		return kindClear
	case a.nativeHash() != nil:
		return kindNative
	case validSHA2Hash(a.Hash):
		return kindSHA2
	case a.ed25519Hash() != nil:
		return kindEd25519
	}
	return kindBroken
}

// fits says whether a plugin can check the account's password.
func (a *Account) fits(k accountKind, plugin string) bool {
	switch plugin {
	case PluginNativePassword:
		return k == kindClear || k == kindNative
	case PluginCachingSHA2Password:
		return k == kindClear || k == kindSHA2 || k == kindSHA2Clear
	case PluginEd25519:
		return k == kindClear && a.Password != "" || k == kindEd25519
	case PluginClearPassword:
		return k == kindCleartext
	}
	return false
}

// plugin is the one that suits a kind of account that the greeting's does not suit.
func (k accountKind) plugin() string {
	switch k {
	case kindSHA2, kindSHA2Clear:
		return PluginCachingSHA2Password
	case kindEd25519:
		return PluginEd25519
	case kindCleartext:
		return PluginClearPassword
	default:
		return PluginNativePassword
	}
}

// nativeHash is SHA1(SHA1(password)), or nil where it is not known.
func (a *Account) nativeHash() []byte {
	if a.Hash == "" {
		return nativeStage2([]byte(a.Password))
	}
	if len(a.Hash) != 1+2*nativeHashSize || a.Hash[0] != '*' {
		return nil
	}
	h, err := hex.DecodeString(a.Hash[1:])
	if err != nil {
		return nil
	}
	return h
}

// validSHA2Hash checks the form `$A$005$` + salt + digest; the salt may be any bytes but '$'.
func validSHA2Hash(h string) bool {
	const head = len("$A$005$")
	return len(h) == head+sha2SaltSize+sha2HashChars && strings.HasPrefix(h, "$A$") && h[head-1] == '$' &&
		strings.Count(h, "$") == 3 && isHex(h[3:6]) && h[3:6] != "000"
}

func isHex(s string) bool {
	for _, b := range []byte(s) {
		if (b < '0' || b > '9') && (b < 'A' || b > 'F') && (b < 'a' || b > 'f') {
			return false
		}
	}
	return true
}

// empty says whether the account has no password.
func (a *Account) empty() bool { return a.Hash == "" && a.Password == "" }

// sha2Digest is what caching_sha2_password's fast path checks against.
func sha2Digest(password []byte) [sha256.Size]byte {
	stage1 := sha256.Sum256(password)
	return sha256.Sum256(stage1[:])
}
