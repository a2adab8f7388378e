package protocol

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/subtle"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"net"
)

// Codes of caching_sha2_password behind headerMoreData, and the client's request.
const (
	sha2FastOK         = 0x03
	sha2FullNeeded     = 0x04
	sha2RequestKey     = 0x02
	rsaKeyBits         = 2048
	maxClearPassword   = 256 // bytes; OAEP over 2048 bits holds 214
	cachingSHA2Storage = "caching_sha2_password"
)

// checkSHA2 verifies SHA256(password) XOR SHA256(digest + nonce), where digest is
// SHA256(SHA256(password)), in constant time.
func checkSHA2(response []byte, digest *[sha256.Size]byte, nonce *[nonceSize]byte) bool {
	if len(response) != sha256.Size {
		return false
	}
	h := sha256.New()
	h.Write(digest[:])
	h.Write(nonce[:])
	stage1 := h.Sum(nil)
	subtle.XORBytes(stage1, stage1, response)
	got := sha256.Sum256(stage1)
	return subtle.ConstantTimeCompare(got[:], digest[:]) == 1
}

// cachingSHA2 runs the plugin for a response to our challenge.
//
//	client                              server
//	  scramble          ->
//	                    <-  01 03                    digest known and right: done
//	                    <-  01 04                    digest not known: full authentication
//	  02                ->                           (without TLS) ask for the key
//	                    <-  01 PEM
//	  RSA(password)     ->                           or the password in clear over TLS and Unix sockets
func (e *exchange) cachingSHA2(account *Account, response []byte) (bool, error) {
	if account.Hash == "" {
		digest := sha2Digest([]byte(account.Password))
		if !checkSHA2(response, &digest, &e.conn.nonce) {
			return false, nil
		}
		return true, e.conn.WritePacket([]byte{headerMoreData, sha2FastOK})
	}
	if digest, ok := e.auth.digest(account); ok {
		if checkSHA2(response, &digest, &e.conn.nonce) {
			return true, e.conn.WritePacket([]byte{headerMoreData, sha2FastOK})
		}
		// The password may have changed at the client only: as servers do, let the full way decide.
	}
	password, err := e.clearPassword()
	if err != nil {
		return false, err
	}
	ok, err := account.checkClear(password)
	if err == nil && ok {
		e.auth.remember(account, sha2Digest(password))
	}
	return ok, err
}

// clearPassword asks the client for its password.
func (e *exchange) clearPassword() ([]byte, error) {
	reply, err := e.ask([]byte{headerMoreData, sha2FullNeeded})
	if err != nil {
		return nil, err
	}
	if e.conn.secure() {
		return trimPassword(reply)
	}
	key, err := e.auth.key()
	if err != nil {
		return nil, err
	}
	if len(reply) == 1 && reply[0] == sha2RequestKey {
		text, err := publicKeyText(key)
		if err != nil {
			return nil, err
		}
		if reply, err = e.ask(append([]byte{headerMoreData}, text...)); err != nil {
			return nil, err
		}
	}
	if len(reply) <= 1 {
		return nil, nil // the client has no password
	}
	if len(reply) < key.Size() && reply[len(reply)-1] == 0 {
		// MariaDB's client library takes a loopback address for a safe connection and sends the
		// password in clear unasked; it has crossed the wire whatever we say to it.
		return trimPassword(reply)
	}
	scrambled, err := rsa.DecryptOAEP(sha1.New(), rand.Reader, key, reply, nil)
	if err != nil {
		return nil, badHandshake("the password cannot be decrypted")
	}
	for i := range scrambled {
		scrambled[i] ^= e.conn.nonce[i%nonceSize]
	}
	return trimPassword(scrambled)
}

func publicKeyText(key *rsa.PrivateKey) ([]byte, error) {
	public, err := x509.MarshalPKIXPublicKey(&key.PublicKey)
	if err != nil {
		return nil, fmt.Errorf("encode public key: %w", err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: public}), nil
}

func trimPassword(b []byte) ([]byte, error) {
	if n := len(b); n > 0 && b[n-1] == 0 {
		b = b[:n-1]
	}
	if len(b) > maxClearPassword {
		return nil, badHandshake("the password is too long")
	}
	return append([]byte{}, b...), nil
}

// secure says whether a password may cross the connection in clear: TLS and Unix sockets, as
// clients decide too.
func (c *Conn) secure() bool {
	nc := c.nc
	if z, ok := nc.(*compressed); ok {
		nc = z.Conn
	}
	switch nc := nc.(type) {
	case *tls.Conn, *net.UnixConn:
		return true
	default:
		a := nc.LocalAddr()
		return a != nil && a.Network() == "unix"
	}
}
