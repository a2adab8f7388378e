// Package certs makes TLS configurations of the files that the configuration names, and makes them anew when
// the files change.
//
// Invariants:
//
//   - Files that cannot be used at the start are an error; later they are a message at level Error, and what was
//     read before goes on being used.
//   - Whoever has a *tls.Config may keep it: a change makes a new one.
package certs
