package protocol

import (
	"crypto/sha256"
	"crypto/subtle"
	"fmt"

	"github.com/pingcap/tidb/pkg/parser/auth"
)

// checkClear compares a password that came in clear with what is known of the account's, in constant time.
func (a *Account) checkClear(password []byte) (bool, error) {
	if a.Hash == "" {
		given, want := sha256.Sum256(password), sha256.Sum256([]byte(a.Password))
		return subtle.ConstantTimeCompare(given[:], want[:]) == 1, nil
	}
	if stage2 := a.nativeHash(); stage2 != nil {
		return subtle.ConstantTimeCompare(nativeStage2(password), stage2) == 1, nil
	}
	if key := a.ed25519Hash(); key != nil {
		given, err := ed25519Key(string(password))
		return err == nil && subtle.ConstantTimeCompare(given, key) == 1, err
	}
	ok, err := auth.CheckHashingPassword([]byte(a.Hash), string(password), cachingSHA2Storage)
	if err != nil {
		return false, fmt.Errorf("check password of %q: %w", a.Name, err)
	}
	return ok, nil
}
