// Package proxyproto reads the header of the PROXY protocol, version 1 and 2, by which a proxy in front says whose
// connection it passes on. It parses and nothing else: whom to believe is its callers' business.
//
// Libraries for it read ahead into a buffer and hand out a connection of their own. Here not a byte behind the header
// is read, so that the network connection itself stays in use.
//
// Invariants:
//
//   - A header is taken whole or not at all: what is cut short, too long or not exactly in form is an *Error.
//   - Memory is bounded by MaxHeader, whatever length is announced.
package proxyproto
