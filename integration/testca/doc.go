// Package testca is a certificate authority for tests: it writes certificates and keys for servers and
// clients into a folder of the test.
package testca
