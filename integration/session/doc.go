// Package session tests what a client's session can count on: transactions and what ends them, variables, locks by name and
// temporary tables, KILL, stored procedures, shards that are down, and server connections that are lost at any byte. The
// oracle for single answers is one plain server.
package session
