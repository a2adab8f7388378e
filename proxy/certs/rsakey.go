package certs

import (
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
)

// minRSABits is the least that OAEP needs for the longest password.
const minRSABits = 2048

// RSAKey reads a private key in PEM, PKCS#1 or PKCS#8.
func RSAKey(path string) (*rsa.PrivateKey, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read rsa_key: %w", err)
	}
	key, err := parseRSAKey(text)
	if err != nil {
		return nil, fmt.Errorf("read rsa_key %s: %w", path, err)
	}
	if n := key.N.BitLen(); n < minRSABits {
		return nil, fmt.Errorf("read rsa_key %s: the key has %d bits; it needs %d", path, n, minRSABits)
	}
	return key, nil
}

func parseRSAKey(text []byte) (*rsa.PrivateKey, error) {
	block, _ := pem.Decode(text)
	if block == nil {
		return nil, errors.New("it is not PEM")
	}
	if block.Type == "RSA PRIVATE KEY" {
		return x509.ParsePKCS1PrivateKey(block.Bytes)
	}
	any, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return nil, err
	}
	key, ok := any.(*rsa.PrivateKey)
	if !ok {
		return nil, errors.New("it is not an RSA key")
	}
	return key, nil
}
