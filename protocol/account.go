package protocol

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"
)

// Account is what is known of a user: its password in clear or as MySQL stores it.
type Account struct {
	Name     string
	Password string // clear text when Hash is empty
	Hash     string // "*HEX40" (mysql_native_password) or "$A$005$..." (caching_sha2_password)
}

// accountKind says how an account's password is known, and so which plugins can check it.
type accountKind byte

const (
	kindClear  accountKind = iota // both plugins
	kindNative                    // "*HEX"
	kindSHA2                      // "$A$"
	kindBroken                    // a hash in no known form: nobody logs in
	accountKinds
)

const (
	nativeHashSize = 20
	sha2SaltSize   = 20
	sha2HashChars  = 43
)

func (a *Account) kind() accountKind {
	switch {
	case a.Hash == "":
		return kindClear
	case a.nativeHash() != nil:
		return kindNative
	case validSHA2Hash(a.Hash):
		return kindSHA2
	}
	return kindBroken
}

func (k accountKind) fits(plugin string) bool {
	switch plugin {
	case PluginNativePassword:
		return k == kindClear || k == kindNative
	case PluginCachingSHA2Password:
		return k == kindClear || k == kindSHA2
	}
	return false
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
