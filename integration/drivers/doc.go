// Package drivers connects the clients that people use (Go's drivers, command lines, and the drivers and
// ORMs of other languages, each with a program below programs/) and a hand-driven one, and holds
// what they see against a direct connection to a server.
//
//	go-sql-driver ─┐
//	go-mysql      ─┤                ┌─▶ s1, s2, s3
//	mariadb, dump ─┼──▶  proxy  ────┘    ▲
//	programs/*    ─┤                     │
//	raw packets   ─┘    the same, directly: the answer must be the same
//
// README.md lists the drivers, what their programs use, and where the answers differ.
package drivers
