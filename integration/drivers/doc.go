// Package drivers connects the clients that people use (Go's two drivers, the
// mariadb command line, mariadb-dump, Python) and a hand-driven one, and holds
// what they see against a direct connection to a server.
//
//	go-sql-driver ─┐
//	go-mysql      ─┤                ┌─▶ s1, s2, s3
//	mariadb, dump ─┼──▶  proxy  ────┘    ▲
//	PyMySQL       ─┤                     │
//	raw packets   ─┘    the same, directly: the answer must be the same
package drivers
