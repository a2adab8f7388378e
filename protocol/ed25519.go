package protocol

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha512"
	"encoding/base64"
	"fmt"

	"filippo.io/edwards25519"
)

// ed25519NonceSize is the length of the plugin's challenge.
const ed25519NonceSize = 32

// ed25519Base64 is how MariaDB writes public keys: 43 characters.
var ed25519Base64 = base64.StdEncoding.WithPadding(base64.NoPadding)

// ed25519Key is the public key that belongs to a password. The password itself, of any length, takes the
// place of the 32 bytes that ed25519 makes its secret of, which crypto/ed25519 does not allow.
func ed25519Key(password string) (ed25519.PublicKey, error) {
	h := sha512.Sum512([]byte(password))
	s, err := edwards25519.NewScalar().SetBytesWithClamping(h[:32])
	if err != nil {
		return nil, fmt.Errorf("make an ed25519 key: %w", err)
	}
	return new(edwards25519.Point).ScalarBaseMult(s).Bytes(), nil
}

// ed25519Hash is the stored public key; nil where the account's hash is not one.
func (a *Account) ed25519Hash() ed25519.PublicKey {
	key, err := ed25519Base64.DecodeString(a.Hash)
	if err != nil || len(key) != ed25519.PublicKeySize {
		return nil
	}
	return key
}

// checkEd25519 verifies the client's signature of our challenge.
func (e *exchange) checkEd25519(account *Account, signature []byte) (bool, error) {
	key := account.ed25519Hash()
	if account.Hash == "" {
		var err error
		if key, err = ed25519Key(account.Password); err != nil {
			return false, err
		}
	}
	return key != nil && len(signature) == ed25519.SignatureSize && ed25519.Verify(key, e.challenge, signature), nil
}

// ed25519Challenge draws the challenge. It begins with the greeting's, which clients keep for a later
// COM_CHANGE_USER with another plugin.
func (e *exchange) ed25519Challenge() ([]byte, error) {
	nonce := make([]byte, ed25519NonceSize)
	n := copy(nonce, e.conn.nonce[:])
	if _, err := rand.Read(nonce[n:]); err != nil {
		return nil, fmt.Errorf("draw a challenge: %w", err)
	}
	return nonce, nil
}
