// Package admin is the port for operators: liveness, metrics, profiles, and a
// JSON interface to what is in doubt and how it is settled.
//
//	GET  /livez /readyz                       open to all who reach the port
//	GET  /metrics /debug/pprof/               behind the token
//	GET  /api/v1/status /shards /sessions /log
//	GET  /api/v1/transactions[/GTRID]
//	POST /api/v1/transactions/GTRID/commit | rollback | forget
//	POST /api/v1/recover[?dry_run=1]
//
// Three parts: Operator carries out the verbs (also for the command line with the
// proxy down), Server speaks HTTP, Client is its other end.
//
// Invariants:
//
//   - Without the token nothing but /livez and /readyz answers. Only a port on
//     loopback may do without one; it then takes no request that names another host or comes
//     from a web page of another origin.
//   - A verdict against the resolver's rules is in the audit bucket of the log,
//     durably, before the first branch hears of it.
//   - A decision is dropped only after each participant's shard was listed and had
//     nothing prepared of it, or when an operator forces it, audited likewise.
//   - What a client can make the server hold is bounded: headers, bodies,
//     connections, requests at once, time.
package admin
